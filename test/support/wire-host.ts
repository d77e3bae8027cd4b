// A host that joins a real control plane over a real WebSocket and has no Docker: it takes every job and says at once that
// it went well. For fleets beside one real agent, whose engine could not hold the same project twice.
import { newInstanceId } from '#shared/ids.ts';
import { silentLogger } from '#shared/log.ts';
import type { JobOffer } from '#shared/jobs.ts';
import { createIdentity, parseJoinToken } from '#shared/protocol/identity.ts';
import type { Handlers, Peer } from '#shared/protocol/peer-types.ts';
import { command, type AgentEventBody, type Params } from '#shared/protocol/schema.ts';
import { systemClock } from '#shared/time.ts';
import { connectToControl } from '../../agent/link/connection.ts';
import { finished } from './fake-host.ts';
import { hostReport } from './host-report.ts';

export class WireHost {
  readonly hostname: string;
  /** Every offer, in the order they came. */
  readonly offers: JobOffer[] = [];
  /** What it answers to questions; set before it connects. */
  answers: Handlers['requests'] = {};
  /** Jobs of these kinds it takes and never ends. */
  holds: readonly JobOffer['kind'][] = [];
  readonly #token: string;
  readonly #identity = createIdentity();
  readonly #instanceId = newInstanceId();
  #connection = 0;
  #commandSeq = 0;
  #eventSeq = 0;
  #epoch = 0;
  #peer: Peer | undefined;

  constructor(hostname: string, token: string) {
    this.hostname = hostname;
    this.#token = token;
  }

  /** Also again, when control was away. */
  async connect(): Promise<void> {
    const { url, tokenId, secret, controlPin } = parseJoinToken(this.#token);
    const report = hostReport();
    const { peer, welcome } = await connectToControl({
      destination: { url, controlPin, enrol: { tokenId, secret } },
      identity: this.#identity,
      instanceId: this.#instanceId,
      connection: ++this.#connection,
      describe: async () => ({
        ...report,
        commandSeq: this.#commandSeq,
        epoch: this.#epoch,
        events: { first: 1, last: this.#eventSeq },
        facts: { ...report.facts, hostname: this.hostname },
      }),
      handlers: {
        requests: { ...this.answers, 'commands.deliver': (params: Params<'commands.deliver'>) => this.#take(params) },
        notifications: {},
        streams: {},
      },
      clock: systemClock,
      log: silentLogger(),
      signal: new AbortController().signal,
    });
    this.#epoch = welcome.epoch;
    this.#peer = peer;
  }

  leave(): void {
    this.#peer?.destroy(1001, 'test over');
  }

  async #take({ commands }: Params<'commands.deliver'>) {
    for (const raw of commands) {
      const { seq, body } = command().parse(raw);
      if (seq <= this.#commandSeq) continue;
      this.#commandSeq = seq;
      if (body.kind === 'job.offer') this.#finish(body.offer);
    }
    return { acked: this.#commandSeq, refused: [] };
  }

  /** After the answer: control must have heard that the job was taken. */
  #finish(offer: JobOffer): void {
    this.offers.push(offer);
    if (this.holds.includes(offer.kind)) return;
    const { jobId, serviceId, kind, spec } = offer;
    const report = kind === 'remove' ? null : { revision: spec?.revision ?? 1 };
    const event = { seq: ++this.#eventSeq, body: finished(jobId, serviceId, {}, report) satisfies AgentEventBody };
    setImmediate(() => void this.#peer?.request('events.deliver', { events: [event] }).catch(() => undefined));
  }
}
