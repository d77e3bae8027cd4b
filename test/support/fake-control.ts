// Control played by a test for a real agent: the real gateway and handshake, a host's two sequences in memory, and a
// memory of everything the host told, checked as control must check it.
import type { Test } from 'tap';
import type { JobOffer, JobResult } from '#shared/jobs.ts';
import { arrivalOf } from '#shared/protocol/sequence.ts';
import { event, type AgentEventBody, type CommandBody } from '#shared/protocol/schema.ts';
import { formatJoinToken } from '#shared/protocol/identity.ts';
import { MemoryRegistry } from './agent-registry.ts';
import { startControlServer, type ControlServer } from './control-server.ts';
import { eventually } from './eventually.ts';
import { noHandlers } from './peer-pair.ts';

class SequencedRegistry extends MemoryRegistry {
  lastEvent = 0;

  override async connected(hostId: string): Promise<{ epoch: number; nextEventSeq: number }> {
    await super.connected(hostId);
    return { epoch: 1, nextEventSeq: this.lastEvent + 1 };
  }
}

export interface FakeControl {
  server: ControlServer;
  token: string;
  events: AgentEventBody[];
  results(): JobResult[];
  untilConnected(): Promise<void>;
  /** Sends the next command and waits for its acknowledgement. */
  send(body: CommandBody): Promise<void>;
  offer(offer: JobOffer): Promise<void>;
}

/** `onEvent` sees each event as it is committed, before it is acknowledged. */
export async function startFakeControl(t: Test, onEvent: (body: AgentEventBody) => void): Promise<FakeControl> {
  const registry = new SequencedRegistry();
  const events: AgentEventBody[] = [];
  const take = (raw: unknown) => {
    const next = event().parse(raw);
    const arrival = arrivalOf(next, registry.lastEvent);
    if (arrival === 'hole') throw new RangeError(`event ${next.seq} after ${registry.lastEvent}`);
    if (arrival === 'repeat') return;
    registry.lastEvent = next.seq;
    events.push(next.body);
    onEvent(next.body);
  };
  const handlersFor = () => ({
    ...noHandlers(),
    requests: {
      'events.deliver': ({ events: batch }: { events: unknown[] }) => {
        for (const raw of batch) take(raw);
        return Promise.resolve({ acked: registry.lastEvent });
      },
    },
  });
  const server = await startControlServer(t, { registry, handlersFor });
  let commandSeq = 0;
  const untilConnected = async () => {
    await eventually(() => server.sessions.count === 1, { timeoutMs: 30_000 });
  };
  const send = async (body: CommandBody) => {
    await untilConnected();
    const [session] = server.sessions.list();
    commandSeq += 1;
    await session?.peer.request('commands.deliver', { commands: [{ seq: commandSeq, body }] });
  };
  return {
    server,
    events,
    token: formatJoinToken({ url: server.url, controlPin: server.identity.pin, ...registry.addToken() }),
    results: () => events.flatMap((body) => (body.kind === 'job.finished' ? [body.result] : [])),
    untilConnected,
    send,
    offer: (offer) => send({ kind: 'job.offer', offer }),
  };
}
