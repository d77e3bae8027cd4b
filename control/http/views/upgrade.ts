// Upgrades of hosts as the API shows and takes them.
import { z } from 'zod';
import { UPGRADE_PHASES } from '#shared/protocol/upgrade-parts.ts';
import { toRfc3339 } from '#shared/time.ts';
import {
  TARGET_STATES,
  UPGRADE_STATES,
  WAVE,
  type NewUpgrade,
  type Upgrade,
  type UpgradeDetail,
  type UpgradeHost,
} from '../../app/api/upgrades.ts';
import { pageOf, timestamp } from './page.ts';

const MAX_HOSTS = 1000;

export const newUpgradeBody = z.strictObject({
  host_ids: z.array(z.string().max(64)).min(1).max(MAX_HOSTS).optional().describe('These hosts; default: all'),
  labels: z.record(z.string().max(64), z.string().max(256)).optional().describe('Of those, the ones with these labels'),
  version: z.string().max(64).optional().describe('The version that is offered; another one is refused'),
  wave: z
    .string()
    .regex(WAVE, 'must be like 10% or 5')
    .optional()
    .describe('Hosts at a time after the first, as a share or a count; default 10%, at most 200'),
  allow_downgrade: z.boolean().optional().describe('Also on hosts that have a newer version'),
});

const count = z.number().int();

const upgradeFields = {
  id: z.string().meta({ example: 'upg_abc123' }),
  version: z.string().meta({ example: '0.2.0' }),
  state: z.enum(UPGRADE_STATES).meta({
    description: 'It is running until every host is in, also while some are away',
    example: 'succeeded',
  }),
  wave_size: count.meta({ description: 'Hosts at a time after the first' }),
  allow_downgrade: z.boolean(),
  halted_by: z
    .object({ host_id: z.string(), reason: z.string().nullable() })
    .nullable()
    .meta({ description: 'Where and why it halted; null: it is not halted', example: null }),
  hosts: z
    .object({ pending: count, running: count, succeeded: count, failed: count, skipped: count })
    .meta({ description: 'How many hosts are in which state' }),
  made_by: z.string().meta({ description: 'Name of the key or person' }),
  created_at: timestamp,
  finished_at: timestamp.nullable(),
};

export const upgradeView = z.object(upgradeFields).meta({ id: 'HostUpgrade' });
export const upgradePage = pageOf(upgradeView);

const upgradeHostView = z
  .object({
    host_id: z.string(),
    host_name: z.string().meta({ example: 'eu-1' }),
    state: z.enum(TARGET_STATES).meta({ description: 'skipped: the reason says why', example: 'succeeded' }),
    from_version: z.string().nullable().meta({ description: 'What it had before', example: '0.1.0' }),
    phase: z.enum(UPGRADE_PHASES).nullable().meta({ description: 'What the host said last', example: 'upgraded' }),
    percent: count.nullable().meta({ description: 'Of the download' }),
    reason: z.string().nullable().meta({ description: 'Why it failed, was skipped or waits', example: null }),
  })
  .meta({ id: 'HostUpgradeHost' });

export const upgradeDetailView = z
  .object({
    ...upgradeFields,
    waves: z
      .array(z.object({ wave: count, hosts: z.array(upgradeHostView) }))
      .meta({ description: 'In their order; the first is one host' }),
    waiting: z.array(upgradeHostView).meta({ description: 'Whose turn has not come, or never will', example: [] }),
  })
  .meta({ id: 'HostUpgradeDetail' });

export const fromNewUpgradeBody = (body: z.infer<typeof newUpgradeBody>): NewUpgrade => ({
  hostIds: body.host_ids,
  labels: body.labels,
  version: body.version,
  wave: body.wave,
  allowsDowngrade: body.allow_downgrade,
});

export const toUpgradeView = (upgrade: Upgrade): z.infer<typeof upgradeView> => ({
  id: upgrade.id,
  version: upgrade.version,
  state: upgrade.state,
  wave_size: upgrade.waveSize,
  allow_downgrade: upgrade.allowsDowngrade,
  halted_by: upgrade.halt && { host_id: upgrade.halt.hostId, reason: upgrade.halt.reason },
  hosts: upgrade.counts,
  made_by: upgrade.madeBy,
  created_at: toRfc3339(upgrade.createdAt),
  finished_at: upgrade.finishedAt === null ? null : toRfc3339(upgrade.finishedAt),
});

export function toUpgradeDetailView(upgrade: UpgradeDetail): z.infer<typeof upgradeDetailView> {
  const byWave = Map.groupBy(upgrade.hosts, ({ wave }) => wave);
  const waves = [...byWave].flatMap(([wave, hosts]) => (wave === null ? [] : [{ wave, hosts: hosts.map(toHostView) }]));
  return { ...toUpgradeView(upgrade), waves, waiting: (byWave.get(null) ?? []).map(toHostView) };
}

const toHostView = (host: UpgradeHost): z.infer<typeof upgradeHostView> => ({
  host_id: host.hostId,
  host_name: host.hostName,
  state: host.state,
  from_version: host.fromVersion,
  phase: host.phase,
  percent: host.percent,
  reason: host.reason,
});
