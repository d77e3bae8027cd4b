// A set whose hosts, users and control plane do what they do at any moment, by chance: by a seed, but for the ids.
import type { Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { isJobEnd, type JobEndState } from '#shared/jobs.ts';
import { ADMIN, ControlWorld } from './control-world.ts';
import { Random } from './random.ts';
import { SetWorld } from './set-world.ts';

export const NAMES = ['a', 'b', 'c', 'd', 'e'];
/** Steps until nothing is left to do; more, and it never ends. */
const MANY = 300;

export class SetByChance {
  it: SetWorld;
  readonly #random: Random;
  readonly #away = new Set<string>();
  readonly #revoked = new Set<string>();
  #customerId = '';

  constructor(t: Test, seed: number) {
    this.it = new SetWorld(new ControlWorld(t));
    this.#random = new Random(seed);
  }

  async start(): Promise<void> {
    for (const name of NAMES) await this.it.join(name);
    this.#customerId = await this.it.world.customer('Acme');
    await this.it.create({ maxParallel: this.#random.int(1, 3) }, { customerId: this.#customerId });
  }

  async play(steps: number): Promise<void> {
    for (let i = 0; i < steps; i++) {
      this.it.world.clock.advance(1);
      await tolerate(() => this.#step(this.#random.pick(NAMES)));
      await this.it.sweep();
    }
  }

  /** Everybody is back, all goes well, and what halts is resumed, until the rollout is over. */
  async heal(): Promise<void> {
    await this.it.world.app.customers.resume(ADMIN, this.#customerId);
    for (const name of NAMES) await this.#bringBack(name);
    for (let i = 0; i < MANY; i++) {
      await this.it.sweep();
      const ended = await Promise.all(NAMES.map((name) => this.#finish(name, 'succeeded')));
      await this.it.sweep();
      if (this.it.rollout.state === 'halted') await this.it.world.app.sets.resume(ADMIN, this.it.id, this.it.rolloutId);
      else if (!ended.includes(true) && this.it.rollout.state !== 'running') return;
    }
    throw new LongshoreError('internal', { message: `Not over after ${MANY} steps` });
  }

  async #step(name: string): Promise<unknown> {
    const { it } = this;
    const { sets, services, customers } = it.world.app;
    const member = it.world.stores.services.ofSet(it.id).find(({ hostId }) => hostId === it.hosts[name]?.id)?.id ?? '';
    const finish = () => this.#finish(name, this.#random.next() < 0.85 ? 'succeeded' : 'failed');
    const steps: (() => Promise<unknown>)[] = [
      ...Array.from({ length: 12 }, () => finish),
      () => this.#goAway(name),
      () => this.#bringBack(name),
      () => this.#bringBack(name),
      () => this.#revoke(name),
      () => sets.redeploy(ADMIN, it.id, undefined),
      () => sets.update(ADMIN, it.id, { variables: { A: String(this.#random.int(0, 1e9)) } }),
      () => sets.cancel(ADMIN, it.id, it.rolloutId),
      () => sets.resume(ADMIN, it.id, it.rolloutId),
      () => services.act(ADMIN, member, this.#random.pick(['start', 'stop', 'restart']), 0),
      () => services.remove(ADMIN, member, 0),
      () => customers.suspend(ADMIN, this.#customerId),
      () => customers.resume(ADMIN, this.#customerId),
      () => this.#crash(),
    ];
    return this.#random.pick(steps)();
  }

  /** Its oldest job; false when it has none. One that was called off says so. */
  async #finish(name: string, state: JobEndState): Promise<boolean> {
    const host = this.it.hosts[name];
    const jobId = this.#away.has(name) || this.#revoked.has(name) ? undefined : host?.memory.openJobs.shift();
    if (!host || jobId === undefined) return false;
    const job = this.it.world.stores.jobs.find(jobId);
    if (!job || isJobEnd(job.state)) return true;
    const cancel = host.received.map(({ body }) => body).find((it) => it.kind === 'job.cancel' && it.jobId === jobId);
    const end = cancel?.kind === 'job.cancel' ? cancel.reason : state;
    const isGone = job.kind === 'remove' || end !== 'succeeded';
    const error = end === 'failed' && { error: { code: 'unhealthy', message: 'web did not become healthy' } };
    await host.finish(
      jobId,
      { state: end, ...error },
      isGone ? null : job.kind === 'stop' ? { lifecycle: 'stopped' } : {},
    );
    return true;
  }

  async #goAway(name: string): Promise<void> {
    if (this.#away.has(name) || this.#revoked.has(name)) return;
    this.#away.add(name);
    await this.it.goAway(name);
  }

  async #revoke(name: string): Promise<void> {
    if (this.#revoked.has(name)) return;
    this.#revoked.add(name);
    await this.it.revoke(name);
  }

  async #bringBack(name: string): Promise<void> {
    if (this.#revoked.delete(name)) await this.it.letIn(name);
    else if (this.#away.has(name)) await this.it.comeBack(name);
    this.#away.delete(name);
  }

  async #crash(): Promise<void> {
    const { hosts, id, world } = this.it;
    this.it = new SetWorld(world.crash());
    Object.assign(this.it.hosts, hosts);
    this.it.id = id;
    for (const name of NAMES) if (!this.#away.has(name) && !this.#revoked.has(name)) await this.it.comeBack(name);
  }
}

/** What a user is told to do at another time. */
async function tolerate(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const passing = ['state_conflict', 'service_busy', 'host_offline', 'no_host', 'customer_suspended', 'not_found'];
    if (!(error instanceof LongshoreError) || !passing.includes(error.code)) throw error;
  }
}
