// Where agents come in: takes an accepted WebSocket, runs the handshake under its limits, lets the newest connection of
// a host win, and hands the link over as a session. The HTTP layer owns the upgrade; control/app owns what is said.
import type { WebSocket } from 'ws';
import { LongshoreError, toLongshoreError, type ErrorCode } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import { closeCodeOf, closeSocket, restartReason } from '#shared/protocol/closing.ts';
import { Exchange } from '#shared/protocol/exchange.ts';
import type { Proof, Refusal, Welcome } from '#shared/protocol/handshake.ts';
import type { HeartbeatLimits } from '#shared/protocol/heartbeat.ts';
import type { Identity } from '#shared/protocol/identity.ts';
import type { Handlers } from '#shared/protocol/peer-types.ts';
import { createPeer } from '#shared/protocol/peer.ts';
import { CLOSE, HANDSHAKE_LIMIT_MS, MAX_FRAME_BYTES, PROTOCOL_VERSIONS } from '#shared/protocol/limits.ts';
import type { Socket } from '#shared/protocol/socket.ts';
import { wsSocket } from '#shared/protocol/ws-socket.ts';
import { Serial } from '#shared/serial.ts';
import type { Clock } from '#shared/time.ts';
import { Fence } from './fence.ts';
import { authenticate, type AgentRegistry } from './handshake.ts';
import type { Caller, Session, Sessions } from './sessions.ts';
import { Turnstile, type TurnstileLimits } from './turnstile.ts';

/** What the WebSocket server must be made with: ws allows 100 MiB a frame by itself. */
export const AGENT_SOCKET_OPTIONS = { maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false } as const;

/** Two live machines with one key. */
export interface IdentityConflict {
  hostId: string;
  remoteAddresses: [string, string];
  bootIds: [string, string];
}

export interface GatewayDeps {
  identity: Identity;
  registry: AgentRegistry;
  sessions: Sessions;
  /** What the host may ask of control; called once a connection, just before its session starts. */
  handlersFor: (caller: Caller) => Handlers;
  /** `host.identity_conflict`: once for each pair of machines, not for each time they try. */
  onIdentityConflict: (conflict: IdentityConflict) => void;
  clock: Clock;
  log: Logger;
  /** For tests. */
  limits?: Partial<GatewayLimits>;
  versions?: readonly number[];
}

export interface GatewayLimits extends HeartbeatLimits, TurnstileLimits {
  handshakeMs: number;
}

export interface GatewayCounters {
  accepted: number;
  /** Refused handshakes by error code. */
  refused: Partial<Record<ErrorCode, number>>;
}

export interface Gateway {
  acceptAgent(ws: WebSocket, remoteAddress: string): void;
  /** For the HTTP layer, before the upgrade. Throws `unavailable`, with a time to come back, when there is no room. */
  requireRoom(remoteAddress: string): void;
  /** Two machines answered with this host's key a moment ago; neither is let in. */
  isFenced(hostId: string): boolean;
  /** It is one machine again. */
  unfence(hostId: string): void;
  readonly counters: GatewayCounters;
  /** Refuses newcomers and closes every link with 1012 and when to come back: not all in the same second. Safe to repeat. */
  close(): Promise<void>;
}

/** How long a live machine may take to answer a ping before another one takes its place. */
const PROBE_LIMIT_MS = 3000;
/** While we stop: about as long as a restart takes; the agent adds its own jitter. */
const RESTART_S = 2;
/** Let in again by a control plane that has just started, see `close`. */
const BACK_PER_SECOND = 500;

export const createGateway = (deps: GatewayDeps): Gateway => new AgentGateway(deps);

class AgentGateway implements Gateway {
  readonly counters: GatewayCounters = { accepted: 0, refused: {} };
  readonly #deps: GatewayDeps;
  readonly #turnstile: Turnstile;
  /** Per host: two connections of one host must not both find the place empty. */
  readonly #admissions = new Serial();
  readonly #fence: Fence;
  /** Per host, the instance that had to make way last. */
  readonly #displaced = new Map<string, string>();
  #isClosing = false;

  constructor(deps: GatewayDeps) {
    this.#deps = deps;
    this.#turnstile = new Turnstile(deps.clock, deps.limits);
    this.#fence = new Fence(deps.clock);
    deps.sessions.onDisconnect(({ hostId }) => deps.registry.disconnected(hostId));
  }

  acceptAgent(ws: WebSocket, remoteAddress: string): void {
    void this.#accept(wsSocket(ws), remoteAddress);
  }

