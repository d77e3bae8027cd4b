// Waits until a project's containers are what they should be, on Docker's events: list, judge, sleep until something
// happens. Nothing is polled; the only timers are the settle time of containers without a health check and the limit.
import { LongshoreError } from '#shared/errors.ts';
import { sleep, type Clock } from '#shared/time.ts';
import type { Container, Engine } from '../docker/engine.ts';
import type { EventHub } from '../docker/events.ts';
import { exited, late, unhealthy } from './evidence.ts';
import { isFinished, SETTLE_MS } from './observe.ts';
import { replicasOf, type Rendered } from './rendered.ts';

/** A container that has crashed before must hold out longer, and not for ever. */
const SETTLE_AFTER_CRASH_MS = 3_000;
const MOST_RESTARTS = 5;

export interface WaitDeps {
  engine: Engine;
  events: Pick<EventHub, 'subscribe'>;
  clock: Clock;
}

/** What is waited for; absent: all of it. */
export interface WaitScope {
  /** These services alone. */
  only?: readonly string[];
  /** Containers that do not count, by id. */
  except?: ReadonlySet<string>;
  /** Services that must have done their work and ended. */
  completes?: readonly string[];
}

export interface WaitOptions extends WaitScope {
  rendered: Rendered;
  timeoutMs: number;
  signal: AbortSignal;
  say: (update: { percent?: number; message?: string }) => void;
}

/** One container's standing: `pending` may say when looking again makes sense. */
type Standing =
  | { is: 'ready' }
  | { is: 'pending'; why: string; container?: Container; againAt?: number }
  | { is: 'failed'; error: LongshoreError };

/** The containers, once all are ready. Fails with `exited`, `unhealthy` or `timed_out`. */
export async function waitReady({ engine, events, clock }: WaitDeps, options: WaitOptions): Promise<Container[]> {
  const { timeoutMs, signal, say, except, completes = [] } = options;
  const rendered = narrow(options.rendered, options.only);
  const deadline = clock.elapsed() + timeoutMs;
  const bell = new Bell();
  const unsubscribe = events.subscribe(rendered.name, () => bell.ring());
  try {
    for (let hasWaited = false; ; ) {
      signal.throwIfAborted();
      const all = await listPatiently(engine, rendered.name, clock.elapsed() < deadline);
      const containers = all?.filter(({ id }) => !except?.has(id));
      const standings: Standing[] = containers
        ? await standingsOf(containers, { rendered, completes, engine, nowMs: clock.now() })
        : [{ ...DOCKER_AWAY, againAt: clock.now() + ASK_AGAIN_MS }];
      const failed = standings.find((standing) => standing.is === 'failed');
      if (failed) throw failed.error;
      const pending = standings.filter((standing) => standing.is === 'pending');
      if (containers && pending.length === 0) {
        if (hasWaited) say({ percent: 100, message: 'ready' }); // or the step would end as one that is starting
        return containers;
      }
      const leftMs = deadline - clock.elapsed();
      if (leftMs <= 0) throw await late(pending, timeoutMs, engine);
      say({ percent: percentOf(standings), message: pending.map(({ why }) => why).join('; ') });
      hasWaited = true;
      const again = pending.map(({ againAt }) => againAt).filter((at) => at !== undefined);
      await bell.wait(clock, Math.min(leftMs, ...again.map((at) => at - clock.now())), signal);
    }
  } finally {
    unsubscribe();
  }
}

function narrow(rendered: Rendered, only: readonly string[] | undefined): Rendered {
  if (!only) return rendered;
  const services = Object.entries(rendered.services).filter(([name]) => only.includes(name));
  return { ...rendered, services: Object.fromEntries(services) };
}

/** Docker restarts in the middle of a deploy; the event stream rings (`resync`) once it is back. */
const DOCKER_AWAY = { is: 'pending', why: 'Docker does not answer' } as const;
/** It rings no bell after a list that was late while the rest of it answers. */
const ASK_AGAIN_MS = 5_000;

async function listPatiently(engine: Engine, project: string, mayWait: boolean): Promise<Container[] | undefined> {
  try {
    return await engine.listProject(project);
  } catch (error) {
    if (mayWait && error instanceof LongshoreError && error.code === 'docker_unavailable') return undefined;
    throw error;
  }
}

const percentOf = (standings: readonly Standing[]): number =>
  Math.floor((100 * standings.filter(({ is }) => is === 'ready').length) / standings.length);

interface Measure {
  rendered: Rendered;
  completes: readonly string[];
  engine: Engine;
  nowMs: number;
}

async function standingsOf(containers: readonly Container[], measure: Measure): Promise<Standing[]> {
  const { rendered } = measure;
  const missing = Object.entries(rendered.services).flatMap(([name, service]): Standing[] => {
    const own = containers.filter((container) => container.service === name);
    return own.length < replicasOf(service) ? [{ is: 'pending', why: `${name} has no container` }] : [];
  });
  const present = containers.filter(({ service }) => Object.hasOwn(rendered.services, service));
  const standings = await Promise.all(present.map((container) => standingOf(container, measure)));
  return [...missing, ...standings];
}

async function standingOf(container: Container, { completes, engine, nowMs }: Measure): Promise<Standing> {
  const { name, state, service } = container;
  if (isFinished(container) && !restartsAfterSuccess(container)) return { is: 'ready' };
  if (state === 'dead' || (state === 'exited' && container.exitCode !== 0))
    return failedBy(await exited(container, engine));
  if (isCrashLooping(container, nowMs)) return failedBy(await exited(container, engine));
  if (state !== 'running') return { is: 'pending', why: `${name} is ${state}`, container };
  if (completes.includes(service)) return { is: 'pending', why: `${name} is still at work`, container };
  if (!container.hasHealthCheck) return settling(container, nowMs);
  if (container.health === 'unhealthy') return failedBy(await unhealthy(container, engine));
  if (container.health === 'healthy') return { is: 'ready' };
  return { is: 'pending', why: `${name} is ${container.health}`, container };
}

/** Restarts are counted over a container's whole life: one that has run since is no loop. */
function isCrashLooping({ restartCount, state, startedAt }: Container, nowMs: number): boolean {
  const hasRecovered = state === 'running' && nowMs - startedAt >= SETTLE_AFTER_CRASH_MS;
  return restartCount >= MOST_RESTARTS && !hasRecovered;
}

const failedBy = (error: LongshoreError): Standing => ({ is: 'failed', error });

const restartsAfterSuccess = ({ restartPolicy }: Container): boolean =>
  restartPolicy === 'always' || restartPolicy === 'unless-stopped';

function settling(container: Container, nowMs: number): Standing {
  const settleMs = container.restartCount > 0 ? SETTLE_AFTER_CRASH_MS : SETTLE_MS;
  const againAt = container.startedAt + settleMs;
  return nowMs >= againAt ? { is: 'ready' } : { is: 'pending', why: `${container.name} has just started`, againAt };
}

/** Remembers a ring that comes while nobody waits: an event between a list and the wait must not be lost. */
class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Until it rings, `forMs` has passed, or the signal aborts (which the caller looks at next). */
  async wait(clock: Clock, forMs: number, signal: AbortSignal): Promise<void> {
    const done = new AbortController();
    this.#wake = () => done.abort();
    if (!this.#rung) {
      await sleep(clock, forMs, AbortSignal.any([done.signal, signal])).catch(() => undefined);
    }
    this.#rung = false;
    this.#wake = undefined;
  }
}
