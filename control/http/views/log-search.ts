// A search in logs as the API shows it: one answer, or the same parts line by line.
import { z } from 'zod';
import { SEARCH_LIMITS } from '#shared/protocol/search-parts.ts';
import type { FoundLine, HostSearched, LogQuery, SearchAnswer, SearchEvent } from '../../app/api/log-search.ts';
import { filterText } from './page.ts';

const DEFAULT_LIMIT = 100;
const DEFAULT_TIMEOUT_S = 10;

export const searchQuery = z.strictObject({
  q: z
    .string('Say what a line must hold')
    .min(1)
    .max(SEARCH_LIMITS.query)
    .describe('What to look for, as it stands in a line'),
  regex: z.stringbool().default(false).describe('`q` is a regular expression as JavaScript has them'),
  ignore_case: z.stringbool().default(false).describe('Upper and lower case are the same'),
  since: z.iso.datetime({ offset: true }).optional().describe('Only lines from this instant on, RFC 3339'),
  until: z.iso.datetime({ offset: true }).optional().describe('Only lines up to this instant, RFC 3339'),
  service: filterText.optional().describe('Id or name of a service; absent: all'),
  host: filterText.optional().describe('Id or name of a host; absent: all'),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(SEARCH_LIMITS.matches)
    .default(DEFAULT_LIMIT)
    .describe('The most lines to give: the newest'),
  timeout: z.coerce
    .number()
    .int()
    .min(1)
    .max(SEARCH_LIMITS.timeoutMs / 1000)
    .default(DEFAULT_TIMEOUT_S)
    .describe('Seconds; what was found by then is the answer'),
});

const lineView = z.object({
  timestamp: z.string().meta({ description: 'To the nanosecond', example: '2026-03-29T14:30:00.000000001Z' }),
  stream: z.enum(['stdout', 'stderr']),
  message: z.string().meta({ description: 'Of a long line the part with the match', example: 'timeout after 30 s' }),
  container: z.string().meta({ example: 'my-app-web-1' }),
  replaced: z.boolean().meta({ description: 'The container is gone; the host kept the end of its log' }),
  service_id: z.string(),
  service_name: z.string().meta({ example: 'my-app' }),
  host_id: z.string(),
});

const hostView = z.object({
  host_id: z.string(),
  host_name: z.string(),
  complete: z.boolean().meta({ description: 'Every kept line of the time asked for was looked at' }),
  reason: z.string().nullable().meta({
    description:
      'Why not: `limit` (enough was found), `deadline`, `bytes`, `unreadable`, or an error code such as `host_offline`',
    example: null,
  }),
  searched_from: z.string().nullable().meta({
    description: 'Where it is not complete: lines from this time on were looked at; null: none for certain',
    example: null,
  }),
  scanned_bytes: z.number().int().meta({ example: 1_073_741_824 }),
  logs: z.number().int().meta({ description: 'Of containers, and of replaced ones', example: 3 }),
  unreadable: z.array(z.string()).meta({ description: 'Containers whose logs cannot be read', example: [] }),
});

export const searchView = z
  .object({
    matches: z.array(lineView).meta({ description: 'The newest first' }),
    complete: z.boolean().meta({ description: 'Nothing was left out, on any host' }),
    hosts: z.array(hostView).meta({ description: 'What each host did' }),
  })
  .meta({ id: 'LogSearch' });

type SearchParameters = z.infer<typeof searchQuery>;

export const fromSearchQuery = (query: SearchParameters): LogQuery => ({
  query: query.q.toWellFormed(),
  isRegex: query.regex,
  ignoresCase: query.ignore_case,
  since: query.since ?? null,
  until: query.until ?? null,
  service: query.service,
  host: query.host,
  limit: query.limit,
  timeoutMs: query.timeout * 1000,
});

const toLine = (line: FoundLine): z.infer<typeof lineView> => ({
  timestamp: line.timestamp,
  stream: line.stream,
  message: line.message,
  container: line.container,
  replaced: line.isReplaced,
  service_id: line.serviceId,
  service_name: line.serviceName,
  host_id: line.hostId,
});

const toHost = (host: HostSearched): z.infer<typeof hostView> => ({
  host_id: host.hostId,
  host_name: host.hostName,
  complete: host.reason === null,
  reason: host.reason,
  searched_from: host.searchedFrom,
  scanned_bytes: host.scannedBytes,
  logs: host.logs,
  unreadable: host.unreadable,
});

export const toSearchView = ({ lines, hosts, isComplete }: SearchAnswer): z.infer<typeof searchView> => ({
  matches: lines.map(toLine),
  complete: isComplete,
  hosts: hosts.map(toHost),
});

/** One line of NDJSON. */
export const toEventLine = (event: SearchEvent): string =>
  `${JSON.stringify(event.kind === 'line' ? { type: 'match', ...toLine(event.line) } : { type: 'host', ...toHost(event.host) })}\n`;
