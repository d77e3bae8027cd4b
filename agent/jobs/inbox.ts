// Commands down: each is taken exactly once, in order, and is on disk before it is acknowledged. What cannot be taken
// is refused with its reason, takes its number all the same, and a repeat hears the same refusal.
//
// `deliver` runs in one transaction and answers after it; the runner hears of new work only then.
import { LongshoreError, type WireError } from '#shared/errors.ts';
import { isBackupKind } from '#shared/backup.ts';
import { bringsSpec, JOB_KINDS, type JobOffer } from '#shared/jobs.ts';
import { arrivalOf } from '#shared/protocol/sequence.ts';
import { command, type Command, type CommandBody, type Params, type Result } from '#shared/protocol/schema.ts';
import type { ScheduleRun } from '#shared/schedule/schedule.ts';
import { sha256 } from '#shared/secrets.ts';
import type { Clock } from '#shared/time.ts';
import { forgetFailures, resetHealing } from '../healing/reset.ts';
import type { AgentState } from '../state/open.ts';
import { hasRoomFor, NO_ROOM } from './room.ts';

/** What the runner is told once the commands are on disk. */
export interface InboxWork {
  enqueue(jobId: string): void;
  /** There is something new of the edge. */
  edge(): void;
  cancel(jobId: string): void;
  /** A tombstone arrived, or another word on whether it is enabled: look what Docker has of the service. */
  look(serviceId: string): void;
  /** A schedule came, changed or went, or is to run now. */
  schedule(): void;
}

export interface InboxDeps {
  state: AgentState;
  clock: Clock;
  work: InboxWork;
}

type Refusal = 'stale' | 'expired' | 'not_found' | 'protocol_violation' | 'host_disk_full';

type AfterCommit = () => void;
type ScheduleCommand = Extract<CommandBody, { kind: `schedule.${string}` }>;

export class Inbox {
  readonly #deps: InboxDeps;

  constructor(deps: InboxDeps) {
    this.#deps = deps;
  }

  /** Throws `protocol_violation` for a hole in the sequence or a number used twice, `host_disk_full` without room. */
  deliver({ commands, sentAt }: Params<'commands.deliver'>): Result<'commands.deliver'> {
    const { state, clock } = this.#deps;
    const aheadMs = sentAt === undefined ? 0 : clock.now() - sentAt;
    const { afterCommit, ...answer } = state.transact(() => {
      const refused: { seq: number; error: WireError }[] = [];
      const afterCommit: AfterCommit[] = [];
      for (const raw of commands) {
        const error = this.#take(raw, aheadMs, afterCommit);
        if (error) refused.push({ seq: (raw as Command).seq, error });
      }
      return { acked: state.commands.last, refused, afterCommit };
    });
    for (const run of afterCommit) run();
    return answer;
  }

