// What a host tells of itself at each hello, and where its facts come from.
import type { HostFacts } from '#shared/model.ts';
import type { AgentConfig } from './config.ts';
import type { DockerParts } from './docker-parts.ts';
import { readBootId, type HostDeps } from './host.ts';
import type { HostReport } from './link/connection.ts';
import type { AgentState } from './state/open.ts';

export const describeHost = ({ meta, outbox, journal, services }: AgentState, facts: HostFacts): HostReport => ({
  bootId: readBootId(),
  commandSeq: meta.number('commandSeq'),
  events: outbox.range(),
  epoch: meta.number('epoch'),
  openJobs: journal.openIds(),
  services: services.standings(),
  facts,
});

const orNull = (version: Promise<string>) => version.catch(() => null);

export function hostDeps(
  { dataDir }: AgentConfig,
  agentVersion: string,
  { meta }: AgentState,
  { engine, compose }: DockerParts,
): HostDeps {
  return {
    dataDir,
    meta,
    agentVersion,
    fetchDockerVersion: () => orNull(engine.version().then(({ version }) => version)),
    fetchComposeVersion: () => orNull(compose.version()),
  };
}
