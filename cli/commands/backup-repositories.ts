// `longshore backup-repositories …`: where backups lie outside of hosts. Secrets come on stdin or from files only: arguments
// are public.
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { Argv } from 'yargs';
import { LongshoreError } from '#shared/errors.ts';
import type { BackupRepository } from '../backup-types.ts';
import { apiCommand, argument, group, withSession, type Session } from '../command.ts';
import { confirm } from '../confirm.ts';
import { formatAge } from '../duration.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import type { Column } from '../table.ts';
import type { World } from '../world.ts';

export const command = group('backup-repositories', (own, world) =>
  own
    .command(['list', 'ls'], 'List them', listOptions, withSession(world, list))
    .command(
      'add <location>',
      'Add one: rest:https://…, s3:https://…, sftp://user@host/folder',
      addOptions,
      withSession(world, add),
    )
    .command('update <repository>', 'Change its name or credentials', updateOptions, withSession(world, update))
    .command('rm <repository>', 'Forget one that holds no backup any more', removeOptions, withSession(world, remove)),
);

const listOptions = (yargs: Argv) =>
  pagingOptions(apiCommand(yargs)).option('search', { type: 'string', describe: 'Part of the name or the URL' });

const withSecrets = <T>(yargs: Argv<T>) =>
  yargs
    .option('name', { type: 'string', requiresArg: true, describe: 'What it is called (its URL)' })
    .option('secrets-stdin', {
      type: 'boolean',
      default: false,
      describe: 'Read lines NAME=value from stdin: PASSWORD, AWS_ACCESS_KEY_ID, RESTIC_REST_USERNAME, …',
    })
    .option('key-file', { type: 'string', requiresArg: true, describe: 'For sftp: a file with the private key' })
    .option('known-hosts', {
      type: 'string',
      requiresArg: true,
      describe: 'For sftp: a file with the host keys to believe',
    });

const addOptions = (yargs: Argv) =>
  withSecrets(argument(yargs, 'location', 'As restic takes it, without credentials'))
    .option('customer', { type: 'string', requiresArg: true, describe: "For this customer's services, by id" })
    .option('plan', {
      type: 'string',
      requiresArg: true,
      describe: 'For services of all customers on this plan, by id',
    });
const updateOptions = (yargs: Argv) => withSecrets(argument(yargs, 'repository', 'Its id'));
const removeOptions = (yargs: Argv) =>
  argument(yargs, 'repository', 'Its id').option('yes', {
    type: 'boolean',
    default: false,
    alias: 'y',
    describe: 'Do not ask',
  });

const columnsAt = (nowMs: number): Column<BackupRepository>[] => [
  { title: 'ID', cell: ({ id }) => id },
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'URL', cell: ({ url }) => url },
  { title: 'FOR', cell: ({ customer_id: customer, plan_id: plan }) => customer ?? plan },
  { title: 'CHANGED', cell: ({ updated_at: at }) => formatAge(at, nowMs) },
];

function list(
  session: Session,
  { page, perPage, search }: PagingArgs & { search?: string | undefined },
): Promise<void> {
  return showList(session, '/api/backup-repositories', { page, perPage, search }, columnsAt(session.world.clock.now()));
}

interface SecretArgs {
  name?: string | undefined;
  secretsStdin: boolean;
  keyFile?: string | undefined;
  knownHosts?: string | undefined;
}

type AddArgs = SecretArgs & { location: string; customer?: string | undefined; plan?: string | undefined };

async function add({ world, client, output }: Session, args: AddArgs): Promise<void> {
  const { password, ...given } = await givenIn(world, args);
  const body = { url: args.location, password, customer_id: args.customer, plan_id: args.plan, ...given };
  const answer = await client.send<BackupRepository>('POST', '/api/backup-repositories', { body });
  if (output.isJson) return output.json(answer.body);
  output.line(`${answer.body.id}: added`);
  if (answer.body.password)
    output.line(`Its password, shown this once; without it nobody can read it: ${answer.body.password}`);
}

async function update({ world, client, output }: Session, args: SecretArgs & { repository: string }): Promise<void> {
  const { password, ...body } = await givenIn(world, args);
  if (password !== undefined) {
    throw new LongshoreError('bad_request', {
      message: 'The password of a repository stays: what is in it is sealed with it',
    });
  }
  const path = `/api/backup-repositories/${encodeURIComponent(args.repository)}`;
  const answer = await client.send<BackupRepository>('PATCH', path, { body });
  if (output.isJson) return output.json(answer.body);
  output.line(`${answer.body.id}: changed`);
}

async function remove({ world, client, output }: Session, args: { repository: string; yes: boolean }): Promise<void> {
  if (!args.yes) await confirm(world, 'Forgetting a repository', `Forget repository "${args.repository}"?`);
  await client.send('DELETE', `/api/backup-repositories/${encodeURIComponent(args.repository)}`);
  if (output.isJson) return output.json(null);
  output.line(`${args.repository}: forgotten; what lies in it stays there`);
}

async function givenIn(world: World, { name, secretsStdin, keyFile, knownHosts }: SecretArgs) {
  const { PASSWORD: password, ...credentials } = secretsStdin ? fromLines(await text(world.stdin)) : {};
  return {
    name,
    password,
    ...(Object.keys(credentials).length > 0 && { credentials }),
    ...(keyFile !== undefined && { private_key: readFileSync(keyFile, 'utf8') }),
    ...(knownHosts !== undefined && { known_hosts: readFileSync(knownHosts, 'utf8') }),
  };
}

/** Throws `bad_request` for a line that is none of these, without saying what is in it. */
function fromLines(lines: string): Record<string, string> {
  const entries = lines.split(/\r?\n/).filter((line) => line !== '');
  const parsed = entries.map((line) => /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line));
  const bad = parsed.indexOf(null);
  if (bad >= 0) throw new LongshoreError('bad_request', { message: `Line ${bad + 1} of stdin is not NAME=value` });
  return Object.fromEntries(parsed.map((match) => [match?.[1] ?? '', match?.[2] ?? '']));
}
