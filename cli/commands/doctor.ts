// `longshore doctor`: what is wrong on this very machine, as a host, as a control plane, or as both. It asks nobody for
// permission but the system, and works with everything down.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import type { Finding, Verdict } from '#shared/doctor/findings.ts';
import { LongshoreError } from '#shared/errors.ts';
import { localStatus, type LocalStatus } from '#shared/local.ts';
import type { Command } from '../command.ts';
import { controlDataDir } from '../control-data.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { ProgramExit } from '../failures.ts';
import { dataDirsOf, LocalClient } from '../local-client.ts';
import { Output } from '../output.ts';
import type { Column } from '../table.ts';
import type { World } from '../world.ts';

type Placed = Finding & { side: 'host' | 'control' };

/** Where the units have the settings of what lives in these folders. */
const SETTINGS: Record<string, string> = {
  '/var/lib/longshore': '/etc/longshore/agent.env',
  '/var/lib/longshore-control': '/etc/longshore/control.env',
};
/** The agent answers at once or hangs. */
const AGENT_LIMIT_MS = 5_000;

export const command: Command = {
  add: (program, describe, world) =>
    program.command(
      'doctor',
      describe,
      (own) =>
        own
          .option('agent-dir', { type: 'string', requiresArg: true, describe: "The agent's folder" })
          .option('control-dir', { type: 'string', requiresArg: true, describe: "The control plane's folder" })
          .option('json', { type: 'boolean', default: false, describe: 'Print JSON' }),
      (args) => doctor(world, args),
    ),
};

interface Args {
  agentDir?: string | undefined;
  controlDir?: string | undefined;
  json: boolean;
}

async function doctor(world: World, args: Args): Promise<void> {
  const findings = await examine(world, args).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    const message = 'Only root may look at all of it';
    throw new LongshoreError('forbidden', { message, details: 'sudo longshore doctor', cause: error });
  });
  const output = new Output(world, args.json);
  const isSound = findings.every(({ verdict }) => verdict !== 'fail');
  if (args.json) output.json({ sound: isSound, findings });
  else output.table(COLUMNS, findings);
  if (!isSound) throw new ProgramExit(EXIT_CODES.failed.code);
}

const COLOURS: Record<Verdict, 'green' | 'yellow' | 'red'> = { ok: 'green', warn: 'yellow', fail: 'red' };

const COLUMNS: Column<Placed>[] = [
  { title: 'SIDE', cell: ({ side }) => side },
  { title: 'CHECK', cell: ({ check }) => check },
  { title: 'STATE', cell: ({ verdict }) => verdict, style: (_, { verdict }) => COLOURS[verdict] },
  { title: 'FOUND', cell: ({ found }) => found },
  { title: 'WAY OUT', cell: ({ fix }) => fix },
];

/** A machine that is neither is looked at as a host that it may become. */
async function examine(world: World, { agentDir, controlDir }: Args): Promise<Placed[]> {
  const control = controlDataDir(world, controlDir);
  const isControl = controlDir !== undefined || existsSync(join(control, 'control.db'));
  const agent = findAgentDir(agentDir);
  const isHost = agentDir !== undefined || existsSync(join(agent, 'agent.db')) || !isControl;
  return [
    ...(isHost ? (await examineHost(world, agent)).map((finding) => ({ side: 'host' as const, ...finding })) : []),
    ...(isControl
      ? (await examineControl(world, control)).map((finding) => ({ side: 'control' as const, ...finding }))
      : []),
  ];
}

function findAgentDir(given: string | undefined): string {
  const dirs = dataDirsOf(given).map((dir) => resolve(dir));
  return dirs.find((dir) => existsSync(join(dir, 'agent.db'))) ?? dirs.at(given === undefined ? -1 : 0) ?? '';
}

async function examineHost(world: World, dataDir: string): Promise<Finding[]> {
  const { examineHost: look, loadAgentConfig } = await import('../../agent/main.ts');
  const config = await loadAgentConfig(['--data-dir', dataDir], settingsFor(world, dataDir));
  return look(config, await askAgent(world, dataDir), world.clock);
}

async function askAgent(world: World, dataDir: string): Promise<LocalStatus | null> {
  try {
    using agent = new LocalClient([dataDir], world.interruption(), AGENT_LIMIT_MS);
    return await agent.get(localStatus(), '/status');
  } catch (error) {
    if (error instanceof LongshoreError && error.code === 'forbidden') throw error;
    return null;
  }
}

async function examineControl(world: World, dataDir: string): Promise<Finding[]> {
  const { examineControl: look, loadControlConfig } = await import('../../control/main.ts');
  const config = loadControlConfig(['--data-dir', dataDir], settingsFor(world, dataDir));
  return look(config, world.clock);
}

/** This shell's settings, and those of the unit behind them. */
function settingsFor(world: World, dataDir: string): NodeJS.ProcessEnv {
  const file = SETTINGS[dataDir];
  const own = file !== undefined && existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
  return { ...own, ...world.env };
}
