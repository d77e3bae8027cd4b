// How the agent stands: to its control plane, to Docker, and what it has still to do and to tell.
import type { LocalStatus } from '#shared/local.ts';
import { toRfc3339, type Clock } from '#shared/time.ts';
import type { Engine } from '../docker/engine.ts';
import type { Link } from '../link/session.ts';
import type { AgentState } from '../state/open.ts';

export interface StatusDeps {
  state: AgentState;
  engine: Pick<Engine, 'version'>;
  link: Link;
  controlUrl: string;
  agentVersion: string;
  dataDir: string;
  clock: Clock;
}

/** Returns what tells the status. */
export function statusOf(deps: StatusDeps): () => Promise<LocalStatus> {
  const startedAt = deps.clock.now();
  return () => describe(deps, startedAt);
}

async function describe(deps: StatusDeps, startedAt: number): Promise<LocalStatus> {
  const { state, engine, link, controlUrl } = deps;
  const version = await engine.version().then(
    ({ version }) => version,
    () => null,
  );
  return {
    agent_version: deps.agentVersion,
    host_id: state.meta.get('hostId') ?? null,
    data_dir: deps.dataDir,
    started_at: toRfc3339(startedAt),
    control: {
      url: controlUrl,
      connected: link.current !== undefined,
      since: toRfc3339(link.since),
      reason: link.lastError?.message ?? null,
    },
    docker: { reachable: version !== null, version },
    outbox: state.outbox.waiting(),
    services: state.services.names().length,
    open_jobs: state.journal.openIds().length,
  };
}
