// Asks hosts for their containers: which hosts, for which containers, is what the caller may see. A host that does not
// answer is named, and holds up no other.
import { toLongshoreError } from '#shared/errors.ts';
import type { ContainersQuestion, KnownContainer } from '#shared/protocol/container-parts.ts';
import type { HostRecord } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import { holds } from '../access/permissions.ts';
import type { Caller } from '../api/caller.ts';
import type { FleetContainer, SilentHost } from '../api/containers.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import { nameAll } from './pick.ts';

export interface FleetDeps {
  stores: Stores;
  access: Access;
  links: Pick<HostLinks, 'ask'>;
}

type Asked = Pick<ContainersQuestion, 'called' | 'isMeasured'>;

/** As many as a message holds with ease. */
const PER_PAGE = 100;
/** More than an engine holds: a host that goes on for ever is not followed. */
const MAX_PAGES = 100;
/** A host that hangs must not hold a list of all hosts longer. */
const ANSWER_LIMIT_MS = 10_000;

const seesForeign = ({ customerId, permissions }: Caller): boolean =>
  customerId === null && holds(permissions, 'hosts.read');

export async function askFleet(
  deps: FleetDeps,
  caller: Caller,
  { host, ...asked }: Asked & { host?: string | undefined },
): Promise<{ containers: FleetContainer[]; silent: SilentHost[] }> {
  const places = placesOf(deps, caller).filter(
    ({ host: { name, id } }) => host === undefined || name === host || id === host,
  );
  const answers = await Promise.all(places.map((place) => askPlace(deps, place, asked)));
  return {
    containers: nameAll(answers.flatMap(({ found }) => found).toSorted(byName)),
    silent: answers.flatMap(({ silent }) => silent ?? []),
  };
}

interface Place {
  host: HostRecord;
  /** Display names by id, of the services there that the caller sees. */
  services: Map<string, string | null>;
  /** Also what is of no service. */
  isOpen: boolean;
}

/** Hosts with something to see. */
function placesOf({ stores, access }: FleetDeps, caller: Caller): Place[] {
  const visibility = access.visibility(caller);
  const byHost = Map.groupBy(stores.services.all(visibility), ({ hostId }) => hostId);
  const isOpen = seesForeign(caller);
  return stores.hosts.all().flatMap((host) => {
    if (visibility.hostIds && !visibility.hostIds.includes(host.id)) return [];
    const services = new Map((byHost.get(host.id) ?? []).map(({ id, displayName }) => [id, displayName]));
    return isOpen || services.size > 0 ? [{ host, services, isOpen }] : [];
  });
}

async function askPlace(
  deps: FleetDeps,
  place: Place,
  asked: Asked,
): Promise<{ found: FleetContainer[]; silent?: SilentHost }> {
  const { host, services } = place;
  const toFleet = (container: KnownContainer): FleetContainer => ({
    ...container,
    hostId: host.id,
    hostName: host.name,
    hostAddress: host.facts?.addresses[0] ?? null,
    displayName: (container.serviceId !== null && services.get(container.serviceId)) || null,
    calledAs: container.name,
  });
  try {
    return { found: (await askPages(deps, place, asked)).map(toFleet) };
  } catch (error) {
    return { found: [], silent: { name: host.name, reason: toLongshoreError(error).code } };
  }
}

async function askPages(
  { links }: FleetDeps,
  { host, services, isOpen }: Place,
  asked: Asked,
): Promise<KnownContainer[]> {
  const found: KnownContainer[] = [];
  for (let page = 1; page <= MAX_PAGES; page++) {
    const seen = isOpen ? {} : { serviceIds: [...services.keys()] };
    const question = { ...asked, ...seen, page, perPage: PER_PAGE };
    const { items, total } = await links.ask(host.id, 'containers.list', question, { timeoutMs: ANSWER_LIMIT_MS });
    found.push(...items);
    if (page * PER_PAGE >= total) break;
  }
  return found;
}

const byName = (a: FleetContainer, b: FleetContainer): number =>
  a.name === b.name ? compare(a.hostName, b.hostName) : compare(a.name, b.name);

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
