// What the thread of a search is told, and what it tells: plain values only, as they are copied from thread to thread.
import type { LogMatch, SearchEnd, SearchRequest } from '#shared/protocol/search-parts.ts';

interface LogToSearch {
  serviceId: string;
  container: string;
}

export type SearchSource = LogToSearch &
  (
    | {
        kind: 'live';
        containerId: string;
        /** Of the json-file driver; absent: only the Engine can tell. */
        file?: { path: string; isTty: boolean };
      }
    | {
        kind: 'kept';
        path: string;
        isTty: boolean;
        /** When the container was gone, RFC 3339. */
        keptAt: string;
      }
  );

export interface SearchOrder {
  request: Omit<SearchRequest, 'serviceIds' | 'customerId'>;
  sources: SearchSource[];
  /** By the id of the service. */
  secrets: Record<string, string[]>;
  socketPath: string;
}

export type ThreadNews =
  | { kind: 'found'; matches: LogMatch[] }
  | { kind: 'reached'; searchedFrom: string | null; scannedBytes: number }
  | SearchEnd;
