// How the hosts of a rollout stand, read in one go: what rollout-plan.ts decides by.
import { isJobEnd } from '#shared/jobs.ts';
import type { HostPlace } from '../../store/hosts.ts';
import type { JobRecord, ServiceRecord } from '../../store/records.ts';
import type { RolloutRecord, SetRecord, TargetRecord } from '../../store/set-records.ts';
import type { Stores } from '../../store/stores.ts';
import { hasLabels } from '../access/access.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import type { HostStanding, RolloutFacts, TargetFacts } from './rollout-plan.ts';

type Links = Pick<HostLinks, 'isConnected'>;

export function gatherFacts(stores: Stores, links: Links, set: SetRecord, rollout: RolloutRecord): RolloutFacts {
  const targets = stores.rollouts.targets(rollout.id);
  const places = byId(stores.hosts.places(targets.map(({ hostId }) => hostId)));
  const members = new Map(stores.services.ofSet(set.id).map((member) => [member.hostId, member]));
  const open = Map.groupBy(stores.jobs.openOfSet(set.id), ({ serviceId }) => serviceId);
  return {
    isRemoval: rollout.kind === 'remove',
    isRunning: rollout.state === 'running',
    heldBy: isSuspended(stores, set) ? 'The customer is suspended' : null,
    maxParallel: set.maxParallel,
    targets: targets.map((target) => {
      const member = members.get(target.hostId) ?? null;
      return {
        ...target,
        host: standingOf(places.get(target.hostId), set, links),
        ...jobOf(stores, target),
        member,
        isBusy: open.get(member?.id ?? '')?.some(({ id }) => id !== target.jobId) ?? false,
      };
    }),
  };
}

/** Whether a set wants a member there. */
export const isWanted = (
  place: Pick<HostPlace, 'labels' | 'revokedAt'>,
  { hostLabels }: Pick<SetRecord, 'hostLabels'>,
) => place.revokedAt === null && hasLabels(place.labels, hostLabels);

function standingOf(place: HostPlace | undefined, set: SetRecord, links: Links): HostStanding {
  if (!place || !isWanted(place, set)) return 'closed';
  if (place.drainedAt !== null) return 'away'; // its turn comes when it is undrained
  if (links.isConnected(place.id)) return 'connected';
  return place.isToldOnline ? 'unsure' : 'away';
}

/** Of a target that is not running it does not matter any more. */
function jobOf(stores: Stores, { state, jobId }: TargetRecord): Pick<TargetFacts, 'job' | 'jobError'> {
  const job = state !== 'running' || jobId === null ? undefined : stores.jobs.find(jobId);
  if (!job) return { job: null, jobError: null };
  if (isJobEnd(job.state)) return { job: job.state, jobError: errorOf(job) };
  return { job: job.state === 'queued' ? 'unsent' : 'open', jobError: null };
}

const errorOf = ({ error }: JobRecord): string | null => error?.message ?? null;

function isSuspended(stores: Stores, { customerId }: Pick<ServiceRecord, 'customerId'>): boolean {
  const customer = customerId === null ? undefined : stores.customers.find(customerId);
  return typeof customer?.suspendedAt === 'number';
}

const byId = (places: readonly HostPlace[]): Map<string, HostPlace> =>
  new Map(places.map((place) => [place.id, place]));
