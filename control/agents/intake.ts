// What hosts tell: durable events, each committed once before it is acknowledged, and passing notes of progress.
//
// A host speaks for itself only. A number out of order closes the link; a message about something that is not this
// host's changes no state. Both leave a `protocol_violation` in the host's timeline.
import type { Logger } from '#shared/log.ts';
import type { Progress } from '#shared/jobs.ts';
import { CLOSE } from '#shared/protocol/limits.ts';
import { event, type AgentEvent, type Params, type Result } from '#shared/protocol/schema.ts';
import { arrivalOf } from '#shared/protocol/sequence.ts';
import type { Handlers } from '#shared/protocol/peer-types.ts';
import { z } from 'zod';
import type { Clock } from '#shared/time.ts';
import type { Bus } from '../app/api/live.ts';
import { toProgressNews } from '../app/jobs/job-news.ts';
import type { UsageBoard } from '../app/services/usage-board.ts';
import type { Stores, WriteContext } from '../store/stores.ts';
import type { AiQuestions } from './ai-questions.ts';
import type { EventEffects } from './event-effects.ts';
import type { ForgottenServices } from './forgotten-services.ts';
import type { DomainDesk } from '../app/domains/desk.ts';
import type { LostJobs } from './lost-jobs.ts';
import type { ProgressLog } from './progress-log.ts';
import type { Sessions } from './sessions.ts';

export interface IntakeDeps {
  stores: Stores;
  sessions: Sessions;
  effects: EventEffects;
  lostJobs: LostJobs;
  forgotten: Pick<ForgottenServices, 'has'>;
  progressLog: ProgressLog;
  bus: Bus;
  usage: Pick<UsageBoard, 'put' | 'putHost'>;
  questions: Pick<AiQuestions, 'answer'>;
  domains: Pick<DomainDesk, 'mayIssue'>;
  clock: Clock;
  log: Logger;
}

/** What is needed of an event to take its place in the sequence, also of one this build does not know. */
const envelope = z.object({ seq: z.number().int().min(1) });

type Arrived = AgentEvent | { seq: number; body: null };

export class Intake {
  readonly #deps: IntakeDeps;

  constructor(deps: IntakeDeps) {
    this.#deps = deps;
  }

  handlersFor(hostId: string): Handlers {
    return {
      requests: {
        'events.deliver': (params) => this.deliver(hostId, params),
        'ai.propose': (question, signal) => this.#deps.questions.answer(hostId, question, signal),
        'edge.may_issue': ({ hostname }) => this.#deps.domains.mayIssue(hostId, hostname),
        echo: async ({ data }) => ({ data }),
      },
      notifications: {
        'job.progress': (progress) => this.#note(hostId, progress),
        'host.sample': (sample) => this.#deps.usage.putHost(hostId, sample),
        'services.samples': ({ samples }) => this.#deps.usage.put(hostId, samples),
      },
      streams: {},
    };
  }

  /** Commits what is new and acknowledges it. Throws `protocol_violation` when nothing of it has a place. */
  async deliver(hostId: string, { events }: Params<'events.deliver'>): Promise<Result<'events.deliver'>> {
    const arrived = events.map(parseEvent);
    return this.#deps.stores.writer.write((tx) => ({ acked: this.#commit(tx, hostId, arrived) }));
  }

  #commit(tx: WriteContext, hostId: string, events: readonly (Arrived | undefined)[]): number {
    const { stores, effects, lostJobs } = this.#deps;
    const before = stores.hosts.find(hostId)?.eventSeq ?? 0;
    let last = before;
    for (const arrived of events) {
      const arrival = arrived === undefined ? 'hole' : arrive(arrived, last);
      if (arrived === undefined || arrival === 'hole') {
        this.#refuse(tx, hostId, arrived?.seq, last);
        break;
      }
      if (arrival === 'repeat') continue;
      last = arrived.seq;
      if (arrived.body === null) effects.reject(hostId, `Event ${last} is not one this control plane understands`);
      else effects.apply(tx, hostId, arrived.body, this.#isForgotten(hostId, last, arrived.body));
    }
    if (last > before) stores.hosts.setEventSeq(hostId, last);
    lostJobs.judge(tx, hostId, last);
    return last;
  }

  #isForgotten(hostId: string, seq: number, body: AgentEvent['body']): boolean {
    const { stores, forgotten } = this.#deps;
    const upTo = stores.hosts.find(hostId)?.forgottenUpTo ?? 0;
    return seq <= upTo || forgotten.has(hostId, serviceOf(body));
  }

  /** What came before the hole counts; the host starts over from there at its next link. */
  #refuse(tx: WriteContext, hostId: string, seq: number | undefined, last: number): void {
    const { effects, sessions, log } = this.#deps;
    const what = seq === undefined ? 'An event without a number' : `Event ${seq}`;
    const message = `${what} came after event ${last}`;
    effects.reject(hostId, message);
    tx.afterCommit(() => {
      log.warn({ hostId }, message);
      sessions.find(hostId)?.peer.destroy(CLOSE.protocol, 'protocol_violation');
    });
  }

  #note(hostId: string, progress: Progress): void {
    const { stores, bus, progressLog } = this.#deps;
    const job = stores.jobs.find(progress.jobId);
    if (job?.hostId !== hostId || job.serviceId !== progress.serviceId || job.finishedAt !== null) return;
    progressLog.add(progress);
    const news = toProgressNews(job, progress);
    if (news) bus.publish(news);
  }
}

/** Whom it is about; empty: no service. */
function serviceOf(body: AgentEvent['body']): string {
  if (body.kind === 'service.report') return body.report.serviceId;
  if (body.kind === 'service.updates') return body.updates.serviceId;
  if (body.kind === 'job.local') return body.job.serviceId;
  if (body.kind === 'job.step') return body.progress.serviceId;
  if (body.kind === 'job.finished') return body.result.serviceId;
  return body.kind === 'service.event' ? body.serviceId : '';
}

const arrive = (arrived: Arrived, last: number) =>
  arrived.body === null
    ? arrivalOf({ seq: arrived.seq, body: { kind: 'service.forget', serviceId: '', revision: 0 } }, last)
    : arrivalOf(arrived, last);

function parseEvent(raw: unknown): Arrived | undefined {
  const known = event().safeParse(raw);
  if (known.success) return known.data;
  const numbered = envelope.safeParse(raw);
  return numbered.success ? { seq: numbered.data.seq, body: null } : undefined;
}
