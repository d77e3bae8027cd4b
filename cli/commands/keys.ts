// `longshore keys …`: API keys. A key's secret is shown once, when it is made.
import type { Argv } from 'yargs';
import type { ApiKey } from '../api-types.ts';
import { apiCommand, argument, group, withSession, type Session } from '../command.ts';
import { formatAge, parseDuration } from '../duration.ts';
import { parsePairs } from '../pairs.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import type { Column } from '../table.ts';

export const command = group('keys', (own, world) =>
  own
    .command(['list', 'ls'], 'List keys', (y) => pagingOptions(apiCommand(y)), withSession(world, list))
    .command('create', 'Make a key and show it once', createOptions, withSession(world, create))
    .command('revoke <key>', 'Make a key useless at once', one, withSession(world, revoke)),
);

const one = (yargs: Argv) => argument(yargs, 'key', 'Its id');

const createOptions = (yargs: Argv) =>
  apiCommand(yargs)
    .option('name', { type: 'string', demandOption: true, requiresArg: true, describe: 'What it is for' })
    .option('permission', {
      type: 'string',
      array: true,
      nargs: 1,
      demandOption: true,
      alias: 'p',
      describe: 'What it may do: services.read, services.*, *',
    })
    .option('customer', { type: 'string', requiresArg: true, describe: 'Only what belongs to this customer' })
    .option('host-label', { type: 'string', array: true, nargs: 1, default: [], describe: 'Only hosts with it, K=V' })
    .option('expires', { type: 'string', requiresArg: true, describe: 'How long it is good for, e.g. 30d' })
    .option('rate-limit', { type: 'number', requiresArg: true, describe: 'Requests a minute' });

const columnsAt = (nowMs: number): Column<ApiKey>[] => [
  { title: 'ID', cell: (key) => key.id },
  { title: 'NAME', cell: (key) => key.name },
  { title: 'HINT', cell: (key) => key.hint },
  { title: 'USED', cell: (key) => formatAge(key.last_used_at, nowMs) },
  { title: 'EXPIRES', cell: (key) => key.expires_at },
  { title: 'PERMISSIONS', cell: (key) => key.permissions.join(' ') },
];

const list = (session: Session, { page, perPage }: PagingArgs): Promise<void> =>
  showList(session, '/api/auth/api-keys', { page, perPage }, columnsAt(session.world.clock.now()));

interface CreateArgs {
  name: string;
  permission: string[];
  customer?: string | undefined;
  hostLabel: string[];
  expires?: string | undefined;
  rateLimit?: number | undefined;
}

async function create({ world, client, output }: Session, args: CreateArgs): Promise<void> {
  const { expires } = args;
  const body = {
    name: args.name,
    permissions: args.permission,
    ...(args.customer !== undefined && { customer_id: args.customer }),
    ...(args.hostLabel.length > 0 && { host_labels: parsePairs(args.hostLabel, '--host-label') }),
    ...(expires !== undefined && {
      expires_at: new Date(world.clock.now() + parseDuration(expires, '--expires')).toISOString(),
    }),
    ...(args.rateLimit !== undefined && { rate_limit: args.rateLimit }),
  };
  const answer = await client.send<ApiKey & { secret: string }>('POST', '/api/auth/api-keys', { body });
  if (output.isJson) return output.json(answer.body);
  output.note(`${answer.body.id}, shown this once:`);
  output.line(answer.body.secret);
}

async function revoke({ client, output }: Session, { key }: { key: string }): Promise<void> {
  await client.send('DELETE', `/api/auth/api-keys/${encodeURIComponent(key)}`);
  if (output.isJson) return output.json(null);
  output.line(`${key}: revoked`);
}
