// `longshore backups settings`: how a service is backed up, and how it is from now on.
import type { Argv } from 'yargs';
import { CONSISTENCIES, type Consistency } from '#shared/backup.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { BackupSettings } from './backup-types.ts';
import { argument, type Session } from './command.ts';
import { requireServiceId } from './services.ts';

export const settingsOptions = (yargs: Argv) =>
  argument(yargs, 'service', 'Its name or id')
    .option('repository', { type: 'string', requiresArg: true, describe: 'Where to, by id; `host`: on its host' })
    .option('consistency', { choices: CONSISTENCIES, describe: 'What becomes of its containers meanwhile' })
    .option('dumps', {
      choices: ['auto', 'none'] as const,
      describe: 'Dump the databases that are known by their images',
    })
    .option('keep', {
      type: 'string',
      requiresArg: true,
      describe: 'LAST,DAILY,WEEKLY,MONTHLY, such as 3,7,4,12; `all`',
    })
    .option('before-deploy', { type: 'boolean', describe: 'Take one before each deploy that changes something' });

interface SettingsArgs {
  service: string;
  repository?: string | undefined;
  consistency?: Consistency | undefined;
  dumps?: 'auto' | 'none' | undefined;
  keep?: string | undefined;
  beforeDeploy?: boolean | undefined;
}

/** Without an option nothing changes: it shows what is. */
export async function settings({ client, output }: Session, { service, ...args }: SettingsArgs): Promise<void> {
  const path = `/api/services/${await requireServiceId(client, service)}/backup-settings`;
  const known = await client.get<BackupSettings>(path);
  const change = changeOf(args);
  const { used_repository_id: _used, updated_at: _at, ...before } = known;
  const isChange = Object.keys(change).length > 0;
  const now = isChange
    ? (await client.send<BackupSettings>('PUT', path, { body: { ...before, ...change } })).body
    : known;
  if (output.isJson) return output.json(now);
  for (const line of toLines(now)) output.line(line);
}

/** Throws `bad_request`. */
function changeOf({ repository, consistency, dumps, keep, beforeDeploy }: Omit<SettingsArgs, 'service'>): object {
  const isHost = repository === 'host';
  return {
    ...(repository !== undefined && { repository_id: isHost ? null : repository, on_host: isHost }),
    ...(consistency !== undefined && { consistency }),
    ...(dumps !== undefined && { dumps: dumps === 'auto' ? 'auto' : [] }),
    ...(keep !== undefined && { retention: keep === 'all' ? null : retentionOf(keep) }),
    ...(beforeDeploy !== undefined && { before_deploy: beforeDeploy }),
  };
}

function retentionOf(text: string): BackupSettings['retention'] {
  const [keep_last, keep_daily, keep_weekly, keep_monthly, ...rest] = text.split(',').map(Number);
  const counts = { keep_last, keep_daily, keep_weekly, keep_monthly };
  const isGood = rest.length === 0 && Object.values(counts).every((count) => Number.isInteger(count));
  if (isGood) return counts as BackupSettings['retention'];
  throw new LongshoreError('bad_request', { message: `"${text}" is not LAST,DAILY,WEEKLY,MONTHLY, such as 3,7,4,12` });
}

function toLines(now: BackupSettings): string[] {
  const { retention: keep, dumps } = now;
  const named = dumps === 'auto' ? 'auto' : dumps.map(({ service, type }) => `${service} (${type})`).join(', ');
  const kept = keep && `${keep.keep_last},${keep.keep_daily},${keep.keep_weekly},${keep.keep_monthly}`;
  return [
    `repository     ${now.used_repository_id ?? 'its host'}`,
    `consistency    ${now.consistency}`,
    `dumps          ${named || 'none'}`,
    `keep           ${kept ?? 'all'}`,
    `before deploys ${now.before_deploy ? 'yes' : 'no'}`,
  ];
}