  /** Returns why it was refused, null when it was taken. */
  #take(raw: unknown, aheadMs: number, afterCommit: AfterCommit[]): WireError | null {
    const { seq, body } = envelopeOf(raw);
    const { commands } = this.#deps.state;
    const digest = digestOf(body);
    const arrival = arrivalOf({ seq, body } as Command, commands.last);
    if (arrival === 'hole') {
      const details = `expected command ${commands.last + 1}, got ${seq}`;
      throw new LongshoreError('protocol_violation', { message: 'A command is missing', details });
    }
    if (arrival === 'repeat') return this.#repeat(seq, digest);
    const refusal = this.#act({ seq, body }, aheadMs, afterCommit);
    commands.add(seq, digest, refusal);
    return refusal;
  }

  #repeat(seq: number, digest: string): WireError | null {
    const known = this.#deps.state.commands.find(seq);
    if (known && known.digest !== digest) {
      throw new LongshoreError('protocol_violation', { message: `Command ${seq} was another one before` });
    }
    return known?.refusal ?? null;
  }

  #act(envelope: Envelope, aheadMs: number, afterCommit: AfterCommit[]): WireError | null {
    const parsed = command().safeParse(envelope);
    if (!parsed.success) return refusalOf(envelope).toWire();
    const body = byOwnClock(parsed.data.body, aheadMs);
    if (body.kind === 'job.offer') return this.#offer(body.offer, afterCommit)?.toWire() ?? null;
    if (body.kind === 'job.cancel') this.#cancel(body, afterCommit);
    else if (body.kind === 'service.forget') this.#forget(body, afterCommit);
    else if (body.kind === 'service.enable') this.#enable(body, afterCommit);
    else if (body.kind === 'backup.settings') this.#deps.state.backupSettings.put(body.serviceId, body.settings);
    else if (body.kind === 'edge.put') this.#edge(body, afterCommit);
    else this.#schedule(body, afterCommit);
    return null;
  }

  #cancel({ jobId, reason }: Extract<CommandBody, { kind: 'job.cancel' }>, afterCommit: AfterCommit[]): void {
    this.#deps.state.journal.requestCancel(jobId, reason);
    afterCommit.push(() => this.#deps.work.cancel(jobId));
  }

  #forget({ serviceId, revision }: Extract<CommandBody, { kind: 'service.forget' }>, afterCommit: AfterCommit[]): void {
    this.#deps.state.services.markForgotten(serviceId, revision);
    afterCommit.push(() => this.#deps.work.look(serviceId));
  }

  #enable(
    { serviceId, isEnabled }: Extract<CommandBody, { kind: 'service.enable' }>,
    afterCommit: AfterCommit[],
  ): void {
    const { services } = this.#deps.state;
    services.setEnabled(serviceId, isEnabled);
    if (isEnabled) forgetFailures(services, serviceId);
    afterCommit.push(() => this.#deps.work.look(serviceId));
  }

  #edge({ state, part }: Extract<CommandBody, { kind: 'edge.put' }>, afterCommit: AfterCommit[]): void {
    this.#deps.state.edge.put(state, part);
    afterCommit.push(() => this.#deps.work.edge());
  }

  #schedule(body: ScheduleCommand, afterCommit: AfterCommit[]): void {
    const { state, clock, work } = this.#deps;
    if (body.kind === 'schedule.put') state.schedules.put(body.schedule, clock.now());
    else if (body.kind === 'schedule.remove') state.schedules.remove(body.scheduleId, body.revision);
    else if (!state.schedules.findRun(body.runId)) state.schedules.putRun(askedRun(body));
    afterCommit.push(() => work.schedule());
  }

  #offer(offer: JobOffer, afterCommit: AfterCommit[]): LongshoreError | null {
    const { state } = this.#deps;
    const refusal = state.journal.has(offer.jobId) ? null : this.#judge(offer);
    if (refusal) return refusal;
    state.meta.raise('epoch', offer.epoch);
    if (state.journal.has(offer.jobId)) {
      this.#retell(offer.jobId);
      return null;
    }
    state.journal.accept(offer);
    resetHealing(state.services, offer.serviceId, offer.kind);
    if (offer.spec) state.services.put(offer.spec);
    if (offer.backupSettings) state.backupSettings.put(offer.serviceId, offer.backupSettings);
    afterCommit.push(() => this.#deps.work.enqueue(offer.jobId));
    return null;
  }

  /** Why an offer must not be accepted. */
  #judge({
    jobId,
    epoch,
    expiresAt,
    kind,
    serviceId,
    spec,
    backupId,
    rollbackTo,
    adopts,
  }: JobOffer): LongshoreError | null {
    const { state, clock } = this.#deps;
    const refuse = (code: Refusal, details: string) =>
      new LongshoreError(code, { message: `Cannot accept job "${jobId}"`, details });
    if (!hasRoomFor(kind, state)) return refuse('host_disk_full', NO_ROOM);
    const knownEpoch = state.meta.number('epoch');
    if (epoch < knownEpoch) return refuse('stale', `its epoch is ${epoch}, the host has seen ${knownEpoch}`);
    if (expiresAt !== undefined && expiresAt <= clock.now()) return refuse('expired', 'its time had passed on arrival');
    const knownRevision = state.services.revisionOf(serviceId);
    if (spec && spec.id !== serviceId) return refuse('protocol_violation', 'its spec is of another service');
    if (spec && knownRevision !== undefined && spec.revision < knownRevision) {
      return refuse('stale', `its revision is ${spec.revision}, the host has ${knownRevision}`);
    }
    if (bringsSpec(kind) && !spec) return refuse('protocol_violation', 'a deploy needs a spec');
    if (kind === 'rollback' && rollbackTo === undefined) return refuse('protocol_violation', 'it names no revision');
    if (kind === 'adopt' && !adopts?.length) return refuse('protocol_violation', 'it names no container');
    if (isBackupKind(kind) && kind !== 'drill' && backupId === undefined)
      return refuse('protocol_violation', 'it names no backup');
    const mayBeUnknown = kind === 'remove' || kind === 'forget_backup';
    if (!spec && knownRevision === undefined && !mayBeUnknown) {
      return refuse('not_found', `the host does not know service "${serviceId}"`);
    }
    return null;
  }

  /** Control asks again for a job it lost track of: it hears how the job stands, and nothing runs twice. */
  #retell(jobId: string): void {
    const { journal, outbox } = this.#deps.state;
    const result = journal.findResult(jobId);
    if (result) return outbox.append({ kind: 'job.finished', result, report: null });
    const open = journal.findOpen(jobId);
    const last = journal.steps(jobId).at(-1);
    if (!open || !last) return;
    const { step, state, at } = last;
    outbox.append({ kind: 'job.step', progress: { jobId, serviceId: open.offer.serviceId, step, state, at } });
  }
}

