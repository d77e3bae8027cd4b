// Upgrades of hosts as callers see them.
import { LongshoreError } from '#shared/errors.ts';
import type { Manifest } from '#shared/release/manifest.ts';
import type { HostRecord } from '../../store/records.ts';
import { TARGET_STATES } from '../../store/set-records.ts';
import type { Stores } from '../../store/stores.ts';
import type { UpgradeRecord } from '../../store/upgrade-records.ts';
import { hasLabels, isHostSeen, type Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { Page } from '../api/page.ts';
import type { Releases } from '../api/releases.ts';
import type { HostUpgrades, NewUpgrade, Upgrade, UpgradeDetail, UpgradeHost, UpgradeQuery } from '../api/upgrades.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { missing } from '../missing.ts';
import type { UpgradeRunner } from './runner.ts';
import { DEFAULT_WAVE, waveSizeOf, whyPassedOver, type Offer } from './select.ts';
import type { Upgrades } from './upgrades.ts';

export interface UpgradeDeskDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  links: Pick<HostLinks, 'isConnected'>;
  upgrades: Upgrades;
  runner: UpgradeRunner;
  releases: Pick<Releases, 'current'>;
}

export class HostUpgradeDesk implements HostUpgrades {
  readonly #deps: UpgradeDeskDeps;

  constructor(deps: UpgradeDeskDeps) {
    this.#deps = deps;
  }

  async create(caller: Caller, input: NewUpgrade): Promise<UpgradeDetail> {
    const { access, effects, upgrades, runner, releases } = this.#deps;
    const { id } = await effects.perform(async () => {
      access.requireHostOperator(caller);
      const offer = toOffer(await releases.current());
      requireOffered(offer, input.version);
      return () => {
        this.#requireNoOther(caller);
        const hosts = this.#choose(caller, input, offer);
        const due = hosts.filter(({ reason }) => reason === null).length;
        const { allowsDowngrade = false, wave = DEFAULT_WAVE } = input;
        const { version } = offer;
        const order = { version, allowsDowngrade, hosts, waveSize: waveSizeOf(wave, due), madeBy: caller.name };
        return { id: upgrades.begin(order) };
      };
    });
    void runner.sweep();
    return this.require(caller, id);
  }

  list(caller: Caller, query: UpgradeQuery): Page<Upgrade> {
    const { stores, access } = this.#deps;
    const { hostIds } = access.visibility(caller);
    const { items, total } = stores.hostUpgrades.list({ ...query, hostIds });
    return { items: items.map((it) => this.#show(it)), total, page: query.page, perPage: query.perPage };
  }

  require(caller: Caller, id: string): UpgradeDetail {
    const { stores } = this.#deps;
    const upgrade = this.#requireSeen(caller, id);
    const targets = stores.hostUpgrades.targets(id);
    const places = stores.hosts.places(targets.map(({ hostId }) => hostId));
    const names = new Map(places.map((place) => [place.id, place.name]));
    const hosts = targets.map((target) => this.#showHost(target, names.get(target.hostId) ?? ''));
    return { ...this.#show(upgrade), hosts };
  }

  resume(caller: Caller, id: string): Promise<UpgradeDetail> {
    return this.#act(caller, id, (upgrade) => this.#deps.upgrades.resume(upgrade));
  }

  cancel(caller: Caller, id: string): Promise<UpgradeDetail> {
    return this.#act(caller, id, (upgrade) => this.#deps.upgrades.end(upgrade, 'cancelled'));
  }

  async #act(caller: Caller, id: string, act: (upgrade: UpgradeRecord) => void): Promise<UpgradeDetail> {
    const { access, effects, runner } = this.#deps;
    await effects.perform(() => () => {
      access.requireHostOperator(caller);
      act(this.#requireSeen(caller, id));
      return { id };
    });
    void runner.sweep();
    return this.require(caller, id);
  }

  #requireSeen(caller: Caller, id: string): UpgradeRecord {
    const upgrade = this.#deps.stores.hostUpgrades.find(id);
    if (!upgrade || !this.#isSeen(caller, id)) throw missing('upgrade', id);
    return upgrade;
  }

  /** Every host of it must be the caller's to see. */
  #isSeen(caller: Caller, id: string): boolean {
    const { stores, access } = this.#deps;
    const { hostIds } = access.visibility(caller);
    return hostIds === null || stores.hostUpgrades.targets(id).every(({ hostId }) => hostIds.includes(hostId));
  }

  /** One that gives way must be the caller's to end. */
  #requireNoOther(caller: Caller): void {
    const current = this.#deps.stores.hostUpgrades.findCurrent();
    if (current && !this.#isSeen(caller, current.id)) throw new LongshoreError('upgrade_under_way');
  }

  /** Those that were named in the order in which they were. */
  #choose(caller: Caller, { hostIds, labels = {}, allowsDowngrade = false }: NewUpgrade, offer: Offer) {
    const { stores, access } = this.#deps;
    const named = hostIds && [...new Set(hostIds)].map((id) => access.requireHost(caller, id));
    const seen =
      named ??
      stores.hosts
        .all()
        .filter((host) => isHostSeen(caller, host))
        .toSorted(byName);
    const chosen = seen.filter((host) => host.revokedAt === null && hasLabels(host.labels, labels));
    if (chosen.length === 0) throw new LongshoreError('no_host');
    const why = ({ facts }: HostRecord) => whyPassedOver(facts, offer, allowsDowngrade);
    return chosen.map((host) => ({ hostId: host.id, reason: why(host) }));
  }

  #show(upgrade: UpgradeRecord): Upgrade {
    const { hostUpgrades } = this.#deps.stores;
    const found = new Map(hostUpgrades.counts(upgrade.id).map(({ state, hosts }) => [state, hosts]));
    const counts = Object.fromEntries(TARGET_STATES.map((state) => [state, found.get(state) ?? 0]));
    const halted = upgrade.haltedBy === null ? undefined : hostUpgrades.findTarget(upgrade.id, upgrade.haltedBy);
    const halt = halted ? { hostId: halted.hostId, reason: halted.reason } : null;
    return { ...upgrade, counts: counts as Upgrade['counts'], halt };
  }

  #showHost(target: Omit<UpgradeHost, 'hostName'>, hostName: string): UpgradeHost {
    const { hostId, state, wave, fromVersion, phase, percent } = target;
    const isAway = (state === 'pending' || state === 'running') && !this.#deps.links.isConnected(hostId);
    const reason = target.reason ?? (isAway ? 'It is not connected' : null);
    return { hostId, hostName, state, wave, fromVersion, phase, percent, reason };
  }
}

const toOffer = ({ version, files }: Manifest): Offer => ({ version, architectures: files.map(({ arch }) => arch) });

const byName = (a: HostRecord, b: HostRecord): number => (a.name < b.name ? -1 : 1);

function requireOffered({ version }: Offer, wanted = version): void {
  if (wanted === version) return;
  throw new LongshoreError('validation_error', { fields: { version: `must be ${version}, which is offered` } });
}
