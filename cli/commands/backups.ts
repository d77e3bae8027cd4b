// `longshore backups …`: take one, see which there are, put one back, try one out, delete one; and how they are taken.
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Argv } from 'yargs';
import { BACKUP_STATES } from '#shared/backup.ts';
import type { Backup } from '../backup-types.ts';
import { settings, settingsOptions } from '../backup-settings.ts';
import { apiCommand, argument, group, withSession, type Session } from '../command.ts';
import { confirm } from '../confirm.ts';
import { watchJob } from '../deploy-outcome.ts';
import { formatAge } from '../duration.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import { requireServiceId } from '../services.ts';
import type { Column } from '../table.ts';

export const command = group('backups', (own, world) =>
  own
    .command(['list', 'ls'], 'List backups, newest first', listOptions, withSession(world, list))
    .command('create <service>', 'Back up its named volumes', createOptions, withSession(world, create))
    .command('restore <backup>', 'Put its files back into place', restoreOptions, withSession(world, restore))
    .command(
      'download <backup>',
      'Fetch it as a tar, or one of its dumps',
      downloadOptions,
      withSession(world, download),
    )
    .command('drill <backup>', 'Try it out in a scratch copy of its service', drillOptions, withSession(world, drill))
    .command(
      'settings <service>',
      'How a service is backed up; with options, from now on',
      settingsOptions,
      withSession(world, settings),
    )
    .command('delete <backup>', 'Delete it from its host', deleteOptions, withSession(world, remove)),
);

const listOptions = (yargs: Argv) =>
  pagingOptions(apiCommand(yargs))
    .option('service', { type: 'string', requiresArg: true, describe: 'Only of this service, by name or id' })
    .option('status', { choices: BACKUP_STATES, describe: 'Only these' });

const following = <T>(yargs: Argv<T>) =>
  yargs.option('follow', { type: 'boolean', default: false, alias: 'F', describe: 'Show the progress until it ends' });
const confirming = <T>(yargs: Argv<T>) =>
  yargs.option('yes', { type: 'boolean', default: false, alias: 'y', describe: 'Do not ask' });

const createOptions = (yargs: Argv) =>
  following(argument(yargs, 'service', 'Its name or id')).option('repository', {
    type: 'string',
    requiresArg: true,
    describe: 'Into this one this time, by id',
  });
const restoreOptions = (yargs: Argv) =>
  confirming(following(argument(yargs, 'backup', 'Its id')))
    .option('into', { type: 'string', requiresArg: true, describe: 'Into the volumes of this service, by name or id' })
    .option('as', { type: 'string', requiresArg: true, describe: 'Beside: as a new service of this name' })
    .option('host', { type: 'string', requiresArg: true, describe: 'With --as: on this host, by id' })
    .conflicts('into', 'as');
const downloadOptions = (yargs: Argv) =>
  argument(yargs, 'backup', 'Its id')
    .option('output', { type: 'string', alias: 'o', demandOption: true, requiresArg: true, describe: 'Into this file' })
    .option('dump', { type: 'string', requiresArg: true, describe: 'Only the dump of this compose service' });
const drillOptions = (yargs: Argv) => following(argument(yargs, 'backup', 'Its id'));
const deleteOptions = (yargs: Argv) => confirming(argument(yargs, 'backup', 'Its id'));

const STATUS_STYLE = { pending: 'gray', running: 'cyan', succeeded: 'green', failed: 'red' } as const;

const columnsAt = (nowMs: number): Column<Backup>[] => [
  { title: 'ID', cell: (backup) => backup.id },
  { title: 'SERVICE', cell: (backup) => backup.service_name },
  { title: 'STATUS', cell: (backup) => backup.status, style: (_, backup) => STATUS_STYLE[backup.status] },
  { title: 'SIZE', cell: (backup) => toSize(backup.size_bytes) },
  { title: 'ADDED', cell: (backup) => toSize(backup.added_bytes) },
  { title: 'DRILL', cell: ({ drill: tried }) => tried && (tried.good ? 'good' : 'failed') },
  { title: 'AGE', cell: (backup) => formatAge(backup.created_at, nowMs) },
  { title: 'ERROR', cell: (backup) => backup.error && `${backup.error.message} (${backup.error.code})` },
];

const toSize = (bytes: number | null): string | null => (bytes === null ? null : `${(bytes / 2 ** 20).toFixed(1)} MiB`);

interface ListArgs extends PagingArgs {
  service?: string | undefined;
  status?: string | undefined;
}

async function list(session: Session, { page, perPage, service, status }: ListArgs): Promise<void> {
  const service_id = service === undefined ? undefined : await requireServiceId(session.client, service);
  const columns = columnsAt(session.world.clock.now());
  await showList(session, '/api/backups', { page, perPage, service_id, status }, columns);
}

interface CreateArgs {
  service: string;
  follow: boolean;
  repository?: string | undefined;
}

