// The data of a control plane on this very machine: to back up, to restore, to examine. No key, no running program.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Argv } from 'yargs';
import { Output } from './output.ts';
import type { World } from './world.ts';

/** Where `longshore up` and the unit of systemd have it. */
const USUAL_DATA_DIRS = ['./data', '/var/lib/longshore-control'];

/** The folder that was named, or else the first with a database in it, or else the first. */
export function controlDataDir(world: World, given: string | undefined): string {
  const named = given ?? world.env['LONGSHORE_DATA_DIR'];
  if (named !== undefined) return resolve(named);
  const found = USUAL_DATA_DIRS.find((dir) => existsSync(join(dir, 'control.db')));
  return resolve(found ?? USUAL_DATA_DIRS[0] ?? '.');
}

const options = <T>(yargs: Argv<T>) =>
  yargs
    .positional('file', { type: 'string', demandOption: true, describe: 'The backup' })
    .option('data-dir', {
      type: 'string',
      requiresArg: true,
      describe: "The control plane's folder (LONGSHORE_DATA_DIR, ./data, /var/lib/longshore-control)",
    })
    .option('json', { type: 'boolean', default: false, describe: 'Print JSON' });

interface Args {
  file: string;
  json: boolean;
  dataDir?: string | undefined;
}

/** `longshore control backup` and `longshore control restore`. */
export const addDataCommands = <T>(yargs: Argv<T>, world: World) =>
  yargs
    .command(
      'backup <file>',
      'Write its data and keys into one file, also while it runs',
      (one) => options(one).option('force', { type: 'boolean', default: false, describe: 'Replace a file' }),
      (args) => backup(world, args),
    )
    .command('restore <file>', 'Put a backup in the place of its data; it must not run', options, (args) =>
      restore(world, args),
    );

async function backup(world: World, { file, dataDir, force, json }: Args & { force: boolean }): Promise<void> {
  const { backupControl } = await import('../control/main.ts');
  const from = controlDataDir(world, dataDir);
  const to = resolve(file);
  const made = await backupControl({ dataDir: from, file: to, isForced: force, now: world.clock.now() });
  const output = new Output(world, json);
  if (json) output.json({ file: to, data_dir: from, made_at: made.madeAt, version: made.version, schema: made.schema });
  else output.facts({ file: to, of: from, 'made at': made.madeAt, schema: made.schema });
}

async function restore(world: World, { file, dataDir, json }: Args): Promise<void> {
  const { restoreControl } = await import('../control/main.ts');
  const to = controlDataDir(world, dataDir);
  const restored = await restoreControl({ dataDir: to, file: resolve(file), now: world.clock.now() });
  const { madeAt, version, replaced, hosts } = restored;
  const output = new Output(world, json);
  if (json) output.json({ data_dir: to, made_at: madeAt, version, replaced, hosts });
  else output.facts({ folder: to, 'as of': madeAt, 'made by': version, hosts, 'what was there': replaced });
}
