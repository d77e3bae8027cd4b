// `longshore agent`: the process around the agent. Also the entry of its bundle.
import { toLongshoreError } from '#shared/errors.ts';
import { EXIT, runMain, type Scope } from '#shared/lifecycle.ts';
import { createLogger } from '#shared/log.ts';
import { systemClock } from '#shared/time.ts';
import manifest from '../package.json' with { type: 'json' };
import { loadAgentConfig } from './config.ts';
import { startAgent } from './system.ts';

export { loadAgentConfig, type AgentConfig } from './config.ts';
export { startAgent, type AgentDeps, type AgentHandle } from './system.ts';

export const AGENT_VERSION: string = manifest.version;

/** What a restart does not mend: systemd must not try. */
export const agentExitCode = (error: unknown): number =>
  ['config_invalid', 'schema_too_new'].includes(toLongshoreError(error).code) ? EXIT.config : EXIT.failure;

/** Runs until SIGTERM or SIGINT. `argv`: what follows `longshore agent`. Throws `config_invalid` before it starts. */
export async function runAgent(argv: readonly string[]): Promise<void> {
  const config = await loadAgentConfig(argv);
  const log = createLogger({ level: config.logLevel, name: 'agent' });
  const deps = { clock: systemClock, log, random: Math.random, agentVersion: AGENT_VERSION };
  await runMain(log, async (scope: Scope) => void (await startAgent(config, deps, scope)), agentExitCode);
}

if (import.meta.main) {
  await runAgent(process.argv.slice(2)).catch((error: unknown) => {
    const { message, details } = toLongshoreError(error);
    process.stderr.write(`${message}${details ? `: ${details}` : ''}\n`);
    process.exit(agentExitCode(error));
  });
}
