// `longshore registries …`: logins for private images. A password comes on stdin only: arguments are public.
import { text } from 'node:stream/consumers';
import type { Argv } from 'yargs';
import { toServer } from '#shared/compose/image-name.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { List, Registry } from '../api-types.ts';
import type { Client } from '../client.ts';
import { apiCommand, argument, group, withSession, type Session } from '../command.ts';
import { formatAge } from '../duration.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import type { Column } from '../table.ts';
import type { World } from '../world.ts';

export const command = group('registries', (own, world) =>
  own
    .command(['list', 'ls'], 'List logins', listOptions, withSession(world, list))
    .command('add <server>', 'Add a login', addOptions, withSession(world, add))
    .command('update <registry>', 'Change its user or password', updateOptions, withSession(world, update))
    .command('rm <registry>', 'Remove it; what runs stays', one, withSession(world, remove)),
);

const withCustomer = <T>(yargs: Argv<T>) =>
  yargs.option('customer', { type: 'string', requiresArg: true, describe: "For this customer's services, by id" });

const one = (yargs: Argv) => withCustomer(argument(yargs, 'registry', 'Its server or id'));

const listOptions = (yargs: Argv) =>
  withCustomer(pagingOptions(apiCommand(yargs))).option('search', { type: 'string', describe: 'Part of the name' });

const withLogin = <T>(yargs: Argv<T>) =>
  yargs
    .option('name', { type: 'string', requiresArg: true, describe: 'What it is called (its server)' })
    .option('password-stdin', { type: 'boolean', default: false, describe: 'Read the password or token from stdin' });

const addOptions = (yargs: Argv) =>
  withLogin(withCustomer(argument(yargs, 'server', 'What image names begin with: ghcr.io, docker.io'))).option(
    'username',
    { type: 'string', alias: 'u', demandOption: true, requiresArg: true, describe: 'Who logs in' },
  );

const updateOptions = (yargs: Argv) =>
  withLogin(one(yargs)).option('username', {
    type: 'string',
    alias: 'u',
    requiresArg: true,
    describe: 'Who logs in',
  });

const columnsAt = (nowMs: number): Column<Registry>[] => [
  { title: 'SERVER', cell: (registry) => registry.server },
  { title: 'USERNAME', cell: (registry) => registry.username },
  { title: 'NAME', cell: (registry) => registry.name },
  { title: 'CUSTOMER', cell: (registry) => registry.customer_id },
  { title: 'CHANGED', cell: (registry) => formatAge(registry.updated_at, nowMs) },
  { title: 'ID', cell: (registry) => registry.id },
];

interface CustomerArgs {
  customer?: string | undefined;
}

const list = (session: Session, args: PagingArgs & CustomerArgs & { search?: string | undefined }): Promise<void> => {
  const { page, perPage, customer: customer_id, search } = args;
  return showList(
    session,
    '/api/registries',
    { page, perPage, customer_id, search },
    columnsAt(session.world.clock.now()),
  );
};

interface LoginArgs extends CustomerArgs {
  name?: string | undefined;
  username?: string | undefined;
  passwordStdin: boolean;
}

async function add({ world, client, output }: Session, args: LoginArgs & { server: string }): Promise<void> {
  if (!args.passwordStdin) {
    const details = `For example: longshore registries add ${args.server} -u USER --password-stdin < token`;
    throw new LongshoreError('bad_request', { message: 'A login needs a password: use --password-stdin', details });
  }
  const { server, customer } = args;
  const body = { server, ...(await loginOf(world, args)), ...(customer !== undefined && { customer_id: customer }) };
  const answer = await client.send<Registry>('POST', '/api/registries', { body });
  if (output.isJson) return output.json(answer.body);
  output.line(`${answer.body.server}: added, for deploys from now on`);
}

async function update({ world, client, output }: Session, args: LoginArgs & { registry: string }): Promise<void> {
  const id = await requireId(client, args);
  const answer = await client.send<Registry>('PATCH', `/api/registries/${id}`, { body: await loginOf(world, args) });
  if (output.isJson) return output.json(answer.body);
  output.line(`${answer.body.server}: changed, for deploys from now on`);
}

async function remove({ client, output }: Session, args: CustomerArgs & { registry: string }): Promise<void> {
  await client.send('DELETE', `/api/registries/${await requireId(client, args)}`);
  if (output.isJson) return output.json(null);
  output.line(`${args.registry}: removed`);
}

async function loginOf(world: World, { name, username, passwordStdin }: LoginArgs): Promise<object> {
  return {
    ...(name !== undefined && { name }),
    ...(username !== undefined && { username }),
    ...(passwordStdin && { password: (await text(world.stdin)).replace(/\r?\n$/, '') }),
  };
}

type Named = CustomerArgs & { registry: string };

/** A server has one login for the operator and one for each customer. Throws `not_found`, `bad_request`. */
async function requireId(client: Client, { registry, customer }: Named): Promise<string> {
  if (registry.startsWith('reg_')) return encodeURIComponent(registry);
  const server = toServer(registry) ?? registry;
  const query = { search: server, customer_id: customer, per_page: 100 };
  const { data } = await client.get<List<Registry>>('/api/registries', query);
  const all = data.filter((one) => one.server === server);
  const operators = all.filter(({ customer_id: owner }) => owner === null);
  const [found, ...more] = operators.length > 0 ? operators : all;
  const details = '`longshore registries list` shows what there is';
  if (!found) throw new LongshoreError('not_found', { message: `There is no login for "${registry}"`, details });
  if (more.length === 0) return found.id;
  throw new LongshoreError('bad_request', { message: `Several customers have "${registry}": add --customer`, details });
}
