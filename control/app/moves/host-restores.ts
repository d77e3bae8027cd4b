// Restoring the services of a lost host on another one: a move for each of them that has a backup elsewhere, and the reason
// for each that has none. The lost host is not shut out, it is left a stop for every service that is restored, so that
// two never run once it returns: docs/decisions/0039-a-lost-host-is-left-a-stop.md.
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import type { Clock } from '#shared/time.ts';
import type { HostRestoreRecord, MoveRecord } from '../../store/move-records.ts';
import type { BackupRecord, HostRecord, ServiceRecord } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';
import type { HostRestore, RestoredService } from '../api/moves.ts';
import { dataOf } from '../hosts/data-of-service.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import { missing } from '../missing.ts';
import { requireOpen, requireTaking } from '../services/placement.ts';
import { findMisfit } from './fit.ts';
import { isMeantToRun, type Moves } from './moves.ts';
import { findNewest } from './ways.ts';

export interface HostRestoresDeps {
  stores: Stores;
  links: Pick<HostLinks, 'isConnected'>;
  moves: Moves;
  clock: Clock;
}

interface Order {
  from: HostRecord;
  to: HostRecord;
  madeBy: string;
}

type Verdict = { service: ServiceRecord; backup: BackupRecord } | { service: ServiceRecord; reason: string };

export class HostRestores {
  readonly #deps: HostRestoresDeps;

  constructor(deps: HostRestoresDeps) {
    this.#deps = deps;
  }

  /** Inside a write. One that is under way is the answer; one that is over is taken up again with what is not there yet. */
  begin({ from, to, madeBy }: Order): string {
    const { stores, moves, clock } = this.#deps;
    const latest = stores.moves.findRestoreOf(from.id);
    const underWay = latest && stores.moves.ofRestore(latest.id).some(({ finishedAt }) => finishedAt === null);
    if (latest && underWay && latest.toHostId === to.id) return latest.id;
    if (latest && underWay) throw conflict(`The services of "${from.name}" are being restored on another host`);
    this.#requireLost(from, to);
    const services = stores.services.ofHost(from.id);
    if (services.length === 0 && latest) return latest.id;
    if (services.length === 0) throw conflict(`Host "${from.name}" has no services`);
    const verdicts = services.map((service) => this.#judge(service, from, to));
    const now = clock.now();
    const id = newId('hre', now);
    const left = verdicts.flatMap((verdict) => ('reason' in verdict ? [toLeft(verdict)] : []));
    stores.moves.insertRestore({ id, fromHostId: from.id, toHostId: to.id, left, madeBy, createdAt: now });
    for (const verdict of verdicts) {
      if (!('backup' in verdict)) continue;
      const { service, backup } = verdict;
      const about = { fromHostId: from.id, toHostId: to.id, restoreId: id, madeBy, keepsOld: true };
      const what = { backupId: backup.id, repositoryId: backup.repositoryId ?? '' };
      moves.begin(service, { ...about, ...what, wasRunning: isMeantToRun(stores, service) });
    }
    const message = `The services of host "${from.name}" are restored on host "${to.name}"`;
    stores.events.insert({ hostId: from.id, type: 'host', status: 'restoring', message, at: now });
    return id;
  }

  require(hostId: string): HostRestore {
    const { stores } = this.#deps;
    const restore = stores.moves.findRestoreOf(hostId);
    if (!restore) throw missing('restore of host', hostId);
    const moves = stores.moves.ofRestore(restore.id);
    const services = [...moves.map((move) => this.#show(move)), ...restore.left.map(toShown)].toSorted(byName);
    const { left: _left, ...shown } = restore;
    const finishedAt = moves.every((move) => move.finishedAt !== null)
      ? Math.max(restore.createdAt, ...moves.map((move) => move.finishedAt ?? 0))
      : null;
    const isGood = services.every(({ state }) => state === 'succeeded');
    return { ...shown, state: finishedAt === null ? 'running' : isGood ? 'succeeded' : 'failed', finishedAt, services };
  }

  /** A host that answers can give its services, with all that they have written since. */
  #requireLost(from: HostRecord, to: HostRecord): void {
    const { links } = this.#deps;
    if (from.id === to.id) throw conflict('A host is not restored on itself');
    if (links.isConnected(from.id)) {
      const details = 'Move its services with `longshore services move`: nothing that they have written is lost then.';
      throw conflict(`Host "${from.name}" is connected`, details);
    }
    requireOpen(to);
    requireTaking(to);
    if (links.isConnected(to.id)) return;
    throw new LongshoreError('host_offline', { message: `Host "${to.name}" is not connected`, retryAfter: 15 });
  }

  #judge(service: ServiceRecord, from: HostRecord, to: HostRecord): Verdict {
    const { stores } = this.#deps;
    const { id, name, customerId } = service;
    const { compose, files } = stores.services.requireSource(id);
    const hasNamesake = stores.services.findByName(to.id, name) !== undefined;
    const misfit = findMisfit({ service, from, to, data: dataOf(compose), files: Object.keys(files), hasNamesake });
    if (misfit) return { service, reason: misfit.message };
    if (stores.moves.findOpen(id)) return { service, reason: 'It is being moved' };
    if (stores.moves.findLeftOn(id, to.id)) return { service, reason: `Host "${to.name}" keeps an older copy of it` };
    if (customerId !== null && stores.customers.find(customerId)?.suspendedAt !== null) {
      return { service, reason: 'Its customer is suspended' };
    }
    const backup = findNewest(stores, id);
    return backup ? { service, backup } : { service, reason: 'There is no backup of it outside of its host' };
  }

  #show({ id: moveId, backupId, error, ...move }: MoveRecord): RestoredService {
    const { backups } = this.#deps.stores;
    const { serviceId, serviceName, state } = move;
    const backupAt = backupId === null ? null : (backups.find(backupId)?.createdAt ?? null);
    return { serviceId, serviceName, state, moveId, backupId, backupAt, reason: error?.message ?? null };
  }
}

const byName = (a: RestoredService, b: RestoredService): number => (a.serviceName < b.serviceName ? -1 : 1);

const toLeft = ({ service, reason }: { service: ServiceRecord; reason: string }) => ({
  serviceId: service.id,
  serviceName: service.name,
  reason,
});

const toShown = (left: HostRestoreRecord['left'][number]): RestoredService => ({
  ...left,
  state: 'left',
  moveId: null,
  backupId: null,
  backupAt: null,
});

const conflict = (message: string, details?: string): LongshoreError =>
  new LongshoreError('state_conflict', { message, ...(details !== undefined && { details }) });
