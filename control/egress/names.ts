// Names of the public internet, asked of DNS itself. The system's resolver would take a thread of the few that the whole
// process shares for each name, until it gives up: a handful of names whose servers are silent would hold up everybody's.
import { NODATA, NOTFOUND, type LookupAddress } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { callbackify } from 'node:util';
import type { Lookup } from '#shared/guarded-lookup.ts';

/** Of one question; it is asked twice. Both fit into the time a connection has. */
const ANSWER_LIMIT_MS = 1_000;

/** `servers`: instead of those the system is configured with. */
export function createDnsLookup(servers?: readonly string[]): Lookup {
  const resolver = new Resolver({ timeout: ANSWER_LIMIT_MS, tries: 2 });
  if (servers) resolver.setServers(servers);
  const ask = callbackify((name: string) => find(resolver, name));
  return (name, _options, done) => ask(name, done);
}

/** What DNS says of a name's addresses; undefined where its servers are silent. */
export type SearchName = (hostname: string) => Promise<string[] | undefined>;

export function createNameSearch(servers?: readonly string[]): SearchName {
  const resolver = new Resolver({ timeout: ANSWER_LIMIT_MS, tries: 2 });
  if (servers) resolver.setServers(servers);
  return async (hostname) => {
    try {
      return (await find(resolver, hostname)).map(({ address }) => address);
    } catch (error) {
      return isNobody(error) ? [] : undefined;
    }
  };
}

const isNobody = (error: unknown): boolean => {
  const { code } = error as NodeJS.ErrnoException;
  return code === NOTFOUND || code === NODATA;
};

async function find(resolver: Resolver, name: string): Promise<LookupAddress[]> {
  const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const found = [...toAddresses(four, 4), ...toAddresses(six, 6)];
  if (found.length === 0 && four.status === 'rejected') throw four.reason;
  return found;
}

const toAddresses = (answer: PromiseSettledResult<string[]>, family: 4 | 6): LookupAddress[] =>
  answer.status === 'fulfilled' ? answer.value.map((address) => ({ address, family })) : [];
