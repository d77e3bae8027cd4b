// A real agent core (agent-core.ts) that has joined a real control plane (control-world.ts): both durable sequences
// between real databases, in one process, under one clock that the test moves.
import { silentLogger } from '#shared/log.ts';
import type { Params } from '#shared/protocol/schema.ts';
import { createPeer } from '#shared/protocol/peer.ts';
import { describeHost } from '../../agent/describe-host.ts';
import { pumpOutbox } from '../../agent/link/outbox-pump.ts';
import type { startCore } from './agent-core.ts';
import { ADMIN, type ControlWorld } from './control-world.ts';
import { FACTS } from './fake-host.ts';
import { ManualClock } from './manual-clock.ts';
import { socketPair } from './socket-pair.ts';

type Core = ReturnType<typeof startCore>;

const AGENT_KEY = 'key-of-core-host';
const ADDRESS = '192.0.2.1';

export class CoreHost {
  id = '';
  readonly #core: Core;
  #leave: () => void = () => undefined;

  constructor(core: Core) {
    this.#core = core;
  }

  async join(world: ControlWorld): Promise<void> {
    const { id: tokenId } = await world.app.joinTokens.create(ADMIN, {});
    const request = { tokenId, agentKey: AGENT_KEY, remoteAddress: ADDRESS, proof: this.#proof() };
    ({ hostId: this.id } = await world.registry.enrol(request));
    this.#core.state.meta.set('hostId', this.id);
  }

  async connect(world: ControlWorld): Promise<void> {
    const { state, clock, inbox } = this.#core;
    const proof = this.#proof();
    const { epoch, nextEventSeq } = await world.registry.connected(this.id, proof, ADDRESS);
    state.meta.raise('epoch', epoch);
    const [near, far] = socketPair();
    const options = { clock: new ManualClock(), log: silentLogger() };
    const requests = { 'commands.deliver': async (params: Params<'commands.deliver'>) => inbox.deliver(params) };
    const peer = createPeer({ ...options, socket: far, handlers: { requests, notifications: {}, streams: {} } });
    const handlers = world.intake.handlersFor(this.id);
    const session = { hostId: this.id, agentKey: AGENT_KEY, proof, remoteAddress: ADDRESS, connectedAt: clock.now() };
    world.sessions.add({ ...session, peer: createPeer({ ...options, socket: near, handlers }) });
    void pumpOutbox({ state, clock, log: silentLogger() }, peer, nextEventSeq);
    this.#leave = () => peer.destroy(1001, 'away');
  }

  disconnect(): void {
    this.#leave();
  }

  #proof() {
    const link = { agentKey: AGENT_KEY, signature: 'AA', instanceId: 'core', connection: 1 };
    return { type: 'proof' as const, ...link, ...describeHost(this.#core.state, FACTS) };
  }
}
