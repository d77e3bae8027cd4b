// Carries upgrades of hosts on. No arguments, the same work each time, safe to run twice: asks each host at work how it
// stands, which is also how it is told, notes the answers and takes the next step. All else is on disk.
import { toLongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { Stores } from '../../store/stores.ts';
import type { UpgradeRecord, UpgradeTargetRecord } from '../../store/upgrade-records.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import type { Upgrades } from './upgrades.ts';

/** A host that does not answer holds up the others of its wave no longer than this. */
const ANSWER_LIMIT_MS = 5_000;

export interface UpgradeRunnerDeps {
  stores: Stores;
  links: Pick<HostLinks, 'isConnected' | 'ask'>;
  upgrades: Upgrades;
  log: Logger;
}

export class UpgradeRunner {
  readonly #deps: UpgradeRunnerDeps;
  #work: Promise<void> | undefined;

  constructor(deps: UpgradeRunnerDeps) {
    this.#deps = deps;
  }

  /** Resolves when nothing is left to do now. One at a time: a call meanwhile waits for the one under way. */
  async sweep(): Promise<void> {
    this.#work ??= this.#advanceAll().finally(() => (this.#work = undefined));
    await this.#work;
  }

  async #advanceAll(): Promise<void> {
    const { stores, log } = this.#deps;
    for (const id of stores.hostUpgrades.open()) {
      await this.#advance(id).catch((error: unknown) =>
        log.warn({ err: toLongshoreError(error), upgrade: id }, 'could not go on with an upgrade of hosts'),
      );
    }
  }

  async #advance(id: string): Promise<void> {
    const { stores, upgrades } = this.#deps;
    for (;;) {
      await this.#askAll(id);
      const begun = await stores.writer.write(() => upgrades.step(id));
      if (begun === 0) return;
    }
  }

  async #askAll(id: string): Promise<void> {
    const { stores, links } = this.#deps;
    const upgrade = stores.hostUpgrades.find(id);
    if (!upgrade) return;
    const atWork = stores.hostUpgrades
      .targets(id)
      .filter(({ hostId, state, phase }) => state === 'running' && phase !== 'upgraded' && links.isConnected(hostId));
    await Promise.all(atWork.map((target) => this.#ask(upgrade, target)));
  }

  async #ask(upgrade: UpgradeRecord, { hostId, orderId }: UpgradeTargetRecord): Promise<void> {
    const { stores, links, upgrades, log } = this.#deps;
    if (orderId === null) return;
    const { version, allowsDowngrade } = upgrade;
    const order = { id: orderId, version, allowsDowngrade };
    try {
      const progress = await links.ask(hostId, 'host.upgrade', order, { timeoutMs: ANSWER_LIMIT_MS });
      await stores.writer.write(() => upgrades.hear(orderId, progress));
    } catch (cause) {
      const { code, details } = toLongshoreError(cause);
      const reason = CANNOT[code];
      if (reason === undefined) return log.debug({ err: cause, hostId }, 'no word of an upgrade; asked again later');
      await stores.writer.write(() => upgrades.passOver(upgrade, hostId, details ?? reason));
    }
  }
}

/** Asking again changes nothing about these. */
const CANNOT: Record<string, string | undefined> = {
  unsupported: 'Its agent is too old to be upgraded from here; run the line of `longshore hosts join` on it once',
  not_supported: 'Its agent was not installed by the line of `longshore hosts join`',
};
