// Hosts joined in memory that say of an upgrade what the test wants, and a release to upgrade to.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { UpgradeOrder, UpgradeProgress } from '#shared/protocol/upgrade-parts.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { NewUpgrade, UpgradeDetail, UpgradeHost } from '../../control/app/api/upgrades.ts';
import { SETTLE_MS } from '../../control/app/upgrades/standing.ts';
import { ADMIN, ControlWorld } from './control-world.ts';
import type { FakeHost } from './fake-host.ts';
import { createReleaseKey, writeRelease } from './host-release.ts';

export class UpgradeWorld {
  world: ControlWorld;
  readonly hosts: Record<string, FakeHost> = {};
  /** Orders by host, each once. */
  readonly orders: Record<string, UpgradeOrder[]> = {};
  /** What hosts say; by itself that they download. */
  readonly words: Record<string, Partial<UpgradeProgress> | LongshoreError> = {};
  id = '';

  constructor(world: ControlWorld) {
    this.world = world;
  }

  static async start(t: Test, names: readonly string[], labels: Record<string, string> = {}): Promise<UpgradeWorld> {
    const it = new UpgradeWorld(new ControlWorld(t));
    it.offer('0.2.0');
    for (const name of names) await it.join(name, labels);
    return it;
  }

  offer(version: string): void {
    const dist = join(this.world.dir, 'dist');
    mkdirSync(dist, { recursive: true });
    writeRelease(dist, version, createReleaseKey(), { arch: 'x64' });
  }

  async join(name: string, labels: Record<string, string> = {}): Promise<FakeHost> {
    const host = await this.world.join(labels, name);
    host.answers['host.upgrade'] = async (order) => this.#answer(name, order);
    await host.connect(this.world);
    return (this.hosts[name] = host);
  }

  async begin(input: NewUpgrade = {}): Promise<void> {
    this.id = (await this.world.app.hostUpgrades.create(ADMIN, input)).id;
    await this.sweep();
  }

  /** The host says that it is through, and its services have had their time. */
  async finish(...names: string[]): Promise<void> {
    for (const name of names) this.words[name] = { phase: 'upgraded' };
    await this.sweep();
    this.world.clock.advance(SETTLE_MS);
    await this.sweep();
  }

  async say(name: string, word: Partial<UpgradeProgress> | LongshoreError): Promise<void> {
    this.words[name] = word;
    await this.sweep();
  }

  async sweep(): Promise<void> {
    await this.world.parts.upgrades.sweep();
    await this.world.parts.upgrades.sweep(); // the first may have been one under way
  }

  get upgrade(): UpgradeDetail {
    return this.world.app.hostUpgrades.require(ADMIN, this.id);
  }

  at(name: string): UpgradeHost | undefined {
    return this.upgrade.hosts.find(({ hostName }) => hostName === name);
  }

  /** `a 1 succeeded`, in the order of their turns. */
  get shown(): string[] {
    return this.upgrade.hosts.map(({ hostName, wave, state }) => `${hostName} ${wave ?? '-'} ${state}`);
  }

  events(name: string): string[] {
    const { items } = this.world.app.hosts.events(ADMIN, this.hosts[name]?.id ?? '', { page: 1, perPage: 50 });
    return items
      .filter(({ status }) => status.startsWith('upgrad'))
      .map(({ status, message }) => `${status}: ${message}`);
  }

  #answer(name: string, order: UpgradeOrder): UpgradeProgress {
    const known = (this.orders[name] ??= []);
    if (!known.some(({ id }) => id === order.id)) known.push(order);
    const word = this.words[name] ?? {};
    if (word instanceof LongshoreError) throw word;
    return { phase: 'downloading', percent: null, reason: null, ...word };
  }
}
