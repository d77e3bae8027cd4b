// What a list of containers says about a service: pure, from facts to lifecycle, health and a reason in words.
import type { ContainerView, Health, Lifecycle } from '#shared/model.ts';
import type { Container } from '../docker/engine.ts';

/**
 * Without a health check a container counts as healthy once it has run this long: a process that cannot start (a
 * missing file, a bad flag) is gone well before.
 */
export const SETTLE_MS = 100;

export type Desired = 'running' | 'stopped';

/** What may be wrong, in words; null when nothing is. */
type Verdict = { lifecycle: Lifecycle; reason: string | null };

/** Lifecycle by containers alone; `deploying` belongs to whoever runs the job. */
export function lifecycleOf(containers: readonly Container[], desired: Desired): Verdict {
  if (desired === 'stopped') return { lifecycle: 'stopped', reason: null };
  const broken = containers.map(faultOf).filter((fault) => fault !== null);
  if (broken.length > 0) return { lifecycle: 'failed', reason: broken.join('; ') };
  if (containers.length === 0) return { lifecycle: 'failed', reason: 'no container exists' };
  return { lifecycle: containers.some(isUp) ? 'running' : 'stopped', reason: null };
}

/** Worst of the running containers; `unknown` when none runs. */
export function healthOf(containers: readonly Container[], nowMs: number): Health {
  const healths = containers.filter(isUp).map((container) => containerHealth(container, nowMs));
  return (['unhealthy', 'starting', 'healthy'] as const).find((health) => healths.includes(health)) ?? 'unknown';
}

/** Nothing tells when it is healthy; of the end of a health check there is an event. */
export const isSettling = (container: Container, nowMs: number): boolean =>
  !container.hasHealthCheck && containerHealth(container, nowMs) === 'starting';

/** A container's health where one without a health check counts by having settled. */
function containerHealth(container: Container, nowMs: number): Health {
  if (!isUp(container)) return 'unknown';
  if (container.hasHealthCheck) return container.health;
  return nowMs - container.startedAt >= SETTLE_MS ? 'healthy' : 'starting';
}

export const isUp = (container: ContainerView): boolean =>
  container.state === 'running' || container.state === 'paused';

/** Ended by itself with exit code 0: a one-shot that did its work. */
export const isFinished = (container: ContainerView): boolean =>
  container.state === 'exited' && container.exitCode === 0;

function faultOf(container: Container): string | null {
  const { name, state, exitCode } = container;
  if (state === 'restarting') return `${name} keeps restarting (exit code ${exitCode ?? '?'})`;
  if (state === 'dead') return `${name} is dead`;
  if (state !== 'exited' || exitCode === 0) return null;
  return `${name} exited with code ${exitCode ?? '?'}${container.oomKilled ? ' (out of memory)' : ''}`;
}
