// A search in the logs of one host: what control asks for, and the frames of the stream `search`, each one JSON text.
import * as z from 'zod';
import { LongshoreError } from '../errors.ts';
import { lazy } from './parts.ts';

export const SEARCH_LIMITS = {
  /** Characters. Longer than what anybody types, and cheap to compile. */
  query: 500,
  /** Lines in an answer. */
  matches: 1_000,
  /** Of one host. A gigabyte of ordinary lines takes about a second. */
  timeoutMs: 30_000,
} as const;

const stamp = () => z.string().max(64);

export const searchRequest = lazy(() =>
  z.object({
    serviceIds: z.array(z.string().max(64)).max(10_000),
    query: z.string().min(1).max(SEARCH_LIMITS.query),
    /** The query is a regular expression as JavaScript has them; else it is found as it is written. */
    isRegex: z.boolean(),
    ignoresCase: z.boolean(),
    /** RFC 3339 with up to nanoseconds; both inclusive. */
    since: stamp().nullable(),
    until: stamp().nullable(),
    limit: z.number().int().min(1).max(SEARCH_LIMITS.matches),
    timeoutMs: z.number().int().min(1).max(SEARCH_LIMITS.timeoutMs),
    /** Who asks; null or absent: the operator. Each has one search at a time on a host. */
    customerId: z.string().max(64).nullable().optional(),
  }),
);
export type SearchRequest = z.infer<ReturnType<typeof searchRequest>>;

const logMatch = lazy(() =>
  z.object({
    serviceId: z.string(),
    container: z.string(),
    /** The container is gone: this is from what the host kept of its log. */
    isReplaced: z.boolean(),
    stream: z.enum(['stdout', 'stderr']),
    /** RFC 3339 in UTC with nine digits, so that comparing texts compares times. */
    timestamp: z.string().length(30),
    /** Without secrets; of a long line the part with the match. */
    message: z.string(),
  }),
);
export type LogMatch = z.infer<ReturnType<typeof logMatch>>;

/** Why a search ended before it had seen everything: enough was found, or a bound was reached. */
export const SEARCH_STOPS = ['limit', 'deadline', 'bytes'] as const;
export type SearchStop = (typeof SEARCH_STOPS)[number];

const searchEnd = lazy(() =>
  z.object({
    kind: z.literal('ended'),
    /** Null: every line that is kept of the time asked for was looked at. */
    stopped: z.enum(SEARCH_STOPS).nullable(),
    /** Lines from this time on were looked at; null: all, or none at all where it stopped. */
    searchedFrom: z.string().nullable(),
    scannedBytes: z.number().int().nonnegative(),
    /** Logs that were looked through, those of replaced containers among them. */
    logs: z.number().int().nonnegative(),
    /** Containers whose logs cannot be read. */
    unreadable: z.array(z.string()),
  }),
);
export type SearchEnd = z.infer<ReturnType<typeof searchEnd>>;

export const searchNews = lazy(() =>
  z.discriminatedUnion('kind', [z.object({ kind: z.literal('found'), matches: z.array(logMatch()) }), searchEnd()]),
);
export type SearchNews = z.infer<ReturnType<typeof searchNews>>;

export const encodeSearchNews = (news: SearchNews): Buffer => Buffer.from(JSON.stringify(news));

/** Throws `protocol_violation`. */
export function decodeSearchNews(frame: Uint8Array): SearchNews {
  try {
    return searchNews().parse(JSON.parse(Buffer.from(frame).toString('utf8')));
  } catch (cause) {
    throw new LongshoreError('protocol_violation', { details: 'news of a search are not valid', cause });
  }
}
