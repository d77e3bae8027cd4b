// Moves as they begin, go on and end, each step inside one write. What is next is decided anew every time, from what is on
// disk (plan.ts): a control plane that starts again goes on where it was.
import { LongshoreError, type WireError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import { isJobEnd } from '#shared/jobs.ts';
import type { Clock } from '#shared/time.ts';
import { MOVE_STEPS, type MoveEnd, type MoveRecord, type MoveStep } from '../../store/move-records.ts';
import type { ServiceRecord } from '../../store/records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import { noteBackup } from '../backups/note.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import type { JobCancels } from '../jobs/job-cancels.ts';
import { MOVE_CAUSE, type JobStarts } from '../jobs/job-starts.ts';
import { tellEnabled } from '../services/enablement.ts';
import { planMove, type MoveFacts, type StepJob } from './plan.ts';

export interface MovesDeps {
  stores: Stores;
  starts: JobStarts;
  cancels: JobCancels;
  links: Pick<HostLinks, 'nudge'>;
  clock: Clock;
}

export type NewMove = Pick<MoveRecord, 'fromHostId' | 'toHostId' | 'restoreId' | 'wasRunning' | 'keepsOld'> &
  Pick<MoveRecord, 'repositoryId' | 'backupId' | 'madeBy'>;

/** Of one restore at once: each fetches data from a repository and writes it to the same disk. */
const WAVE = 4;

export class Moves {
  readonly #deps: MovesDeps;

  constructor(deps: MovesDeps) {
    this.#deps = deps;
  }

  /** Its first step is taken by the runner. */
  begin(service: ServiceRecord, order: NewMove): string {
    const { stores, clock } = this.#deps;
    const now = clock.now();
    const { id: serviceId, name: serviceName, customerId } = service;
    const move: MoveRecord = {
      ...order,
      id: newId('mov', now),
      serviceId,
      serviceName,
      customerId,
      state: 'running',
      jobs: {},
      error: null,
      createdAt: now,
      switchedAt: null,
      finishedAt: null,
    };
    stores.moves.insert(move);
    this.#tell(
      move,
      'started',
      `Moves from host "${this.#nameOf(move.fromHostId)}" to "${this.#nameOf(move.toHostId)}"`,
    );
    return move.id;
  }

  /** Takes what steps can be taken now. Safe to run twice. Throws what keeps a job from being asked for: see `fail`. */
  step(tx: WriteContext, id: string): void {
    while (this.#stepOnce(tx, id));
    const move = this.#deps.stores.moves.find(id);
    const { links } = this.#deps;
    tx.afterCommit(() => [move?.fromHostId, move?.toHostId].forEach((hostId) => hostId && links.nudge(hostId)));
  }

  /** A step that cannot even be asked for: on the way there it is undone, else it is told. */
  fail(tx: WriteContext, id: string, error: WireError): void {
    const move = this.#deps.stores.moves.find(id);
    if (!move || move.finishedAt !== null) return;
    if (move.state === 'undoing') this.#end(move, 'failed', move.error ?? error);
    else if (move.switchedAt !== null) this.#end(move, 'succeeded', error);
    else this.undo(tx, move, error);
  }

  /** What is open is called off at once; the rest of the way back is planned. */
  undo(tx: WriteContext, move: MoveRecord, error: WireError): void {
    const { stores, cancels } = this.#deps;
    stores.moves.setUndoing(move.id, error);
    for (const jobId of Object.values(move.jobs)) {
      const job = stores.jobs.find(jobId);
      if (job && !isJobEnd(job.state)) cancels.cancel(tx, job, 'cancelled');
    }
  }

  factsOf(move: MoveRecord): MoveFacts {
    const { stores } = this.#deps;
    const service = stores.services.find(move.serviceId);
    const { state, keepsOld, error, restoreId, switchedAt } = move;
    return {
      state,
      keepsOld,
      error,
      // A customer that was suspended meanwhile gets nothing started.
      wasRunning: move.wasRunning && (state !== 'undoing' || service?.suspendedFrom === null),
      isRestore: restoreId !== null,
      isSwitched: switchedAt !== null,
      hasService: service !== undefined,
      mustQueue: this.#mustQueue(move),
      isFromShut: this.#isShut(move.fromHostId),
      isToShut: this.#isShut(move.toHostId),
      jobs: this.#jobsOf(move),
    };
  }

  #stepOnce(tx: WriteContext, id: string): boolean {
    const move = this.#deps.stores.moves.find(id);
    if (!move || move.finishedAt !== null) return false;
    const decision = planMove(this.factsOf(move));
    if (decision.do === 'wait') return false;
    if (decision.do === 'begin')
      this.#deps.stores.moves.setJob(move, decision.step, this.#start(tx, move, decision.step));
    else if (decision.do === 'undo') this.undo(tx, move, decision.error);
    else this.#end(move, decision.state, decision.error);
    return decision.do !== 'end';
  }

  #start(tx: WriteContext, move: MoveRecord, step: MoveStep): string {
    const { stores, starts } = this.#deps;
    const { serviceId: id, serviceName: name, customerId, fromHostId, toHostId } = move;
    const order = { pull: null, expiresAt: null, cause: MOVE_CAUSE, madeBy: move.madeBy };
    const at = (hostId: string) => ({ id, name, customerId, hostId });
    if (step === 'remove') return starts.startAbout(tx, at(fromHostId), { kind: 'remove', ...order });
    if (step === 'clear') return starts.startAbout(tx, at(toHostId), { kind: 'remove', ...order });
    const service = stores.services.find(id);
    if (!service) throw new LongshoreError('not_found', { message: `Service "${name}" is gone` });
    if (step === 'deploy') return this.#deploy(tx, move, service);
    if (step === 'copy' || step === 'backup') return this.#backUp(tx, move, service, step);
    if (step === 'rest') return starts.start(tx, service, { kind: 'stop', ...order });
    if (step === 'start') return this.#startAgain(tx, service);
    tellEnabled(stores, { id, hostId: fromHostId, isEnabled: false }); // no schedule of it starts anything meanwhile
    return starts.startAbout(tx, at(fromHostId), { kind: 'stop', ...order });
  }

  #backUp(tx: WriteContext, move: MoveRecord, service: ServiceRecord, step: 'copy' | 'backup'): string {
    const { stores, starts, clock } = this.#deps;
    const now = clock.now();
    const { repositoryId } = move;
    const id = newId('bkp', now);
    const about = { kind: 'backup' as const, pull: null, expiresAt: null, backupId: id, repositoryId };
    const jobId = starts.startAbout(tx, service, { ...about, cause: MOVE_CAUSE });
    noteBackup(stores, service, { id, jobId, repositoryId, createdAt: now });
    if (step === 'backup') stores.moves.setBackup(move.id, id);
    return jobId;
  }

  /** The old host is told nothing of the new revision: should it have to go on, it is what it was. */
  #deploy(tx: WriteContext, { toHostId: hostId, backupId, madeBy }: MoveRecord, service: ServiceRecord): string {
    const { stores, starts } = this.#deps;
    const revision = service.revision + 1;
    stores.services.setRevision(service.id, revision);
    const order = { pull: 'missing', expiresAt: null, madeBy, cause: MOVE_CAUSE, review: false } as const;
    const next = { ...service, hostId, revision };
    return starts.start(tx, next, { kind: 'deploy', ...order, ...(backupId !== null && { backupId }) });
  }

  /** On a drained host it is the undoing of the drain that starts it. */
  #startAgain(tx: WriteContext, service: ServiceRecord): string {
    const { stores, starts } = this.#deps;
    const { id, hostId } = service;
    tellEnabled(stores, service);
    if (typeof stores.hosts.find(hostId)?.drainedAt === 'number') stores.drains.put(id, hostId, 'running');
    return starts.start(tx, service, { kind: 'start', pull: null, expiresAt: null, cause: 'the move was undone' });
  }

  #end(move: MoveRecord, state: MoveEnd, error: WireError | null): void {
    const { stores, clock } = this.#deps;
    const { id, fromHostId, toHostId, jobs } = move;
    const service = stores.services.find(move.serviceId);
    stores.moves.finish(id, { state, error, keepsOld: this.#leavesSomething(move, state), at: clock.now() });
    if (service && state !== 'succeeded' && jobs.start === undefined && !this.#isShut(fromHostId)) {
      tellEnabled(stores, service);
    }
    const there = `Moved to host "${this.#nameOf(toHostId)}"`;
    if (state === 'succeeded') this.#tell(move, 'success', error ? `${there}; ${error.message}` : there);
    else this.#tell(move, state, `It stays on host "${this.#nameOf(fromHostId)}": ${error?.message ?? state}`);
  }

  /** A later move to that host must not take it for the data that it brings. */
  #leavesSomething(move: MoveRecord, state: MoveEnd): boolean {
    const { remove, clear, deploy } = this.#jobsOf(move);
    if (state === 'succeeded') return remove?.state !== 'succeeded';
    return deploy?.isBegun === true && clear?.state !== 'succeeded';
  }

  #mustQueue({ id, restoreId }: MoveRecord): boolean {
    if (restoreId === null) return false;
    const others = this.#deps.stores.moves.ofRestore(restoreId).filter((other) => other.id !== id);
    return others.filter(({ finishedAt, jobs }) => finishedAt === null && jobs.deploy !== undefined).length >= WAVE;
  }

  #jobsOf({ jobs }: MoveRecord): MoveFacts['jobs'] {
    const found = MOVE_STEPS.flatMap((step) => {
      const job = this.#findJob(jobs[step]);
      return job ? [[step, job] as const] : [];
    });
    return Object.fromEntries(found);
  }

  /** One that was swept ended a month ago, in a way that is not known any more. */
  #findJob(id: string | undefined): StepJob | undefined {
    if (id === undefined) return undefined;
    const job = this.#deps.stores.jobs.find(id);
    if (!job) return { state: 'failed', error: null, isBegun: true };
    return { state: job.state, error: job.error, isBegun: job.startedAt !== null || job.state === 'running' };
  }

  #isShut(hostId: string): boolean {
    return this.#deps.stores.hosts.find(hostId)?.revokedAt !== null;
  }

  #nameOf(hostId: string): string {
    return this.#deps.stores.hosts.find(hostId)?.name ?? hostId;
  }

  #tell({ serviceId, fromHostId: hostId }: MoveRecord, status: string, message: string): void {
    const { stores, clock } = this.#deps;
    stores.events.insert({ serviceId, hostId, type: 'move', status, message, at: clock.now() });
  }
}

/** A drained or suspended service runs again when that is over. */
export function isMeantToRun({ drains }: Stores, { id, lifecycle, suspendedFrom }: ServiceRecord): boolean {
  return lifecycle === 'running' || lifecycle === 'deploying' || suspendedFrom !== null || drains.find(id) !== null;
}
