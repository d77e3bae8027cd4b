// From a list of containers to what control is told of a service. Pure; the list comes from Docker, the rest from the
// agent's own table.
import type { ServiceReport } from '#shared/model.ts';
import { toRfc3339 } from '#shared/time.ts';
import { healthOf, isFinished, lifecycleOf } from './deploy/observe.ts';
import { toContainerView, type Container } from './docker/engine.ts';
import { isStoppedByHand } from './healing/faults.ts';
import { givenUpIn, knownOf, nextDueOf, toNote, type HealingRecord } from './healing/record.ts';
import type { ServiceRecord } from './state/services.ts';

export interface ReportFacts {
  record: Pick<ServiceRecord, 'spec' | 'desired' | 'goodRevision' | 'failure' | 'drift' | 'healing'>;
  containers: readonly Container[];
  /** A deploy of this service is under way. */
  isDeploying: boolean;
  nowMs: number;
}

type Verdict = Pick<ServiceReport, 'lifecycle' | 'reason'>;

export function reportOf({ record, containers, isDeploying, nowMs }: ReportFacts): ServiceReport {
  const health = healthOf(containers, nowMs);
  return {
    serviceId: record.spec.id,
    ...(isDeploying ? { lifecycle: 'deploying' as const, reason: null } : verdictOf(record, containers, health)),
    health,
    revision: record.goodRevision,
    containers: containers.map(toContainerView),
    ...(record.drift && { drift: record.drift }),
    ...(record.healing && { healing: toNote(record.healing) }),
    at: nowMs,
  };
}

/** The failure of the last deploy, or of healing, counts until the containers prove it wrong by being up and healthy. */
function verdictOf(
  { desired, failure, goodRevision, healing }: ReportFacts['record'],
  containers: readonly Container[],
  health: ServiceReport['health'],
): Verdict {
  const isUntried = goodRevision === null && failure === null && containers.length === 0; // it waits for review
  if (isUntried) return { lifecycle: 'stopped', reason: null };
  const verdict = lifecycleOf(containers, desired);
  const givenUp = desired === 'running' && healing ? givenUpIn(healing, containers, health === 'healthy') : [];
  if (givenUp.length > 0) return { lifecycle: 'failed', reason: givenUp.map(({ reason }) => reason).join('; ') };
  const isProvenWrong = desired === 'stopped' || (verdict.lifecycle === 'running' && health === 'healthy');
  if (failure !== null && !isProvenWrong) return { lifecycle: 'failed', reason: failure };
  return healing ? inLightOf(healing, containers, verdict) : verdict;
}

/** What is down by hand has not failed, and what is restarted soon says so. */
function inLightOf(healing: HealingRecord, containers: readonly Container[], verdict: Verdict): Verdict {
  if (verdict.lifecycle !== 'failed') return verdict;
  const byHand = containers.filter((one) => isStoppedByHand(one, knownOf(healing, one.id).stoppedAt));
  const isAllByHand = containers.every((one) => byHand.includes(one) || isFinished(one));
  if (isAllByHand && byHand.length > 0) {
    return { lifecycle: 'stopped', reason: `${byHand.map(({ name }) => name).join(', ')} was stopped by hand` };
  }
  const dueAt = nextDueOf(healing);
  if (dueAt === null) return verdict;
  return { ...verdict, reason: `${verdict.reason ?? 'failed'}; next restart at ${toRfc3339(dueAt)}` };
}

/** Whether the second tells anything that the first did not. */
export function isSameReport(a: ServiceReport | null, b: ServiceReport): boolean {
  return a !== null && JSON.stringify({ ...a, at: 0 }) === JSON.stringify({ ...b, at: 0 });
}

/** The timeline's word on a change of health; null when there is none worth a line. */
export function healthChangeOf(
  before: ServiceReport | null,
  now: ServiceReport,
): { status: string; message: string } | null {
  if (now.health === before?.health || (now.health !== 'healthy' && now.health !== 'unhealthy')) return null;
  const bad = now.containers.filter(({ health }) => health === 'unhealthy').map(({ name }) => name);
  const message = now.health === 'healthy' ? 'Health check passed' : `Health check failed: ${bad.join(', ')}`;
  return { status: now.health, message };
}
