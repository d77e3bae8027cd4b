// Making a set: checked and decided once for all its members, then set, rollout and the first member are one write. The
// others follow in waves, so that a file that does not work meets one host.
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import type { SetRecord } from '../../store/set-records.ts';
import type { WriteContext } from '../../store/stores.ts';
import type { Caller } from '../api/caller.ts';
import type { NewService } from '../api/services.ts';
import { draftNew, toFields, type Created, type CreateDeps } from '../services/create-service.ts';
import type { ServiceDraft } from '../services/service-draft.ts';
import type { Rollouts } from './rollouts.ts';
import { chooseHosts } from './set-hosts.ts';

export interface CreateSetDeps extends CreateDeps {
  rollouts: Rollouts;
}

export interface CreatedSet extends Created {
  setId: string;
}

export function planSet(deps: CreateSetDeps, caller: Caller, input: NewService): (tx: WriteContext) => CreatedSet {
  const { customerId, draft } = draftNew(deps, caller, input);
  const set = toSet(deps.clock.now(), caller, input, { customerId, draft });
  return (tx) => writeSet(deps, tx, set, draft, { pull: input.pull ?? 'missing', madeBy: caller.name });
}

function toSet(
  now: number,
  caller: Caller,
  input: NewService,
  { customerId, draft }: { customerId: string | null; draft: ServiceDraft },
): SetRecord {
  const { labels = {}, maxParallel = 1 } = input.placement ?? {};
  return {
    ...toFields(input, draft),
    id: newId('set', now),
    customerId,
    limits: { cpu: input.limits?.cpu ?? null, memoryMb: input.limits?.memoryMb ?? null },
    hostLabels: withBound(labels, caller),
    maxParallel,
    revision: 1,
    createdAt: now,
    updatedAt: now,
  };
}

/** A set comes to no host that its maker does not see, however long after. */
function withBound(labels: Record<string, string>, { hostLabels }: Caller): Record<string, string> {
  for (const [name, value] of Object.entries(hostLabels ?? {})) {
    if ((labels[name] ?? value) !== value) {
      throw new LongshoreError('no_host', { message: `No host has the labels ${name}=${labels[name]}` });
    }
  }
  return { ...labels, ...hostLabels };
}

function writeSet(
  { stores, links, customerRules, rollouts }: CreateSetDeps,
  tx: WriteContext,
  set: SetRecord,
  { source }: ServiceDraft,
  order: { pull: NonNullable<NewService['pull']>; madeBy: string },
): CreatedSet {
  customerRules.requireActive(set.customerId);
  const hosts = chooseHosts(stores, links, set);
  for (const { id, name } of hosts) {
    if (stores.services.findByName(id, set.name)) throw taken(set.name, name);
  }
  customerRules.requireRoom(set.customerId, hosts.length, set.limits);
  stores.sets.insert(set, source);
  const hostIds = hosts.map(({ id }) => id);
  const { first } = rollouts.begin(tx, set, { ...order, kind: 'create', hostIds });
  if (!first) throw new LongshoreError('internal', { message: 'The first member of a set was not started' });
  return { ...first, setId: set.id };
}

const taken = (name: string, host: string): LongshoreError =>
  new LongshoreError('name_taken', {
    message: `Host "${host}" already has a service "${name}"`,
    fields: { name: 'is taken on a host of the set' },
  });
