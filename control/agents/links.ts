// The app layer's view of the agent links. It exists before they do, because each side needs the other: until the links
// are attached no host is connected.
import { LongshoreError } from '#shared/errors.ts';
import type { RequestOptions, StreamReader } from '#shared/protocol/peer-types.ts';
import type { MethodName, Params, Result, StreamName, StreamParams } from '#shared/protocol/schema.ts';
import type { HostLinks } from '../app/hosts/host-links.ts';
import type { IncidentLog } from '../app/incidents/incident-log.ts';
import type { Dispatcher } from './dispatch.ts';
import type { Gateway } from './gateway.ts';
import type { Sessions } from './sessions.ts';

export interface AttachedLinks {
  sessions: Sessions;
  gateway: Gateway;
  dispatcher: Dispatcher;
  incidents: Pick<IncidentLog, 'hasConflict'>;
}

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/;

export class AgentLinks implements HostLinks {
  #attached: AttachedLinks | undefined;

  attach(links: AttachedLinks): void {
    this.#attached = links;
  }

  isConnected(hostId: string): boolean {
    return this.connectedAt(hostId) !== null && !this.#hasConflict(hostId);
  }

  connectedAt(hostId: string): number | null {
    return this.#attached?.sessions.find(hostId)?.connectedAt ?? null;
  }

  connectedCount(): number {
    return this.#attached?.sessions.count ?? 0;
  }

  isFenced(hostId: string): boolean {
    return (this.#attached?.gateway.isFenced(hostId) ?? false) || this.#hasConflict(hostId);
  }

  async ask<M extends MethodName>(
    hostId: string,
    method: M,
    params: Params<M>,
    options?: RequestOptions,
  ): Promise<Result<M>> {
    return this.#require(hostId).sessions.ask(hostId, method, params, options);
  }

  openStream<S extends StreamName>(hostId: string, name: S, params: StreamParams<S>): StreamReader {
    return this.#require(hostId).sessions.require(hostId).peer.openStream(name, params);
  }

  nudge(hostId: string): void {
    this.#attached?.dispatcher.nudge(hostId);
  }

  drop(hostId: string): void {
    this.#attached?.sessions.revoke(hostId);
  }

  /** Whether an agent of this machine is connected. */
  hasLocal(): boolean {
    return this.#attached?.sessions.list().some(({ remoteAddress }) => LOOPBACK.test(remoteAddress)) ?? false;
  }

  #hasConflict(hostId: string): boolean {
    return this.#attached?.incidents.hasConflict(hostId) ?? false;
  }

  #require(hostId: string): AttachedLinks {
    if (!this.#attached) throw new LongshoreError('host_offline');
    if (this.#hasConflict(hostId)) throw new LongshoreError('identity_conflict');
    return this.#attached;
  }
}
