// What of the agent speaks to Docker: the engine as the agent sees it, its events, and Compose.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import type { Clock } from '#shared/time.ts';
import type { AgentConfig } from './config.ts';
import { withAdopted } from './docker/adopted-engine.ts';
import { createCompose, findComposePlugin, type Compose } from './docker/compose.ts';
import { DockerClient } from './docker/docker-client.ts';
import { engineOver } from './docker/docker-engine.ts';
import type { Engine } from './docker/engine.ts';
import { startEventHub, type EventHub } from './docker/events.ts';
import type { AgentState } from './state/open.ts';

/** Where Docker's packages put the plugin: named in the error when it is nowhere. */
const USUAL_PLUGIN = '/usr/libexec/docker/cli-plugins/docker-compose';

export interface DockerParts {
  socketPath: string;
  client: DockerClient;
  engine: Engine;
  compose: Compose;
  hub: EventHub;
}

export function startDocker(
  { dockerSocket: socketPath, home, dataDir }: AgentConfig,
  { clock, log }: { clock: Clock; log: Logger },
  { adopted }: AgentState,
  scope: Scope,
): DockerParts {
  const client = new DockerClient({ socketPath, clock });
  scope.onStop('question to Docker', () => client.breaker.stop());
  const engine = withAdopted(engineOver(client), adopted);
  const hub = startEventHub({ engine, breaker: client.breaker, clock, log }, scope.signal);
  const binary = findComposePlugin(home) ?? USUAL_PLUGIN;
  const loginDir = join(dataDir, 'logins');
  rmSync(loginDir, { recursive: true, force: true }); // of a build that was under way when an agent was killed
  return { socketPath, client, engine, hub, compose: createCompose({ binary, socketPath, home, loginDir }) };
}
