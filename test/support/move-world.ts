// Two hosts and a service with a backup repository that both reach, in memory; the test plays the hosts.
import type { Test } from 'tap';
import type { BackupSummary } from '#shared/backup.ts';
import type { JobResult } from '#shared/jobs.ts';
import type { ServiceReport } from '#shared/model.ts';
import type { Result } from '#shared/protocol/schema.ts';
import type { MoveStep } from '../../control/store/move-records.ts';
import { ADMIN, ControlWorld } from './control-world.ts';
import { eventually } from './eventually.ts';
import type { FakeHost } from './fake-host.ts';

const BYTES = { totalBytes: 4096, addedBytes: 1024 };
export const SUMMARY: BackupSummary = { snapshotId: 'f6561d62', files: 3, ...BYTES, consistency: 'live' };

/** Of a host where nothing is in the way. */
export const FREE_PLAN: Result<'service.plan'>['plan'] = {
  services: [],
  images: [],
  ports: [],
  volumes: [{ name: 'shop_data', action: 'create', services: ['web'] }],
  downtime: [],
  findings: [],
  preflight: [{ check: 'ports', state: 'ok', message: 'free' }],
  commit: null,
  digest: 'd',
};

export class MoveWorld {
  world: ControlWorld;
  readonly a: FakeHost;
  readonly b: FakeHost;
  readonly serviceId: string;
  readonly repositoryId: string;
  /** What the new host says of a deploy there. */
  plan = FREE_PLAN;
  moveId = '';

  private constructor(
    world: ControlWorld,
    made: { a: FakeHost; b: FakeHost; serviceId: string; repositoryId: string },
  ) {
    this.world = world;
    this.a = made.a;
    this.b = made.b;
    this.serviceId = made.serviceId;
    this.repositoryId = made.repositoryId;
  }

  static async start(t: Test): Promise<MoveWorld> {
    const world = new ControlWorld(t);
    const a = await world.joinAndConnect({}, 'a');
    const b = await world.join({}, 'b');
    const { id: repositoryId } = await world.app.backupRepositories.create(ADMIN, {
      url: 'rest:https://backup.example.com/shop/',
    });
    const serviceId = await world.deployed(a, 'shop');
    const it = new MoveWorld(world, { a, b, serviceId, repositoryId });
    b.answers = { 'service.plan': async () => ({ plan: it.plan }) };
    await b.connect(world);
    return it;
  }

  get move() {
    return this.world.app.moves.require(ADMIN, this.moveId);
  }

  get service() {
    return this.world.app.services.require(ADMIN, this.serviceId);
  }

  /** `copy succeeded`, in order, without those whose turn has not come. */
  get steps(): string[] {
    return this.move.steps.filter(({ state }) => state !== 'waiting').map(({ step, state }) => `${step} ${state}`);
  }

  async begin(more: { keepsOld?: boolean } = {}): Promise<void> {
    const order = { hostId: this.b.id, repositoryId: this.repositoryId, ...more };
    this.moveId = (await this.world.app.moves.begin(ADMIN, this.serviceId, order)).id;
  }

  /** The job of a step, once it is asked for. */
  jobOf(step: MoveStep): Promise<string> {
    return eventually(() => this.world.stores.moves.find(this.moveId)?.jobs[step] ?? '', { until: Boolean });
  }

  /** Its host ends the job of a step. */
  async finish(
    step: MoveStep,
    end: Partial<JobResult> = {},
    report: Partial<ServiceReport> | null = {},
  ): Promise<void> {
    const isThere = step === 'deploy' || step === 'clear' || step === 'rest';
    const backup = step === 'copy' || step === 'backup' ? { backup: SUMMARY } : {};
    await (isThere ? this.b : this.a).finish(await this.jobOf(step), { ...backup, ...end }, report);
    await this.world.parts.moves.sweep();
  }

  /** Up to the deploy on the new host. */
  async bringThere(): Promise<void> {
    await this.finish('copy');
    await this.finish('stop', {}, { lifecycle: 'stopped', health: 'unknown' });
    await this.finish('backup', {}, { lifecycle: 'stopped', health: 'unknown' });
  }

  /** What a kill of control leaves, started again; the hosts connect anew. */
  async crash(): Promise<void> {
    for (const host of [this.a, this.b]) host.disconnect();
    this.world = this.world.crash();
    for (const host of [this.a, this.b]) await host.connect(this.world);
    await this.world.parts.moves.sweep();
  }
}
