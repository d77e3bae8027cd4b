// How a host stands in an upgrade, in the words of the planner of rollouts (sets/rollout-plan.ts), which decides what is
// next: its order is the job, its services are the member. Pure.
//
// A host is through when it says so itself: its new agent has connected and root has kept it. Then that agent must stay
// connected, and those of its services that were well before must be well again; one that somebody stopped, disabled or
// removed meanwhile does not count.
import type { ServiceRecord } from '../../store/records.ts';
import type { UpgradeTargetRecord } from '../../store/upgrade-records.ts';
import type { HostStanding, TargetFacts } from '../sets/rollout-plan.ts';

export type ServiceNow = Pick<ServiceRecord, 'id' | 'name' | 'lifecycle' | 'health' | 'reason' | 'isEnabled'>;

export interface HostNow {
  standing: HostStanding;
  /** Null: it is not. */
  connectedAt: number | null;
  services: readonly ServiceNow[];
  /** A job is under way there. */
  isBusy: boolean;
  now: number;
}

/** Nothing new for so long: it broke in a way that nobody could report. A download says something new all the time. */
export const SILENCE_LIMIT_MS = 5 * 60_000;
/** What broke with the new agent shows in the first looks at the services, or it dies of it. */
export const SETTLE_MS = 10_000;
/** Health checks begin anew with the agent; one that takes longer than this is not well, nor an agent that comes and goes. */
export const STARTING_LIMIT_MS = 3 * 60_000;

const isWell = ({ lifecycle, health }: ServiceNow): boolean =>
  lifecycle === 'running' && (health === 'healthy' || health === 'unknown');

const isBad = ({ lifecycle, health }: ServiceNow): boolean =>
  lifecycle === 'failed' || (lifecycle === 'running' && health === 'unhealthy');

/** Those it must have again afterwards. */
export const wellServices = (services: readonly ServiceNow[]): string[] =>
  services.filter((service) => service.isEnabled && isWell(service)).map(({ id }) => id);

export function toTargetFacts(target: UpgradeTargetRecord, host: HostNow): TargetFacts {
  const { hostId, state, wave, isRetry, reason } = target;
  const isRunning = state === 'running';
  // Away in the middle of its turn is a part of it, and too long is a failure: neither lets others go ahead.
  const standing = isRunning && host.standing === 'away' ? 'unsure' : host.standing;
  const { job, jobError } = isRunning ? jobOf(target, host) : { job: null, jobError: null };
  const member = isRunning && job === 'succeeded' ? memberOf(target, host) : null;
  return { hostId, state, wave, isRetry, reason, host: standing, job, jobError, member, isBusy: host.isBusy };
}

function jobOf({ phase, heardAt, reason }: UpgradeTargetRecord, { standing, now }: HostNow) {
  if (standing === 'closed') return { job: null, jobError: null };
  if (phase === 'upgraded') return { job: 'succeeded', jobError: null } as const;
  if (phase === 'reverted' || phase === 'refused' || phase === 'failed') {
    return { job: 'failed', jobError: reason ?? `It was ${phase}` } as const;
  }
  if (now - (heardAt ?? now) <= SILENCE_LIMIT_MS) return { job: 'open', jobError: null } as const;
  const minutes = SILENCE_LIMIT_MS / 60_000;
  const last = phase === null ? 'the order' : `"${phase}"`;
  return { job: 'failed', jobError: `Nothing was heard of it for ${minutes} minutes after ${last}` } as const;
}

function memberOf({ well, heardAt }: UpgradeTargetRecord, host: HostNow): TargetFacts['member'] {
  const { services, standing, connectedAt, now } = host;
  const isLate = now - (heardAt ?? now) > STARTING_LIMIT_MS;
  const concerned = services.filter(({ id, isEnabled }) => isEnabled && well.includes(id));
  const bad = concerned.find(isBad) ?? (isLate ? concerned.find(isStarting) : undefined);
  if (bad) return unwell(`Service "${bad.name}" was well before and is not: ${bad.reason ?? bad.health}`);
  const since = Math.max(connectedAt ?? now, heardAt ?? now);
  const hasStayed = standing === 'connected' && now - since >= SETTLE_MS;
  if (!hasStayed && isLate) return unwell('Its new agent does not stay connected');
  const isSettling = !hasStayed || concerned.some(isStarting);
  return { lifecycle: 'running', health: isSettling ? 'starting' : 'healthy', reason: null };
}

const unwell = (reason: string) => ({ lifecycle: 'running', health: 'unhealthy', reason }) as const;

const isStarting = ({ lifecycle, health }: ServiceNow): boolean => lifecycle === 'running' && health === 'starting';