  requireRoom(remoteAddress: string): void {
    if (this.#isClosing || !this.#turnstile.hasRoom(remoteAddress)) throw this.#noRoom();
  }

  isFenced(hostId: string): boolean {
    return this.#fence.remainingS(hostId) > 0;
  }

  unfence(hostId: string): void {
    this.#fence.open(hostId);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    const links = this.#deps.sessions.list().map(({ peer }, i) => {
      const reason = restartReason(RESTART_S + Math.floor(i / BACK_PER_SECOND));
      return peer.close(CLOSE.restart, reason);
    });
    await Promise.all(links);
    await this.#admissions.idle();
  }

  async #accept(socket: Socket, remoteAddress: string): Promise<void> {
    const exchange = new Exchange(socket, this.#deps.clock, this.#deps.limits?.handshakeMs ?? HANDSHAKE_LIMIT_MS);
    const leave = this.#isClosing ? undefined : this.#turnstile.enter(remoteAddress);
    try {
      if (!leave) throw this.#noRoom();
      const caller = await authenticate(exchange, remoteAddress, { versions: PROTOCOL_VERSIONS, ...this.#deps });
      await this.#admissions.run(caller.hostId, () => this.#admit(socket, exchange, caller), exchange.signal);
      this.counters.accepted += 1;
    } catch (error) {
      this.#refuse(socket, exchange, remoteAddress, error);
    } finally {
      exchange.end();
      leave?.();
    }
  }

  #noRoom(): LongshoreError {
    return new LongshoreError('unavailable', { retryAfter: this.#isClosing ? RESTART_S : this.#turnstile.turnAway() });
  }

  async #admit(socket: Socket, exchange: Exchange, caller: Caller): Promise<void> {
    const { registry, sessions } = this.#deps;
    const { hostId, proof, remoteAddress } = caller;
    this.#requireUnfenced(hostId);
    const old = sessions.find(hostId);
    if (old) await this.#makeWay(old, caller);
    const grant = await registry.connected(hostId, proof, remoteAddress);
    try {
      this.#requireWelcome(exchange, caller);
    } catch (error) {
      registry.disconnected(hostId);
      throw error;
    }
    exchange.send({ type: 'welcome', hostId, ...grant } satisfies Welcome);
    sessions.add(this.#openSession(socket, caller));
  }

  /** Looks again after the store was asked: the caller may have left, or been revoked meanwhile. */
  #requireWelcome(exchange: Exchange, { agentKey }: Caller): void {
    exchange.signal.throwIfAborted();
    if (this.#isClosing) throw this.#noRoom();
    if (this.#deps.registry.findHostByKey(agentKey)?.isRevoked) throw new LongshoreError('revoked');
  }

  #requireUnfenced(hostId: string): void {
    const retryAfter = this.#fence.remainingS(hostId);
    if (retryAfter > 0) throw new LongshoreError('identity_conflict', { retryAfter });
  }

  /** Newest wins, unless the old one is another machine that still lives: then neither does. */
  async #makeWay(old: Session, caller: Caller): Promise<void> {
    if (isOvertaken(caller.proof, old.proof)) throw new LongshoreError('stale');
    const isAnother = !isSameProcess(caller.proof, old.proof);
    if (isAnother && this.#mayBeClone(old, caller) && (await old.peer.probe(PROBE_LIMIT_MS)))
      throw this.#fenceBoth(old, caller);
    this.#deps.sessions.drop(old, CLOSE.replaced, 'replaced');
    if (isAnother) this.#displaced.set(old.hostId, old.proof.instanceId);
  }

  /**
   * Not an agent that was started anew. Containers of one machine share its boot id; but of an agent that was started
   * anew, nobody that had to make way comes back.
   */
  #mayBeClone(old: Session, { hostId, proof }: Caller): boolean {
    return proof.bootId !== old.proof.bootId || proof.instanceId === this.#displaced.get(hostId);
  }

  #fenceBoth(old: Session, caller: Caller): LongshoreError {
    const { hostId } = caller;
    const bootIds: [string, string] = [old.proof.bootId, caller.proof.bootId];
    const isNew = this.#fence.close(hostId, bootIds);
    this.#deps.sessions.drop(old, CLOSE.fenced, 'identity_conflict');
    if (isNew)
      this.#deps.onIdentityConflict({ hostId, bootIds, remoteAddresses: [old.remoteAddress, caller.remoteAddress] });
    return new LongshoreError('identity_conflict', { retryAfter: this.#fence.remainingS(hostId) });
  }

  #openSession(socket: Socket, caller: Caller): Session {
    const { handlersFor, clock, log, limits } = this.#deps;
    const peer = createPeer({
      socket,
      handlers: handlersFor(caller),
      clock,
      log: log.child({ hostId: caller.hostId }),
      ...(limits && { limits }),
    });
    return { ...caller, peer };
  }

  #refuse(socket: Socket, exchange: Exchange, remoteAddress: string, cause: unknown): void {
    const error = toLongshoreError(cause);
    if (error.code === 'link_closed') return; // it left by itself
    this.counters.refused[error.code] = (this.counters.refused[error.code] ?? 0) + 1;
    this.#deps.log.warn({ err: error, remoteAddress }, 'refused an agent');
    const refusal: Refusal = {
      type: 'refusal',
      error: error.toWire(),
      ...(error.retryAfter !== undefined && { retryAfterS: error.retryAfter }),
    };
    exchange.send(refusal);
    closeSocket(socket, this.#deps.clock, closeCodeOf(error.code), error.code);
  }
}

const isSameProcess = (a: Proof, b: Proof): boolean => a.instanceId === b.instanceId;

/** A connection of the same process that was slower than the one made after it. */
const isOvertaken = (late: Proof, current: Proof): boolean =>
  isSameProcess(late, current) && late.connection <= current.connection;
