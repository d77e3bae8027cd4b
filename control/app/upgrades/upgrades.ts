// Upgrades of hosts as they begin, go on and end, each inside a write of whoever asks. Every step is decided anew from what
// is on disk, by the planner of rollouts: a control plane that starts again goes on where it was.
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import type { UpgradeProgress } from '#shared/protocol/upgrade-parts.ts';
import type { Clock } from '#shared/time.ts';
import type { HostPlace } from '../../store/hosts.ts';
import { isCurrent } from '../../store/set-records.ts';
import type { Stores } from '../../store/stores.ts';
import type { UpgradeRecord, UpgradeTargetRecord } from '../../store/upgrade-records.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import { planRollout, type HostStanding, type RolloutStep, type Verdict } from '../sets/rollout-plan.ts';
import { toTargetFacts, wellServices, type HostNow } from './standing.ts';

export interface UpgradesDeps {
  stores: Stores;
  links: Pick<HostLinks, 'isConnected' | 'connectedAt'>;
  clock: Clock;
}

export interface UpgradeOrder extends Pick<UpgradeRecord, 'version' | 'waveSize' | 'allowsDowngrade' | 'madeBy'> {
  /** In the order in which their turns come; one with a reason is passed over. */
  hosts: readonly { hostId: string; reason: string | null }[];
}

export class Upgrades {
  readonly #deps: UpgradesDeps;

  constructor(deps: UpgradesDeps) {
    this.#deps = deps;
  }

  /** Takes the place of one that is halted, or waits only for hosts that are away. Throws `upgrade_under_way`. */
  begin({ hosts, ...order }: UpgradeOrder): string {
    const { stores, clock } = this.#deps;
    const before = stores.hostUpgrades.findCurrent();
    if (before && this.#isAtWork(before)) throw underWay(before);
    if (before) this.end(before, 'superseded');
    const now = clock.now();
    const id = newId('upg', now);
    stores.hostUpgrades.insert({ ...order, id, state: 'running', haltedBy: null, createdAt: now, finishedAt: null });
    stores.hostUpgrades.addTargets(id, hosts);
    this.step(id);
    return id;
  }

  /** Notes what has come to pass and does what is next. Returns how many hosts were begun. Safe to run twice. */
  step(id: string): number {
    const { stores } = this.#deps;
    const upgrade = stores.hostUpgrades.find(id);
    if (!upgrade) return 0;
    const { verdicts, step } = planRollout({
      isRemoval: false,
      isRunning: upgrade.state === 'running',
      heldBy: null,
      maxParallel: upgrade.waveSize,
      targets: this.#gather(id),
    });
    for (const verdict of verdicts) this.#note(upgrade, verdict);
    return this.#take(upgrade, step);
  }

  /** What a host says of its order. */
  hear(orderId: string, progress: UpgradeProgress): void {
    this.#deps.stores.hostUpgrades.setProgress(orderId, progress, this.#deps.clock.now());
  }

  /** A host that cannot be upgraded from here: it does not keep the others from it. */
  passOver(upgrade: UpgradeRecord, hostId: string, reason: string): void {
    this.#deps.stores.hostUpgrades.judge(upgrade.id, { hostId, state: 'skipped', reason });
    this.#tell(hostId, 'upgrade_failed', `It cannot be upgraded to ${upgrade.version}: ${reason}`);
  }

  resume({ id, state }: UpgradeRecord): void {
    const { hostUpgrades } = this.#deps.stores;
    if (state !== 'halted') throw notNow(id, state, 'resumed');
    hostUpgrades.retryFailed(id);
    hostUpgrades.setState(id, 'running');
    this.step(id);
  }

  /** Hosts at work are let finish: nobody can call root back. */
  end({ id, state }: UpgradeRecord, as: 'cancelled' | 'superseded'): void {
    const { stores, clock } = this.#deps;
    if (!isCurrent(state)) throw notNow(id, state, as);
    stores.hostUpgrades.setState(id, as, { at: clock.now() });
    stores.hostUpgrades.skipPending(id, `The upgrade was ${as}`);
  }

  /** Not halted, and not only waiting for hosts that are away. */
  #isAtWork({ id, state }: UpgradeRecord): boolean {
    const { stores, links } = this.#deps;
    const open = stores.hostUpgrades
      .targets(id)
      .filter((target) => target.state === 'running' || (state === 'running' && target.state === 'pending'));
    return open.some((target) => target.state === 'running' || links.isConnected(target.hostId));
  }

