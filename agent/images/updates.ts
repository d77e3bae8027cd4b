// Looks for newer images of the services that run here, every few hours and after each deploy, and tells control.
import { LongshoreError } from '#shared/errors.ts';
import type { ServiceUpdates } from '#shared/image-updates.ts';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import type { JobKind } from '#shared/jobs.ts';
import { sleep } from '#shared/time.ts';
import type { AgentState } from '../state/open.ts';
import type { CheckDeps } from './check.ts';

export interface UpdatesDeps extends CheckDeps {
  state: Pick<AgentState, 'services' | 'outbox' | 'transact'>;
  /** Service id → kind of the job that works on it now. */
  underWay: ReadonlyMap<string, JobKind>;
  log: Logger;
  /** Uniform in [0, 1): many hosts must not ask at once. */
  random: () => number;
  /** Between two rounds; 0: only when asked. */
  everyMs: number;
}

/** After a start: soon, but not in the rush of it. */
const FIRST_WITHIN_MS = 30 * 60_000;
/** The end of a job is told first. */
const AFTER_DEPLOY_MS = 1_000;

export interface Updates {
  /** Looks now. Throws `not_found`, `docker_unavailable`. */
  check(serviceId: string, signal: AbortSignal): Promise<ServiceUpdates>;
  /** A deploy has ended. */
  touch(serviceId: string): void;
}

export function startUpdates(deps: UpdatesDeps, scope: Scope): Updates {
  const { state, clock, log, random, everyMs } = deps;
  const check = async (serviceId: string, signal: AbortSignal) => {
    const record = state.services.find(serviceId);
    if (!record) throw new LongshoreError('not_found', { message: `This host does not know service "${serviceId}"` });
    const { checkService } = await import('./check.ts');
    const updates = await checkService(deps, record.spec, signal);
    state.transact(() => state.outbox.append({ kind: 'service.updates', updates }));
    return updates;
  };
  const attempt = (serviceId: string) =>
    check(serviceId, scope.signal).catch((error: unknown) => {
      // Removed meanwhile, or Docker is away: the next round comes.
      log.debug({ err: error, serviceId }, 'could not look for newer images');
    });
  scope.run('image updates', async (signal) => {
    if (everyMs === 0) return;
    await sleep(clock, random() * Math.min(FIRST_WITHIN_MS, everyMs), signal);
    for (;;) {
      for (const id of dueIds(deps)) await attempt(id);
      await sleep(clock, everyMs * (0.9 + random() * 0.2), signal);
    }
  });
  const timers = new Map<string, () => void>();
  scope.onStop('image updates', () => timers.forEach((cancel) => cancel()));
  const touch = (serviceId: string) => {
    if (everyMs === 0) return;
    timers.get(serviceId)?.();
    const look = () => {
      timers.delete(serviceId);
      void attempt(serviceId);
    };
    timers.set(serviceId, clock.after(AFTER_DEPLOY_MS, look));
  };
  return { check, touch };
}

/** One that is being worked on is looked at when that has ended; what is stopped needs no update. */
const dueIds = ({ state: { services }, underWay }: UpdatesDeps): string[] =>
  services.ids().filter((id) => !underWay.has(id) && services.find(id)?.desired === 'running');
