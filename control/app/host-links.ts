// What the app layer asks of the agent links; control/system.ts joins it to the sessions and the dispatcher.
export interface HostLinks {
  isConnected(hostId: string): boolean;
  /** Two machines answer with the same key: neither is given work until one has enrolled anew. */
  isFenced(hostId: string): boolean;
  /** New commands for the host are on disk. */
  nudge(hostId: string): void;
  /** Closes the link of a revoked host. */
  drop(hostId: string): void;
}