  #gather(id: string) {
    const { stores } = this.#deps;
    const targets = stores.hostUpgrades.targets(id);
    const places = new Map(stores.hosts.places(targets.map(({ hostId }) => hostId)).map((place) => [place.id, place]));
    return targets.map((target) => toTargetFacts(target, this.#lookAt(target, places.get(target.hostId))));
  }

  /** Of who has had its turn nothing more is asked: thousands may have. */
  #lookAt({ hostId, state }: UpgradeTargetRecord, place: HostPlace | undefined): HostNow {
    const { stores, links, clock } = this.#deps;
    return {
      standing: this.#standingOf(place),
      connectedAt: links.connectedAt(hostId),
      services: state === 'running' ? stores.services.ofHost(hostId) : [],
      isBusy: state === 'pending' && stores.jobs.openOfHost(hostId).some(({ state: at }) => at === 'running'),
      now: clock.now(),
    };
  }

  #standingOf(place: HostPlace | undefined): HostStanding {
    if (!place || place.revokedAt !== null) return 'closed';
    if (this.#deps.links.isConnected(place.id)) return 'connected';
    return place.isToldOnline ? 'unsure' : 'away';
  }

  #note(upgrade: UpgradeRecord, verdict: Verdict): void {
    const { hostUpgrades } = this.#deps.stores;
    const { hostId, state, reason } = verdict;
    const { phase } = hostUpgrades.findTarget(upgrade.id, hostId) ?? {};
    hostUpgrades.judge(upgrade.id, verdict);
    const { version } = upgrade;
    if (state !== 'failed') return;
    if (phase === 'reverted') this.#tell(hostId, 'upgrade_reverted', `${version} was taken back: ${reason ?? ''}`);
    else this.#tell(hostId, 'upgrade_failed', `The upgrade to ${version} failed: ${reason ?? ''}`);
  }

  #take(upgrade: UpgradeRecord, step: RolloutStep): number {
    const { stores, clock } = this.#deps;
    const { id } = upgrade;
    if (step.do === 'halt') stores.hostUpgrades.setState(id, 'halted', { haltedBy: step.hostId });
    if (step.do === 'finish') stores.hostUpgrades.setState(id, 'succeeded', { at: clock.now() });
    if (step.do !== 'start') return 0;
    stores.hostUpgrades.openWave(id, step.wave, step.hostIds);
    const here = step.hostIds.filter((hostId) => this.#deps.links.isConnected(hostId));
    for (const hostId of here) this.#startOne(upgrade, hostId);
    return here.length;
  }

  #startOne({ id, version }: UpgradeRecord, hostId: string): void {
    const { stores, clock } = this.#deps;
    const at = clock.now();
    const fromVersion = stores.hosts.find(hostId)?.facts?.agentVersion ?? null;
    if (fromVersion === version) {
      return stores.hostUpgrades.judge(id, { hostId, state: 'skipped', reason: `It has ${version} already` });
    }
    const well = wellServices(stores.services.ofHost(hostId));
    stores.hostUpgrades.setStarted({ upgradeId: id, hostId }, { orderId: newId('upg', at), fromVersion, well, at });
    this.#tell(hostId, 'upgrading', `Being upgraded from ${fromVersion ?? 'unknown'} to ${version}`);
  }

  #tell(hostId: string, status: string, message: string): void {
    const { stores, clock } = this.#deps;
    stores.events.insert({ hostId, type: 'host', status, message, at: clock.now() });
  }
}

const underWay = ({ id }: UpgradeRecord): LongshoreError =>
  new LongshoreError('upgrade_under_way', { details: `\`longshore hosts upgrades ${id}\` shows how far it is` });

const notNow = (id: string, state: string, what: string): LongshoreError =>
  new LongshoreError('state_conflict', { message: `Upgrade "${id}" is ${state}: it cannot be ${what}` });
