// The far side of the agent link, for tests of control: an agent that remembers commands and events and does nothing by
// itself. `memory` may be copied and put back: that is a virtual machine that was rolled back.
import { silentLogger } from '#shared/log.ts';
import type { JobEndState, JobResult } from '#shared/jobs.ts';
import type { ServiceReport } from '#shared/model.ts';
import type { Proof } from '#shared/protocol/handshake.ts';
import type { Handlers, Peer } from '#shared/protocol/peer-types.ts';
import { createPeer } from '#shared/protocol/peer.ts';
import { command, type AgentEventBody, type Command, type Params } from '#shared/protocol/schema.ts';
import type { WireError } from '#shared/errors.ts';
import type { ControlWorld } from './control-world.ts';
import { eventually } from './eventually.ts';
import { ManualClock } from './manual-clock.ts';
import { socketPair } from './socket-pair.ts';

export interface HostMemory {
  commandSeq: number;
  epoch: number;
  /** Jobs accepted and not ended. */
  openJobs: string[];
  events: { seq: number; body: AgentEventBody }[];
  services: Proof['services'];
}

let count = 0;

export class FakeHost {
  readonly agentKey = `key-of-host-${++count}`;
  readonly hostname: string;
  id = '';
  memory: HostMemory = { commandSeq: 0, epoch: 0, openJobs: [], events: [], services: [] };
  /** Every command that arrived, repeats as well. */
  received: Command[] = [];
  /** Refuses offers of these kinds of jobs. */
  refusal: WireError | undefined;
  /** Is of a time before schedules. */
  knowsSchedules = true;
  /** Takes commands, but its answer is lost. */
  isMute = false;
  /** Claims more than it got. */
  overAcks = 0;
  peer: Peer | undefined;
  /** What it answers to questions; set before it connects. */
  answers: Handlers['requests'] = {};
  streams: Handlers['streams'] = {};
  #world: ControlWorld | undefined;

  constructor(hostname: string) {
    this.hostname = hostname;
  }

  async enrol(world: ControlWorld, tokenId: string, remoteAddress = '192.0.2.1'): Promise<void> {
    const { agentKey } = this;
    const { hostId } = await world.registry.enrol({ tokenId, agentKey, remoteAddress, proof: this.proof() });
    this.id = hostId;
  }

  /** Returns what control welcomed it with. */
  async connect(world: ControlWorld): Promise<{ epoch: number; nextEventSeq: number }> {
    const proof = this.proof();
    const welcome = await world.registry.connected(this.id, proof, '192.0.2.1');
    this.memory.epoch = Math.max(this.memory.epoch, welcome.epoch);
    const [near, far] = socketPair();
    const options = { clock: new ManualClock(), log: silentLogger() };
    const requests = {
      ...this.answers,
      'commands.deliver': (params: Params<'commands.deliver'>) => this.#take(params),
    };
    this.peer = createPeer({
      ...options,
      socket: far,
      handlers: { requests, notifications: {}, streams: this.streams },
    });
    const peer = createPeer({ ...options, socket: near, handlers: world.intake.handlersFor(this.id) });
    const { agentKey } = this;
    this.#world = world;
    world.sessions.add({
      hostId: this.id,
      agentKey,
      proof,
      remoteAddress: '192.0.2.1',
      connectedAt: world.clock.now(),
      peer,
    });
    return welcome;
  }

  disconnect(): void {
    const session = this.#world?.sessions.find(this.id);
    if (session) this.#world?.sessions.drop(session, 1001, 'gone');
    this.#world?.registry.disconnected(this.id);
  }

  /** Sends events with the next numbers; returns what control acknowledged. */
  async tell(...bodies: AgentEventBody[]): Promise<number> {
    for (const body of bodies) this.memory.events.push({ seq: this.lastEvent + 1, body });
    return this.send(this.memory.events.slice(-bodies.length));
  }

  async send(events: unknown[]): Promise<number> {
    if (!this.peer) return 0;
    return (await this.peer.request('events.deliver', { events })).acked;
  }

  get lastEvent(): number {
    return this.memory.events.at(-1)?.seq ?? 0;
  }

  /** Waits until a job was offered. */
  async offered(jobId: string): Promise<Extract<Command['body'], { kind: 'job.offer' }>['offer']> {
    return eventually(() => this.offers().find((offer) => offer.jobId === jobId) ?? '', {
      until: Boolean,
    }) as Promise<Extract<Command['body'], { kind: 'job.offer' }>['offer']>;
  }

  offers() {
    return this.received.flatMap(({ body }) => (body.kind === 'job.offer' ? [body.offer] : []));
  }

  /** Ends a job that was offered, with a report of the service. */
  async finish(jobId: string, end: Partial<JobResult> = {}, report: Partial<ServiceReport> | null = {}): Promise<void> {
    const { serviceId } = await this.offered(jobId);
    await this.tell(finished(jobId, serviceId, end, report));
    this.memory.openJobs = this.memory.openJobs.filter((id) => id !== jobId);
  }

  proof(): Proof {
    const { commandSeq, epoch, openJobs, services, events } = this.memory;
    return {
      type: 'proof',
      agentKey: this.agentKey,
      signature: 'AA',
      bootId: 'boot',
      instanceId: 'instance',
      connection: 1,
      commandSeq,
      epoch,
      openJobs,
      services,
      events: { first: events.at(0)?.seq ?? 1, last: this.lastEvent },
      facts: { ...FACTS, hostname: this.hostname },
    };
  }

  async #take({ commands }: Params<'commands.deliver'>) {
    const refused: { seq: number; error: WireError }[] = [];
    for (const raw of commands) {
      const { seq, body } = command().parse(raw);
      this.received.push({ seq, body });
      if (seq <= this.memory.commandSeq) continue;
      this.memory.commandSeq = seq;
      if (body.kind === 'schedule.put' && !this.knowsSchedules)
        refused.push({ seq, error: { code: 'unsupported', message: 'unsupported' } });
      if (body.kind !== 'job.offer') continue;
      if (this.refusal) refused.push({ seq, error: this.refusal });
      else this.memory.openJobs.push(body.offer.jobId);
    }
    if (this.isMute) await new Promise(() => {});
    return { acked: this.memory.commandSeq + this.overAcks, refused };
  }
}

export const reportOf = (serviceId: string, report: Partial<ServiceReport> = {}): ServiceReport => ({
  serviceId,
  lifecycle: 'running',
  health: 'healthy',
  reason: null,
  revision: 1,
  containers: [],
  at: 0,
  ...report,
});

export const finished = (
  jobId: string,
  serviceId: string,
  end: Partial<JobResult> & { state?: JobEndState } = {},
  report: Partial<ServiceReport> | null = {},
): AgentEventBody => ({
  kind: 'job.finished',
  result: { jobId, serviceId, state: 'succeeded', startedAt: 1, finishedAt: 2, ...end },
  report: report && reportOf(serviceId, report),
});

export const FACTS: Proof['facts'] = {
  hostname: 'one',
  os: 'Debian',
  kernel: '6.1',
  arch: 'x64',
  cpus: 2,
  memoryBytes: 4e9,
  memoryFreeBytes: 2e9,
  diskBytes: 1e11,
  diskFreeBytes: 5e10,
  dockerVersion: '28.5.2',
  composeVersion: '2.40.3',
  agentVersion: '0.1.0',
  addresses: [],
};
