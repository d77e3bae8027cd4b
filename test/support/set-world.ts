// A set over hosts that are joined in memory, and what tests ask of it.
import type { Test } from 'tap';
import type { JobResult } from '#shared/jobs.ts';
import type { ServiceReport } from '#shared/model.ts';
import type { NewService } from '../../control/app/api/services.ts';
import type { RolloutHost } from '../../control/app/api/service-sets.ts';
import { ADMIN, ControlWorld } from './control-world.ts';
import { eventually } from './eventually.ts';
import type { FakeHost } from './fake-host.ts';

export const EU = { zone: 'eu' };

export class SetWorld {
  readonly world: ControlWorld;
  readonly hosts: Record<string, FakeHost> = {};
  id = '';

  constructor(world: ControlWorld) {
    this.world = world;
  }

  /** Hosts by name, connected and labelled zone=eu, and a set over them. */
  static async start(t: Test, names: readonly string[], placement: Partial<NewService['placement']> = {}, more = {}) {
    const it = new SetWorld(new ControlWorld(t));
    for (const name of names) await it.join(name);
    await it.create(placement, more);
    return it;
  }

  async join(name: string): Promise<FakeHost> {
    return (this.hosts[name] = await this.world.joinAndConnect(EU, name));
  }

  async create(placement: Partial<NewService['placement']> = {}, more: Partial<NewService> = {}) {
    const perHost = { labels: EU, replicas: 'per_host' as const, ...placement };
    const made = await this.world.create('web', { placement: perHost, ...more });
    this.id = made.service.setId ?? '';
    return made;
  }

  get set() {
    return this.world.app.sets.detail(ADMIN, this.id);
  }

  get rolloutId(): string {
    return this.set.rollout?.id ?? '';
  }

  get rollout() {
    return this.world.app.sets.rollout(ADMIN, this.id, this.rolloutId);
  }

  target(name: string): RolloutHost | undefined {
    return this.rollout.hosts.find(({ hostName }) => hostName === name);
  }

  /** Names of the hosts that are at work. */
  async running(...names: string[]): Promise<void> {
    await eventually(() => this.#namesIn('running'), { until: (now) => now.join(' ') === names.join(' ') });
  }

  async state(state: string): Promise<void> {
    await eventually(() => this.rollout.state, { until: (now) => now === state });
  }

  async finish(name: string, end: Partial<JobResult> = {}, report: Partial<ServiceReport> | null = {}): Promise<void> {
    await this.hosts[name]?.finish(this.target(name)?.jobId ?? '', end, report);
    await this.settle();
  }

  async fail(name: string, message = 'web did not become healthy'): Promise<void> {
    await this.finish(name, { state: 'failed', error: { code: 'unhealthy', message }, rolledBackTo: 1 });
  }

  /** Everything in, wave by wave. */
  async finishAll(): Promise<void> {
    while (this.rollout.state === 'running') {
      await eventually(() => this.#namesIn('running').length, { until: (count) => count > 0 });
      for (const name of this.#namesIn('running')) await this.finish(name);
    }
  }

  /** Long enough for the timeline to tell. */
  async goAway(name: string): Promise<void> {
    const host = this.hosts[name];
    host?.disconnect();
    await this.world.stores.writer.write(() => this.world.stores.hosts.setOnline(host?.id ?? '', false));
    await this.sweep();
  }

  async comeBack(name: string): Promise<void> {
    await this.hosts[name]?.connect(this.world);
    await this.sweep();
  }

  async revoke(name: string): Promise<void> {
    await this.world.app.hosts.revoke(ADMIN, this.hosts[name]?.id ?? '');
    this.world.clock.advance(1);
  }

  /** After it was revoked: a host that has forgotten what it was at. */
  async letIn(name: string): Promise<void> {
    const { id } = await this.world.app.joinTokens.create(ADMIN, { labels: EU });
    const host = this.hosts[name];
    await host?.enrol(this.world, id);
    if (host) host.memory.openJobs = [];
    await this.comeBack(name);
  }

  sweep(): Promise<void> {
    return this.world.parts.rollouts.sweep();
  }

  settle(): Promise<void> {
    return this.world.parts.rollouts.idle();
  }

  #namesIn(state: string): string[] {
    const found = this.rollout.hosts.filter((host) => host.state === state);
    return found.map(({ hostName }) => hostName).toSorted();
  }
}
