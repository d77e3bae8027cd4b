// Searches the logs of all services that a caller sees, each host for itself, many hosts at a time.
import { LongshoreError } from '#shared/errors.ts';
import type { SearchRequest } from '#shared/protocol/search-parts.ts';
import type { ServicePlace } from '../../store/service-places.ts';
import type { Stores } from '../../store/stores.ts';
import { isHostSeen, type Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { HostSearched, LogQuery, LogSearch, SearchAnswer, SearchEvent } from '../api/log-search.ts';
import { missing } from '../missing.ts';
import { failed, searchHost, type AskedHost, type HostSearchDeps } from './host-search.ts';
import { Merged } from './merged.ts';
import { Newest } from './newest.ts';

export interface LogSearchDeps extends HostSearchDeps {
  stores: Pick<Stores, 'places' | 'hosts'>;
  access: Access;
}

/** At the same time. Hosts that are not come to within the time say so. */
const MAX_HOSTS_AT_ONCE = 64;

export class LogSearchDesk implements LogSearch {
  readonly #deps: LogSearchDeps;

  constructor(deps: LogSearchDeps) {
    this.#deps = deps;
  }

  open(caller: Caller, query: LogQuery, signal: AbortSignal): AsyncIterable<SearchEvent> {
    requireQuery(query);
    const places = this.#findPlaces(caller, query);
    return this.#search(
      Map.groupBy(places, ({ hostId }) => hostId),
      { ...query, customerId: caller.customerId },
      signal,
    );
  }

  async run(caller: Caller, query: LogQuery, signal: AbortSignal): Promise<SearchAnswer> {
    const newest = new Newest(query.limit);
    const hosts: HostSearched[] = [];
    for await (const event of this.open(caller, query, signal)) {
      if (event.kind === 'line') newest.add(event.line);
      else hosts.push(event.host);
    }
    const lines = newest.take();
    const isComplete = !newest.hasDropped && hosts.every(({ reason }) => reason === null);
    return { lines, hosts: hosts.toSorted(byName), isComplete };
  }

  #findPlaces(caller: Caller, { service, host }: LogQuery): ServicePlace[] {
    const { access, stores } = this.#deps;
    const places = stores.places.list({ service, host, visibility: access.visibility(caller) });
    if (places.length === 0 && host !== undefined && !this.#isHostThere(caller, host)) throw missing('host', host);
    if (places.length === 0 && service !== undefined) throw missing('service', service);
    return places;
  }

  #isHostThere(caller: Caller, wanted: string): boolean {
    const named = this.#deps.stores.hosts.all().filter(({ id, name }) => id === wanted || name === wanted);
    return named.some((host) => isHostSeen(caller, host));
  }

  async *#search(
    byHost: Map<string, ServicePlace[]>,
    query: LogQuery,
    signal: AbortSignal,
  ): AsyncGenerator<SearchEvent> {
    const events = new Merged<SearchEvent>();
    const left = new AbortController();
    const both = AbortSignal.any([signal, left.signal]);
    const until = this.#deps.clock.elapsed() + query.timeoutMs;
    const queue = [...byHost.values()];
    const work = async () => {
      for (let places = queue.shift(); places; places = queue.shift())
        await this.#searchOne(places, { ...query, timeoutMs: until - this.#deps.clock.elapsed() }, both, events);
    };
    const workers = Array.from({ length: Math.min(MAX_HOSTS_AT_ONCE, queue.length) }, work);
    void Promise.all(workers).then(
      () => events.end(),
      (error: unknown) => events.end(error),
    );
    try {
      yield* events;
    } finally {
      left.abort(); // whoever read has left, or there is nothing more to read
    }
  }

  async #searchOne(
    places: ServicePlace[],
    query: LogQuery,
    signal: AbortSignal,
    events: Merged<SearchEvent>,
  ): Promise<void> {
    const [{ hostId, hostName } = { hostId: '', hostName: '' }] = places;
    const host: AskedHost = { id: hostId, name: hostName };
    if (signal.aborted) return;
    if (query.timeoutMs <= 0) return events.put({ kind: 'host', host: failed(host, 'deadline') });
    const names = new Map(places.map(({ id, name }) => [id, name]));
    const done = await searchHost(this.#deps, host, toRequest(query, [...names.keys()]), signal, (match) => {
      const serviceName = names.get(match.serviceId) ?? '';
      return events.put({ kind: 'line', line: { ...match, serviceName, hostId } });
    });
    await events.put({ kind: 'host', host: done });
  }
}

function toRequest(asked: LogQuery, serviceIds: string[]): SearchRequest {
  const { query, isRegex, ignoresCase, since, until, limit, timeoutMs, customerId } = asked;
  return { serviceIds, query, isRegex, ignoresCase, since, until, limit, timeoutMs, customerId };
}

/** Compiled here only to say what is wrong with it; it runs on hosts, in a thread that can be ended. */
function requireQuery({ query, isRegex, since, until }: LogQuery): void {
  if (/[\r\n]/.test(query)) throw invalid('q', 'A line holds no line break');
  if (since !== null && until !== null && Date.parse(since) > Date.parse(until))
    throw invalid('since', 'Is after until');
  if (!isRegex) return;
  try {
    void new RegExp(query);
  } catch (error) {
    throw invalid('q', String(error instanceof Error ? error.message : error));
  }
}

const invalid = (field: string, fault: string) =>
  new LongshoreError('validation_error', { fields: { [field]: fault } });

const byName = (a: HostSearched, b: HostSearched): number => (a.hostName < b.hostName ? -1 : 1);
