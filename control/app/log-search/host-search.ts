// The part of a search that one host does. A host that is away, does not answer or fails is an answer, not an error:
// silence must not be taken for "nothing found".
import { toLongshoreError } from '#shared/errors.ts';
import type { StreamReader } from '#shared/protocol/peer-types.ts';
import { decodeSearchNews, type LogMatch, type SearchEnd, type SearchRequest } from '#shared/protocol/search-parts.ts';
import type { Clock } from '#shared/time.ts';
import type { HostSearched, Shortfall } from '../api/log-search.ts';
import type { HostLinks } from '../hosts/host-links.ts';

/** A host ends a search itself; one that does not is left after this. */
const GRACE_MS = 2_000;

export interface HostSearchDeps {
  links: Pick<HostLinks, 'openStream'>;
  clock: Clock;
}

export interface AskedHost {
  id: string;
  name: string;
}

export async function searchHost(
  { links, clock }: HostSearchDeps,
  host: AskedHost,
  request: SearchRequest,
  signal: AbortSignal,
  onFound: (match: LogMatch) => Promise<void>,
): Promise<HostSearched> {
  let isLate = false;
  let reader: StreamReader | undefined;
  const leave = () => reader?.cancel();
  const cancelLimit = clock.after(request.timeoutMs + GRACE_MS, () => {
    isLate = true;
    leave();
  });
  signal.addEventListener('abort', leave, { once: true });
  try {
    reader = links.openStream(host.id, 'search', request);
    const end = await readNews(reader, request, onFound);
    return end ? searched(host, end) : failed(host, isLate ? 'deadline' : 'interrupted');
  } catch (error) {
    return failed(host, isLate ? 'deadline' : reasonOf(error));
  } finally {
    cancelLimit();
    signal.removeEventListener('abort', leave);
  }
}

/** Undefined when the stream was left or ended without a last word. */
async function readNews(
  reader: StreamReader,
  { serviceIds, limit }: SearchRequest,
  onFound: (match: LogMatch) => Promise<void>,
): Promise<SearchEnd | undefined> {
  const asked = new Set(serviceIds);
  let count = 0;
  for await (const frame of reader) {
    const news = decodeSearchNews(frame);
    if (news.kind === 'ended') return news;
    for (const match of news.matches) {
      // What was not asked for is another's, and what is too much is no answer.
      if (asked.has(match.serviceId) && ++count <= limit) await onFound(match);
    }
  }
  return undefined;
}

const searched = ({ id, name }: AskedHost, end: SearchEnd): HostSearched => ({
  hostId: id,
  hostName: name,
  reason: end.stopped ?? (end.unreadable.length > 0 ? 'unreadable' : null),
  searchedFrom: end.searchedFrom,
  scannedBytes: end.scannedBytes,
  logs: end.logs,
  unreadable: end.unreadable,
});

export const failed = ({ id, name }: AskedHost, reason: Shortfall): HostSearched => ({
  hostId: id,
  hostName: name,
  reason,
  searchedFrom: null,
  scannedBytes: 0,
  logs: 0,
  unreadable: [],
});

/** An agent from before there was a search knows no such stream. */
function reasonOf(error: unknown): Shortfall {
  const { code } = toLongshoreError(error);
  if (code === 'link_closed') return 'host_offline';
  return code === 'unsupported' ? 'not_supported' : code;
}
