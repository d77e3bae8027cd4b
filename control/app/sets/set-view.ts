// From the records of sets and rollouts to what the app layer shows.
import type { ServiceRecord } from '../../store/records.ts';
import { TARGET_STATES, type RolloutRecord, type SetRecord, type TargetRecord } from '../../store/set-records.ts';
import type { Stores } from '../../store/stores.ts';
import type { Rollout, RolloutDetail, RolloutHost, ServiceSet, SetMember, SetState } from '../api/service-sets.ts';
import type { HostLinks } from '../hosts/host-links.ts';

export function showSet(stores: Stores, set: SetRecord): ServiceSet {
  const latest = stores.rollouts.findLatest(set.id);
  const members = stores.services.countOfSet(set.id, set.revision);
  return { ...set, state: stateOf(latest), members, rollout: latest ? showRollout(stores, latest) : null };
}

export function showRollout(stores: Stores, rollout: RolloutRecord): Rollout {
  const halted = rollout.haltedBy === null ? undefined : stores.rollouts.findTarget(rollout.id, rollout.haltedBy);
  const { hostId, serviceId, jobId, reason } = halted ?? {};
  const halt =
    hostId === undefined
      ? null
      : { hostId, serviceId: serviceId ?? null, jobId: jobId ?? null, reason: reason ?? null };
  return { ...rollout, counts: countTargets(stores.rollouts.counts(rollout.id)), halt };
}

export function showRolloutDetail(
  stores: Stores,
  links: Pick<HostLinks, 'isConnected'>,
  rollout: RolloutRecord,
): RolloutDetail {
  const targets = stores.rollouts.targets(rollout.id);
  const names = namesOf(stores, targets);
  const hosts = targets.map((target) => toHost(target, names, links.isConnected(target.hostId)));
  return { ...showRollout(stores, rollout), hosts };
}

export function showMembers(stores: Stores, set: SetRecord): SetMember[] {
  const members = stores.services.ofSet(set.id);
  const names = namesOf(stores, members);
  const latest = stores.rollouts.findLatest(set.id);
  const jobs = new Map(latest && stores.rollouts.targets(latest.id).map(({ hostId, jobId }) => [hostId, jobId]));
  return members
    .map((member) => ({
      hostId: member.hostId,
      lifecycle: member.lifecycle,
      health: member.health,
      reason: member.reason,
      revision: member.revision,
      report: member.report,
      serviceId: member.id,
      hostName: names.get(member.hostId) ?? '',
      isUpToDate: isUpToDate(member, set),
      jobId: jobs.get(member.hostId) ?? null,
    }))
    .toSorted((a, b) => (a.hostName < b.hostName ? -1 : 1));
}

function stateOf(latest: RolloutRecord | undefined): SetState {
  if (latest?.state === 'halted') return 'halted';
  if (latest?.state !== 'running') return 'steady';
  return latest.kind === 'remove' ? 'removing' : 'rolling_out';
}

const isUpToDate = ({ setRevision }: ServiceRecord, { revision }: SetRecord): boolean => setRevision === revision;

function countTargets(found: ReturnType<Stores['rollouts']['counts']>): Rollout['counts'] {
  const counts = TARGET_STATES.map((state) => [state, found.find((it) => it.state === state)?.hosts ?? 0]);
  return Object.fromEntries(counts) as Rollout['counts'];
}

function toHost(
  { rolloutId: _id, isRetry: _r, ...target }: TargetRecord,
  names: Map<string, string>,
  isConnected: boolean,
): RolloutHost {
  const isOpen = target.state === 'pending' || target.state === 'running';
  const reason = target.reason ?? (isOpen && !isConnected ? 'Its host is not connected' : null);
  return { ...target, reason, hostName: names.get(target.hostId) ?? '' };
}

const namesOf = (stores: Stores, things: readonly { hostId: string }[]): Map<string, string> =>
  new Map(stores.hosts.places(things.map(({ hostId }) => hostId)).map(({ id, name }) => [id, name]));
