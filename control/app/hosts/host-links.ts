// What the app layer asks of the agent links; control/system.ts joins it to the sessions and the dispatcher.
import type { RequestOptions, StreamReader } from '#shared/protocol/peer-types.ts';
import type { MethodName, Params, Result, StreamName, StreamParams } from '#shared/protocol/schema.ts';

export interface HostLinks {
  /** A link is there, and the host is one machine. */
  isConnected(hostId: string): boolean;
  /** Since when its link is there, whoever may be at the other end; null: it is not. */
  connectedAt(hostId: string): number | null;
  connectedCount(): number;
  /** Two machines answer with the same key: neither is given work until one has enrolled anew. */
  isFenced(hostId: string): boolean;
  /**
   * A question the host answers now. Throws `host_offline`, also when the link closes meanwhile, `timed_out`, and the
   * host's own error.
   */
  ask<M extends MethodName>(hostId: string, method: M, params: Params<M>, options?: RequestOptions): Promise<Result<M>>;
  /** Throws `host_offline`; when the link closes meanwhile, its reader fails with `link_closed`. */
  openStream<S extends StreamName>(hostId: string, name: S, params: StreamParams<S>): StreamReader;
  /** New commands for the host are on disk. */
  nudge(hostId: string): void;
  /** Closes the link of a revoked host. */
  drop(hostId: string): void;
}
