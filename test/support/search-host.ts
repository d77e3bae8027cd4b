// A host's log search without Docker: services whose containers' logs are files that a test writes.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { silentLogger } from '#shared/log.ts';
import { decodeSearchNews, type LogMatch, type SearchEnd, type SearchRequest } from '#shared/protocol/search-parts.ts';
import { systemClock } from '#shared/time.ts';
import { SERVICE_LABEL, type Container } from '../../agent/docker/engine.ts';
import type { KeptLog } from '../../agent/kept-logs/kept-log.ts';
import { Searches, type SearchDeps } from '../../agent/search/searches.ts';
import { makeFolder } from './folder.ts';

export interface LogLine {
  at: number;
  stream: 'stdout' | 'stderr';
  text: string;
}

const stampOf = (micros: number): string =>
  `${new Date(Date.parse('2026-03-29T10:00:00Z') + Math.floor(micros / 1000)).toISOString().slice(0, -1)}${String(micros % 1000).padStart(3, '0')}000Z`;

export const timeOf = stampOf;

/** A line as dockerd writes it: what Go's encoder escapes, a long one in pieces of 16 KiB. */
export function toRecords({ at, stream, text }: LogLine): string {
  const bytes = Buffer.from(text);
  const pieces: string[] = [];
  for (let from = 0; from === 0 || from < bytes.length; from += 16_384)
    pieces.push(bytes.toString('latin1', from, from + 16_384));
  return pieces.map((piece, i) => record(piece, i === pieces.length - 1, stream, stampOf(at))).join('');
}

function record(piece: string, isLast: boolean, stream: string, time: string): string {
  const log = JSON.stringify(Buffer.from(piece, 'latin1').toString('utf8') + (isLast ? '\n' : ''))
    .replaceAll('\\t', '\\u0009')
    .replaceAll('\\b', '\\u0008')
    .replaceAll('\\f', '\\u000c')
    .replaceAll(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `{"log":${log},"stream":"${stream}","time":"${time.replace(/\.?0+Z$/, 'Z')}"}\n`;
}

export interface SearchWorld {
  /** Writes the log of a container; `files` are the newest first, as Docker names them. */
  write(container: string, ...files: (string | Buffer)[]): string;
  search(request: Partial<SearchRequest>, signal?: AbortSignal): Promise<{ matches: LogMatch[]; end: SearchEnd }>;
  directory: string;
}

export function startSearches(
  t: Test,
  over: Partial<SearchDeps> & { secrets?: string[]; kept?: KeptLog[] } = {},
): SearchWorld {
  const directory = makeFolder(t, 'search');
  const names: string[] = [];
  const pathOf = (name: string) => join(directory, `${name}-json.log`);
  const searches = new Searches({
    socketPath: '/nonexistent/docker.sock',
    engine: { listProject: async () => names.map((name) => containerOf(name)) },
    services: {
      find: (id) => (id === 'svc_test' ? { spec: { name: 'test' } } : undefined),
      secretsOf: () => over.secrets ?? [],
    },
    listKept: async () => over.kept ?? [],
    findLogFile: async (id) => ({ path: pathOf(id.replace(/^0+/, '')), isTty: false }),
    clock: systemClock,
    log: silentLogger(),
    ...over,
  });
  return {
    directory,
    write(container, ...files) {
      if (!names.includes(container)) names.push(container);
      files.forEach((content, i) => writeFileSync(`${pathOf(container)}${i === 0 ? '' : `.${i}`}`, content));
      return pathOf(container);
    },
    search: (request, signal) => runSearch(searches, request, signal),
  };
}

/** One whose name begins so stands in the same project, and is not the service's. */
export const FOREIGN = 'foreign';

const containerOf = (name: string): Container => {
  const labels = { [SERVICE_LABEL]: name.startsWith(FOREIGN) ? 'svc_other' : 'svc_test' };
  return { id: name.padStart(12, '0'), name, labels } as unknown as Container;
};

/** All that one search tells. */
export async function runSearch(
  searches: Searches,
  request: Partial<SearchRequest>,
  signal = new AbortController().signal,
) {
  const matches: LogMatch[] = [];
  let end: SearchEnd | undefined;
  const write = async (frame: Uint8Array) => {
    const news = decodeSearchNews(frame);
    if (news.kind === 'found') matches.push(...news.matches);
    else end = news;
  };
  await searches.stream({ ...DEFAULTS, ...request }, { write, signal }, () => undefined);
  if (!end) throw new TypeError('a search without an end');
  return { matches, end };
}

const DEFAULTS: SearchRequest = {
  serviceIds: ['svc_test'],
  query: 'x',
  isRegex: false,
  ignoresCase: false,
  since: null,
  until: null,
  limit: 100,
  timeoutMs: 30_000,
};
