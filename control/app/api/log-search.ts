// A search in the logs of many services, as the app layer offers it: hosts look, nothing is stored here.
import type { ErrorCode } from '#shared/errors.ts';
import type { LogMatch, SearchRequest, SearchStop } from '#shared/protocol/search-parts.ts';
import type { Caller } from './caller.ts';

export interface LogQuery extends Omit<SearchRequest, 'serviceIds'> {
  /** Ids or names; absent: all that the caller sees. */
  service?: string | undefined;
  host?: string | undefined;
}

export interface FoundLine extends LogMatch {
  serviceName: string;
  hostId: string;
}

/** Why not everything that is kept was looked at. */
export type Shortfall = SearchStop | 'unreadable' | ErrorCode;

/** What one host did. */
export interface HostSearched {
  hostId: string;
  hostName: string;
  /** Null: every line of the time asked for was looked at. */
  reason: Shortfall | null;
  /** Lines from this time on were looked at; null: all of them, or (with a reason) none for certain. */
  searchedFrom: string | null;
  scannedBytes: number;
  logs: number;
  unreadable: string[];
}

export type SearchEvent = { kind: 'line'; line: FoundLine } | { kind: 'host'; host: HostSearched };

export interface SearchAnswer {
  /** The newest first. */
  lines: FoundLine[];
  hosts: HostSearched[];
  /** Every line that matches is among them. */
  isComplete: boolean;
}

export interface LogSearch {
  /**
   * Lines as hosts find them, each host the newest first and up to the limit, and a word when a host is through. Throws
   * `not_found` for a service or host that is not there, and `validation_error` for a query that is none.
   */
  open(caller: Caller, query: LogQuery, signal: AbortSignal): AsyncIterable<SearchEvent>;
  /** The newest lines of all hosts, up to the limit. */
  run(caller: Caller, query: LogQuery, signal: AbortSignal): Promise<SearchAnswer>;
}
