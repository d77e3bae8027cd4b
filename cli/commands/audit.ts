// `longshore audit …`: who changed what, from the API; and whether somebody changed the log, from the database file.
import type { Argv } from 'yargs';
import { LongshoreError } from '#shared/errors.ts';
import type { AuditEntry } from '../api-types.ts';
import { apiCommand, group, withSession, type Session } from '../command.ts';
import { parseSince } from '../duration.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import { Output } from '../output.ts';
import type { Column } from '../table.ts';
import type { World } from '../world.ts';

export const command = group('audit', (own, world) =>
  own
    .command(['list', 'ls'], 'List entries, newest first', listOptions, withSession(world, list))
    .command('verify', 'Check the log in the data folder of a control plane', verifyOptions, (args) =>
      verify(world, args),
    ),
);

const RESULTS = ['ok', 'refused', 'failed', 'replayed'] as const;

const listOptions = (yargs: Argv) =>
  pagingOptions(apiCommand(yargs))
    .option('actor', { type: 'string', requiresArg: true, describe: 'Only of this key or session, by id' })
    .option('action', { type: 'string', requiresArg: true, describe: 'Only these, e.g. services.create' })
    .option('target', { type: 'string', requiresArg: true, describe: 'Only on this, by id' })
    .option('result', { choices: RESULTS, describe: 'Only these' })
    .option('since', { type: 'string', requiresArg: true, describe: 'From this time on: 2h or RFC 3339' });

interface ListArgs extends PagingArgs {
  actor?: string | undefined;
  action?: string | undefined;
  target?: string | undefined;
  result?: string | undefined;
  since?: string | undefined;
}

const COLUMNS: Column<AuditEntry>[] = [
  { title: 'AT', cell: (entry) => entry.timestamp },
  { title: 'WHO', cell: (entry) => entry.actor.name ?? entry.actor.kind },
  { title: 'FROM', cell: (entry) => entry.address },
  { title: 'ACTION', cell: (entry) => entry.action },
  { title: 'TARGET', cell: (entry) => entry.target_id },
  { title: 'RESULT', cell: (entry) => entry.result, style: (text) => (text === 'ok' ? 'green' : 'red') },
  { title: 'CODE', cell: (entry) => entry.code },
  { title: 'DETAIL', cell: (entry) => entry.detail && JSON.stringify(entry.detail) },
];

function list(session: Session, { page, perPage, actor, action, target, result, since }: ListArgs): Promise<void> {
  const from = since === undefined ? undefined : parseSince(since, session.world.clock.now());
  const query = { page, perPage, actor, action, target, result, since: from };
  return showList(session, '/api/audit', query, COLUMNS);
}

const verifyOptions = (yargs: Argv) =>
  yargs
    .option('data-dir', { type: 'string', requiresArg: true, describe: 'Folder of the database (./data)' })
    .option('expect', { type: 'string', requiresArg: true, describe: 'Head hash an earlier check printed' })
    .option('json', { type: 'boolean', default: false, describe: 'Print JSON' });

interface VerifyArgs {
  dataDir?: string | undefined;
  expect?: string | undefined;
  json: boolean;
}

/** Reads the file, so it needs neither a key nor a running control plane. */
async function verify(world: World, { dataDir, expect, json }: VerifyArgs): Promise<void> {
  const { loadControlConfig, verifyAudit } = await import('../../control/main.ts');
  const config = loadControlConfig(dataDir === undefined ? [] : ['--data-dir', dataDir], world.env);
  const { head, fault } = await verifyAudit(config.dataDir, expect);
  const output = new Output(world, json);
  if (json) output.json({ rows: head.count, head: head.hash, fault });
  else output.facts({ 'sound rows': head.count, head: head.hash });
  if (fault)
    throw new LongshoreError('audit_broken', { message: `The audit log breaks at row ${fault.seq}: ${fault.reason}` });
}
