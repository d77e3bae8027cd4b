// A service that takes newer images by itself, and the host that tells what it finds.
import type { Test } from 'tap';
import type { ImageCheck, ServiceUpdates } from '#shared/image-updates.ts';
import { ADMIN, ControlWorld } from './control-world.ts';
import type { FakeHost } from './fake-host.ts';

/** Always open: the test's clock stands at midnight UTC. */
export const WINDOW = { start: '20:00', durationMinutes: 480, timeZone: 'UTC' };

export const check = (newestDigest: string | null, currentDigest = 'sha256:1', image = 'nginx:1'): ImageCheck => ({
  service: 'web',
  image,
  currentDigest,
  newestDigest,
  state: newestDigest === null ? 'unknown' : newestDigest === currentDigest ? 'current' : 'newer',
  reason: newestDigest === null ? 'Registry "docker.io" did not answer in time' : null,
});

export class Scene {
  readonly world: ControlWorld;
  readonly host: FakeHost;
  id = '';

  constructor(world: ControlWorld, host: FakeHost) {
    this.world = world;
    this.host = host;
  }

  /** The host tells what it found, a minute later each time. */
  async find(...images: ImageCheck[]): Promise<void> {
    await this.host.tell({ kind: 'service.updates', updates: this.updates(...images) });
  }

  updates(...images: ImageCheck[]): ServiceUpdates {
    this.world.clock.advance(60_000);
    return { serviceId: this.id, images, checkedAt: this.world.clock.now() };
  }

  get service() {
    return this.world.app.services.detail(ADMIN, this.id);
  }

  /** Kinds and causes of the jobs so far, the first one left out. */
  get jobs() {
    return this.world.app.jobs.list(ADMIN, { page: 1, perPage: 100 }).items.toReversed().slice(1);
  }

  told(type: string): string[] {
    const { items } = this.world.app.services.events(ADMIN, this.id, { page: 1, perPage: 100, type, order: 'asc' });
    return items.map(({ message }) => message);
  }

  /** What the job that runs now comes to. */
  async finish(state: 'succeeded' | 'failed', revision: number): Promise<void> {
    const job = this.jobs.at(-1);
    const error = { code: 'unhealthy', message: 'It did not become healthy' };
    const end = state === 'failed' ? { state, error, rolledBackTo: 1 } : { state };
    await this.host.finish(job?.id ?? '', { ...end, startedAt: 1, finishedAt: this.world.clock.now() }, { revision });
  }

  /** A moment later: jobs are told apart by their time. */
  runUpdates(): Promise<void> {
    this.world.clock.advance(1);
    return this.world.parts.autoUpdates.run();
  }
}

export async function startScene(t: Test, answers: FakeHost['answers'] = {}): Promise<Scene> {
  const world = new ControlWorld(t);
  const host = await world.join();
  host.answers = answers;
  await host.connect(world);
  const scene = new Scene(world, host);
  scene.id = await world.deployed(host, 'web', { autoUpdate: { window: WINDOW } });
  return scene;
}
