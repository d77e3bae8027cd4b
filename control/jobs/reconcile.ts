// Makes sure that what waits for a connected host is on its way. A commit and a new link nudge at once; this one finds
// what a nudge could have missed. No arguments, the same work each time, safe to run twice.
import { schedule } from 'node-cron';
import type { Scope } from '#shared/lifecycle.ts';
import type { HostLinks } from '../app/hosts/host-links.ts';

export interface ReconcileDeps {
  links: HostLinks;
  /** Hosts that a command waits for. */
  hostsWithPending: () => string[];
}

const CRON = '*/30 * * * * *';

export function createReconcile({ links, hostsWithPending }: ReconcileDeps): () => void {
  return () => {
    for (const hostId of hostsWithPending()) if (links.isConnected(hostId)) links.nudge(hostId);
  };
}

export function startReconcile(deps: ReconcileDeps, scope: Scope): void {
  const task = schedule(CRON, createReconcile(deps), { name: 'reconcile', unref: true, suppressMissedWarning: true });
  scope.onStop('reconcile', () => task.destroy());
}
