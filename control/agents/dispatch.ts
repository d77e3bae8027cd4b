// Sends each connected host its commands, in order, one batch in flight. A pump runs while there is something to send;
// a nudge (a commit, a new link) starts it or makes it look once more. What was not acknowledged is sent again: the host
// takes a repeat for what it is.
import { toLongshoreError, type WireError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import { CLOSE, MAX_BATCH_BYTES } from '#shared/protocol/limits.ts';
import type { Command, Result } from '#shared/protocol/schema.ts';
import type { ScheduleSpec } from '#shared/schedule/schedule.ts';
import { sleep, type Clock } from '#shared/time.ts';
import type { IncidentLog } from '../app/incidents/incident-log.ts';
import type { JobEnds } from '../app/jobs/job-ends.ts';
import type { StoredCommand } from '../store/commands.ts';
import type { HostRecord } from '../store/records.ts';
import type { Stores, WriteContext } from '../store/stores.ts';
import type { Session, Sessions } from './sessions.ts';

/** Read at once; a batch is cut by bytes before that in most cases. */
const MAX_BATCH_COMMANDS = 64;
/** A host that answers with an error (its disk is full, say) is not asked more often than this. */
const RETRY_MS = 5_000;

export interface DispatchDeps {
  stores: Stores;
  sessions: Sessions;
  ends: JobEnds;
  incidents: Pick<IncidentLog, 'hasConflict'>;
  clock: Clock;
  log: Logger;
}

type Answer = Result<'commands.deliver'>;

export class Dispatcher {
  readonly #deps: DispatchDeps;
  readonly #signal: AbortSignal;
  readonly #running = new Map<string, Promise<void>>();
  readonly #nudged = new Set<string>();

  /** `signal`: control is stopping, nothing more is sent. */
  constructor(deps: DispatchDeps, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
  }

  /** There may be something to send to the host. Cheap, safe to call at any time. */
  nudge(hostId: string): void {
    this.#nudged.add(hostId);
    if (this.#running.has(hostId) || this.#signal.aborted) return;
    this.#running.set(hostId, this.#pump(hostId));
  }

  /** Resolves when no pump runs. */
  async idle(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  async #pump(hostId: string): Promise<void> {
    try {
      while (this.#nudged.delete(hostId) && !this.#signal.aborted) await this.#drain(hostId);
    } finally {
      this.#running.delete(hostId);
    }
    if (this.#nudged.has(hostId)) this.nudge(hostId);
  }

  /** Sends until nothing is left or the link is gone; the next link nudges again. */
  async #drain(hostId: string): Promise<void> {
    const { sessions, incidents, clock, log } = this.#deps;
    for (;;) {
      const session = sessions.find(hostId);
      if (!session?.peer.isOpen || this.#signal.aborted || incidents.hasConflict(hostId)) return;
      try {
        if (!(await this.#sendBatch(session))) return;
      } catch (cause) {
        const error = toLongshoreError(cause);
        if (error.code === 'link_closed' || !session.peer.isOpen) return;
        log.warn({ err: error, hostId }, 'could not hand commands to a host');
        await sleep(clock, RETRY_MS, this.#signal).catch(() => undefined);
      }
    }
  }

  /** False when there was nothing to send. */
  async #sendBatch(session: Session): Promise<boolean> {
    const { stores } = this.#deps;
    const host = stores.hosts.find(session.hostId);
    if (!host) return false;
    const batch = stores.commands.pending(host.id, host.ackedSeq, MAX_BATCH_COMMANDS);
    const commands = cutBatch(batch, host.epoch);
    const last = commands.at(-1);
    if (!last) return false;
    const sent = batch.slice(0, commands.length);
    if (await this.#markOffered(sent)) return true; // read again: one may have been cancelled meanwhile
    const answer = await session.peer.request('commands.deliver', { commands, sentAt: this.#deps.clock.now() });
    if (!isPlausible(answer, host, last.seq)) {
      await this.#reportViolation(session, answer.acked, last.seq);
      return false;
    }
    await stores.writer.write((tx) => this.#take(tx, host, sent, answer));
    return true;
  }

  /**
   * On disk before the sending: what is still `queued` was never sent, so it may be cancelled without the host.
   * Returns whether there were such jobs.
   */
  async #markOffered(commands: readonly StoredCommand[]): Promise<boolean> {
    const { stores } = this.#deps;
    const queued = commands.flatMap(({ jobId }) => {
      return jobId !== null && stores.jobs.find(jobId)?.state === 'queued' ? [jobId] : [];
    });
    if (queued.length === 0) return false;
    await stores.writer.write(() => queued.forEach((jobId) => stores.jobs.advance(jobId, 'offered')));
    return true;
  }

  #take(tx: WriteContext, host: HostRecord, sent: readonly StoredCommand[], { acked, refused }: Answer): void {
    const { stores, ends, clock } = this.#deps;
    // Under another epoch the numbers mean other commands (resume.ts): the next link sends again.
    if (stores.hosts.find(host.id)?.epoch !== host.epoch) return;
    for (const jobId of stores.commands.ack(host.id, acked)) stores.jobs.advance(jobId, 'accepted');
    for (const { seq, error } of refused) {
      const command = sent.find((one) => one.seq === seq);
      const jobId = command?.jobId;
      if (command?.body.kind === 'schedule.put') this.#takeBack(host.id, command.body.schedule);
      if (jobId) ends.abandon(tx, jobId, endStateOf(error), error, clock.now());
    }
  }

  /**
   * What an older agent cannot read, a newer one may at its next link. Until then it must not go on with what the
   * schedule was before.
   */
  #takeBack(hostId: string, { id, revision }: ScheduleSpec): void {
    const { schedules, commands } = this.#deps.stores;
    schedules.forgetSent(hostId, id);
    commands.append(hostId, { kind: 'schedule.remove', scheduleId: id, revision });
  }

  async #reportViolation({ hostId, peer }: Session, acked: number, lastSent: number): Promise<void> {
    const { stores, clock } = this.#deps;
    const message = `The host acknowledged command ${acked}, the last one sent was ${lastSent}`;
    await stores.writer.write(() =>
      stores.events.insert({ hostId, type: 'host', status: 'protocol_violation', message, at: clock.now() }),
    );
    peer.destroy(CLOSE.protocol, 'protocol_violation');
  }
}

/** The first commands that fit a batch, at least one, under the host's epoch of now. */
function cutBatch(commands: readonly StoredCommand[], epoch: number): Command[] {
  const batch: Command[] = [];
  let bytes = 0;
  for (const { seq, body } of commands) {
    const command = {
      seq,
      body: body.kind === 'job.offer' ? { ...body, offer: { ...body.offer, epoch } } : body,
    };
    bytes += Buffer.byteLength(JSON.stringify(command));
    if (batch.length > 0 && bytes > MAX_BATCH_BYTES) break;
    batch.push(command);
  }
  return batch;
}

/** An acknowledgement beyond what was sent, or behind what was acknowledged, is no answer to this batch. */
const isPlausible = ({ acked }: Answer, { ackedSeq }: HostRecord, lastSent: number): boolean =>
  acked > ackedSeq && acked <= lastSent;

const endStateOf = ({ code }: WireError): 'expired' | 'superseded' | 'failed' =>
  code === 'expired' || code === 'superseded' ? code : 'failed';