async function create(session: Session, { service, follow, repository }: CreateArgs): Promise<void> {
  const { client, output } = session;
  const serviceId = await requireServiceId(client, service);
  const path = `/api/services/${serviceId}/backups`;
  const body = repository === undefined ? {} : { repository_id: repository };
  const { body: made } = await client.send<Backup>('POST', path, { body, idempotencyKey: randomUUID() });
  if (!follow) return output.isJson ? output.json(made) : output.line(`${service}: ${made.id}, job ${made.job_id}`);
  await watchJob(session, { id: made.job_id, serviceId, news: 'backup.progress' });
  const backup = await client.get<Backup>(`/api/backups/${made.id}`);
  if (output.isJson) return output.json(backup);
  output.line(`${service}: ${backup.id}, ${toSize(backup.size_bytes)}, ${toSize(backup.added_bytes)} of it new`);
}

interface BackupArgs {
  backup: string;
  yes: boolean;
}

interface Restoring {
  service_id: string;
  job_id: string;
}

interface RestoreArgs extends BackupArgs {
  follow: boolean;
  into?: string | undefined;
  as?: string | undefined;
  host?: string | undefined;
}

async function restore(session: Session, args: RestoreArgs): Promise<void> {
  const { world, client, output } = session;
  const { backup, yes, follow, into } = args;
  if (args.as !== undefined) return restoreAs(session, { ...args, as: args.as });
  const path = `/api/backups/${encodeURIComponent(backup)}`;
  const { service_name: own, created_at: at } = await client.get<Backup>(path);
  const service = into ?? own;
  const question = `Replace what the volumes of "${service}" hold now by what "${own}" held on ${at}?`;
  if (!yes) await confirm(world, 'Restoring a backup', question);
  const request = into === undefined ? {} : { service_id: await requireServiceId(client, into) };
  const sent = { body: request, idempotencyKey: randomUUID() };
  const { body } = await client.send<Restoring>('POST', `${path}/restore`, sent);
  if (!follow) return output.isJson ? output.json(body) : output.line(`${service}: job ${body.job_id}`);
  const job = await watchJob(session, { id: body.job_id, serviceId: body.service_id, news: 'backup.progress' });
  if (output.isJson) return output.json(job);
  output.line(`${service}: restored from ${backup}`);
}

async function restoreAs(
  session: Session,
  { backup, follow, as: name, host }: RestoreArgs & { as: string },
): Promise<void> {
  const { client, output } = session;
  const path = `/api/backups/${encodeURIComponent(backup)}/restore-as`;
  const sent = { body: { name, host_id: host }, idempotencyKey: randomUUID() };
  const { body } = await client.send<Restoring>('POST', path, sent);
  if (!follow)
    return output.isJson ? output.json(body) : output.line(`${name}: ${body.service_id}, job ${body.job_id}`);
  const job = await watchJob(session, { id: body.job_id, serviceId: body.service_id });
  if (output.isJson) return output.json(job);
  output.line(`${name}: made from ${backup}`);
}

interface DownloadArgs {
  backup: string;
  output: string;
  dump?: string | undefined;
}

/** The file takes its name when it is whole; it is for its owner alone, since it holds secrets. */
async function download({ client, output }: Session, { backup, output: file, dump }: DownloadArgs): Promise<void> {
  const bytes = await client.open(`/api/backups/${encodeURIComponent(backup)}/download`, { dump });
  const partial = `${file}.part`;
  await pipeline(bytes, createWriteStream(partial, { mode: 0o600 }));
  await rename(partial, file);
  if (output.isJson) return output.json({ file });
  output.line(`${backup}: in ${file}`);
}

async function drill(session: Session, { backup, follow }: { backup: string; follow: boolean }): Promise<void> {
  const { client, output } = session;
  const path = `/api/backups/${encodeURIComponent(backup)}/drill`;
  const { body } = await client.send<Restoring>('POST', path, { idempotencyKey: randomUUID() });
  if (!follow) return output.isJson ? output.json(body) : output.line(`${backup}: job ${body.job_id}`);
  const job = await watchJob(session, { id: body.job_id, serviceId: body.service_id, news: 'backup.progress' });
  if (output.isJson) return output.json(job);
  output.line(`${backup}: it came up`);
}

async function remove({ world, client, output }: Session, { backup, yes }: BackupArgs): Promise<void> {
  if (!yes) await confirm(world, 'Deleting a backup', `Delete backup "${backup}"?`);
  const path = `/api/backups/${encodeURIComponent(backup)}`;
  const { status, body } = await client.send<{ job_id?: string } | undefined>('DELETE', path);
  if (output.isJson) return output.json(body ?? null);
  if (status === 204) return output.line(`${backup}: deleted`);
  output.line(`${backup}: will be deleted, job ${body?.job_id}`);
}
