// `longshore backups …`: take one, see which there are, put one back, delete one.
import { randomUUID } from 'node:crypto';
import type { Argv } from 'yargs';
import { BACKUP_STATES } from '#shared/backup.ts';
import type { Backup } from '../api-types.ts';
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

const createOptions = (yargs: Argv) => following(argument(yargs, 'service', 'Its name or id'));
const restoreOptions = (yargs: Argv) => confirming(following(argument(yargs, 'backup', 'Its id')));
const deleteOptions = (yargs: Argv) => confirming(argument(yargs, 'backup', 'Its id'));

const STATUS_STYLE = { pending: 'gray', running: 'cyan', succeeded: 'green', failed: 'red' } as const;

const columnsAt = (nowMs: number): Column<Backup>[] => [
  { title: 'ID', cell: (backup) => backup.id },
  { title: 'SERVICE', cell: (backup) => backup.service_name },
  { title: 'STATUS', cell: (backup) => backup.status, style: (_, backup) => STATUS_STYLE[backup.status] },
  { title: 'SIZE', cell: (backup) => toSize(backup.size_bytes) },
  { title: 'ADDED', cell: (backup) => toSize(backup.added_bytes) },
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

async function create(session: Session, { service, follow }: { service: string; follow: boolean }): Promise<void> {
  const { client, output } = session;
  const serviceId = await requireServiceId(client, service);
  const path = `/api/services/${serviceId}/backups`;
  const { body: made } = await client.send<Backup>('POST', path, { idempotencyKey: randomUUID() });
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

async function restore(session: Session, { backup, yes, follow }: BackupArgs & { follow: boolean }): Promise<void> {
  const { world, client, output } = session;
  const path = `/api/backups/${encodeURIComponent(backup)}`;
  const { service_name: service, created_at: at } = await client.get<Backup>(path);
  const question = `Replace what the volumes of "${service}" hold now by what they held on ${at}?`;
  if (!yes) await confirm(world, 'Restoring a backup', question);
  const { body } = await client.send<Restoring>('POST', `${path}/restore`, { idempotencyKey: randomUUID() });
  if (!follow) return output.isJson ? output.json(body) : output.line(`${service}: job ${body.job_id}`);
  const job = await watchJob(session, { id: body.job_id, serviceId: body.service_id, news: 'backup.progress' });
  if (output.isJson) return output.json(job);
  output.line(`${service}: restored from ${backup}`);
}

async function remove({ world, client, output }: Session, { backup, yes }: BackupArgs): Promise<void> {
  if (!yes) await confirm(world, 'Deleting a backup', `Delete backup "${backup}"?`);
  const path = `/api/backups/${encodeURIComponent(backup)}`;
  const { status, body } = await client.send<{ job_id?: string } | undefined>('DELETE', path);
  if (output.isJson) return output.json(body ?? null);
  if (status === 204) return output.line(`${backup}: deleted`);
  output.line(`${backup}: will be deleted, job ${body?.job_id}`);
}