/** Moments that are compared with now, by the host's clock, which may be hours off control's. */
function byOwnClock(body: CommandBody, aheadMs: number): CommandBody {
  if (body.kind === 'schedule.run') return { ...body, at: body.at + aheadMs };
  if (body.kind !== 'job.offer' || body.offer.expiresAt === undefined) return body;
  return { ...body, offer: { ...body.offer, expiresAt: body.offer.expiresAt + aheadMs } };
}

const askedRun = ({ runId, scheduleId, at }: Extract<CommandBody, { kind: 'schedule.run' }>): ScheduleRun => ({
  id: runId,
  scheduleId,
  trigger: 'manual',
  state: 'pending',
  reason: null,
  missed: 0,
  dueAt: at,
  startedAt: null,
  finishedAt: null,
  targets: [],
});

interface Envelope {
  seq: number;
  body: { kind: string };
}

/** Without a number there is nothing to acknowledge or refuse: the link itself is at fault. */
function envelopeOf(raw: unknown): Envelope {
  const { seq, body } = (raw ?? {}) as { seq?: unknown; body?: { kind?: unknown } | null };
  if (Number.isSafeInteger(seq) && (seq as number) > 0 && typeof body?.kind === 'string') {
    return { seq: seq as number, body: body as { kind: string } };
  }
  throw new LongshoreError('protocol_violation', { message: 'A command has no number or no kind' });
}

/** Without the epoch: control sends an unacknowledged offer again under its epoch of then. */
const digestOf = (body: unknown): string =>
  sha256(JSON.stringify(body, (key, value: unknown) => (key === 'epoch' ? undefined : value)));

const COMMAND_KINDS: readonly string[] = [
  'job.offer',
  'job.cancel',
  'service.forget',
  'service.enable',
  'backup.settings',
  'schedule.put',
  'schedule.remove',
  'schedule.run',
] satisfies Command['body']['kind'][];

/** A kind from a newer control plane is `unsupported`; a known kind with content that makes no sense is a violation. */
function refusalOf({ seq, body }: Envelope): LongshoreError {
  const jobKind = (body as { offer?: { kind?: unknown } }).offer?.kind;
  const isUnknownJob = body.kind === 'job.offer' && !(JOB_KINDS as readonly unknown[]).includes(jobKind);
  if (!COMMAND_KINDS.includes(body.kind) || isUnknownJob) {
    return new LongshoreError('unsupported', { details: isUnknownJob ? `job kind "${String(jobKind)}"` : body.kind });
  }
  return new LongshoreError('protocol_violation', { message: `Command ${seq} does not follow its schema` });
}
