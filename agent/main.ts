// `longshore agent`: the process around the agent. Also the entry of its bundle.
import type { Finding } from '#shared/doctor/findings.ts';
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import { EXIT, runMain, type Scope } from '#shared/lifecycle.ts';
import type { LocalStatus } from '#shared/local.ts';
import { createLogger } from '#shared/log.ts';
import { Systemd } from '#shared/systemd.ts';
import { systemClock, type Clock } from '#shared/time.ts';
import { startWatchdog } from '#shared/watchdog.ts';
import manifest from '../package.json' with { type: 'json' };
import { loadAgentConfig, type AgentConfig } from './config.ts';
import { findComposePlugin } from './docker/compose.ts';
import { createDockerEngine } from './docker/docker-engine.ts';
import { startAgent } from './system.ts';

export { loadAgentConfig, type AgentConfig } from './config.ts';
export { startAgent, type AgentDeps, type AgentHandle } from './system.ts';

export const AGENT_VERSION: string = manifest.version;

/** What a restart does not mend: systemd must not try. */
export const agentExitCode = (error: unknown): number =>
  ['config_invalid', 'schema_too_new'].includes(toLongshoreError(error).code) ? EXIT.config : EXIT.failure;

/** Throws `docker_unavailable` when the Engine does not answer or Compose is missing: for `up`, before it starts. */
export async function requireDocker({ dockerSocket: socketPath, home }: AgentConfig): Promise<void> {
  await createDockerEngine({ socketPath }).version();
  if (findComposePlugin(home)) return;
  throw new LongshoreError('docker_unavailable', { message: 'The Compose plugin of Docker is not installed' });
}

/** What is wrong with this host, for whoever runs an agent on it. `status`: what that said of itself, if it answers. */
export async function examineHost(config: AgentConfig, status: LocalStatus | null, clock: Clock): Promise<Finding[]> {
  const [{ examineHost: examine }, { judgeHost }] = await Promise.all([
    import('./doctor/examine.ts'),
    import('./doctor/judge.ts'),
  ]);
  return judgeHost(await examine(config, status, { version: AGENT_VERSION, clock }));
}

/** Runs until SIGTERM or SIGINT. `argv`: what follows `longshore agent`. Throws `config_invalid` before it starts. */
export async function runAgent(argv: readonly string[]): Promise<void> {
  const config = await loadAgentConfig(argv);
  const log = createLogger({ level: config.logLevel, name: 'agent' });
  const deps = { clock: systemClock, log, random: Math.random, agentVersion: AGENT_VERSION };
  const systemd = new Systemd({ env: config.notifyEnv, log });
  const start = async (scope: Scope) => {
    const agent = await startAgent(config, deps, scope);
    const look = () => agent.standing();
    const watchdog = await startWatchdog({ systemd, limitMs: config.watchdogMs, look, ...deps }, scope);
    agent.onStandingChange(() => watchdog.touch());
  };
  await runMain(log, start, agentExitCode);
}

if (import.meta.main) {
  await runAgent(process.argv.slice(2)).catch((error: unknown) => {
    const { message, details } = toLongshoreError(error);
    process.stderr.write(`${message}${details ? `: ${details}` : ''}\n`);
    process.exit(agentExitCode(error));
  });
}
