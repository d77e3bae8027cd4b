// `longshore up`: control plane and agent in this process. The agent joins as any host does, by a token and over the
// wire; nothing is different but that nobody has to copy the token.
import { join, relative } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import { runMain, type Scope } from '#shared/lifecycle.ts';
import { createLogger, type Logger } from '#shared/log.ts';
import { systemClock } from '#shared/time.ts';
import {
  AGENT_VERSION,
  loadAgentConfig,
  requireDocker,
  startAgent,
  type AgentConfig,
  type AgentHandle,
} from '../../agent/main.ts';
import {
  controlExitCode,
  loadControlConfig,
  startControl,
  type ControlConfig,
  type ControlHandle,
} from '../../control/main.ts';
import type { Command } from '../command.ts';
import { CONTROL_FLAGS, toArguments, toOptions } from '../flags.ts';
import { printError } from '../output.ts';
import type { World } from '../world.ts';

const { listen: _listen, ...SHARED_FLAGS } = CONTROL_FLAGS;
const FLAGS = {
  port: 'Port of the API on 127.0.0.1 (8080); 0 takes a free one',
  ...SHARED_FLAGS,
  'docker-socket': 'Docker Engine (/var/run/docker.sock)',
};

export const command: Command = {
  add: (program, describe, world) => program.command('up', describe, toOptions(FLAGS), (args) => up(world, args)),
};

interface Configs {
  control: ControlConfig;
  agent: AgentConfig;
}

async function up(world: World, args: Record<string, unknown>): Promise<void> {
  const configs = await loadConfigs(args);
  await checkDocker(configs.agent);
  const log = createLogger({ level: configs.control.logLevel, name: 'up' });
  // The log has the failure as JSON; whoever started this by hand gets a line to read.
  const startOrSay = (scope: Scope) =>
    start(world, configs, log, scope).catch((error: unknown) => {
      printError(world, toReadable(error, configs.control));
      throw error;
    });
  await runMain(log, startOrSay, controlExitCode);
}

function toReadable(error: unknown, { listen, aikitPort }: ControlConfig): unknown {
  const { code, port = listen.port } = error as NodeJS.ErrnoException & { port?: number };
  if (code !== 'EADDRINUSE') return error;
  const flag = port === aikitPort ? '--aikit-port' : '--port';
  const message = `Another program listens on port ${port}`;
  return new LongshoreError('port_taken', { message, details: `Give another one with ${flag}`, cause: error });
}

async function loadConfigs(args: Record<string, unknown>): Promise<Configs> {
  const listen = typeof args['port'] === 'string' ? [`--listen=127.0.0.1:${checkPort(args['port'])}`] : [];
  const control = loadControlConfig([...listen, ...toArguments(SHARED_FLAGS, args)]);
  const socket = typeof args['docker-socket'] === 'string' ? [`--docker-socket=${args['docker-socket']}`] : [];
  const both = [`--data-dir=${join(control.dataDir, 'agent')}`, `--allow-file-git=${control.allowsFileGit ? 1 : 0}`];
  const agent = await loadAgentConfig([...both, ...socket]);
  return { control, agent };
}

function checkPort(text: string): string {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return text;
  throw new LongshoreError('config_invalid', { message: `--port is "${text}", it must be a number from 0 to 65535` });
}

async function checkDocker(config: AgentConfig): Promise<void> {
  try {
    await requireDocker(config);
  } catch (cause) {
    const message = `No Docker at ${config.dockerSocket}: \`./install.sh engine\` sets it up`;
    throw new LongshoreError('docker_unavailable', { message, cause });
  }
}

async function start(world: World, configs: Configs, log: Logger, scope: Scope): Promise<void> {
  const deps = { clock: systemClock, log };
  const control = await startControl(configs.control, { ...deps, awaitsLocalAgent: true }, scope);
  const host = await startAgent(
    // A new token at every start: the port may have changed. A host that is known stays the host it is.
    { ...configs.agent, token: await control.createLocalJoinToken() },
    { ...deps, random: Math.random, agentVersion: AGENT_VERSION, reservedPorts: control.ports },
    scope,
  );
  await connected(host, scope.signal);
  if (!scope.signal.aborted) world.stdout.write(welcome(control));
}

function connected(host: AgentHandle, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  host.onConnected(resolve);
  signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}

/** As one would type it here. */
function shortest(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}

function welcome({ url, tlsPin, adminKeyFile }: Pick<ControlHandle, 'url' | 'tlsPin' | 'adminKeyFile'>): string {
  const keyFile = shortest(adminKeyFile);
  const [pinLine, trust] = tlsPin === null ? ['', ''] : [`\n  pin  ${tlsPin}`, `-k --pinnedpubkey ${tlsPin} `];
  return `Longshore is up.

  API  ${url}${pinLine}
  key  ${keyFile}
  try  curl ${trust}-H "Authorization: Bearer $(cat ${keyFile})" ${url}/api/services

Ctrl-C stops Longshore; services run on.
`;
}
