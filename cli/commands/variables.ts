// `longshore variables …`: values that several services share. A secret comes on stdin only: arguments are public.
import { text } from 'node:stream/consumers';
import type { Argv } from 'yargs';
import { LongshoreError } from '#shared/errors.ts';
import type { List, Variable, VariableDetail } from '../api-types.ts';
import type { Client } from '../client.ts';
import { apiCommand, argument, group, withSession, type Session } from '../command.ts';
import { formatAge } from '../duration.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import type { Column } from '../table.ts';
import type { World } from '../world.ts';

export const command = group('variables', (own, world) =>
  own
    .command(['list', 'ls'], 'List shared variables', listOptions, withSession(world, list))
    .command('get <variable>', 'Show one, and who uses it', one, withSession(world, get))
    .command('set <variable>', 'Add one or give it a new value', setOptions, withSession(world, set))
    .command('rm <variable>', 'Remove one that no service uses', one, withSession(world, remove)),
);

const withCustomer = <T>(yargs: Argv<T>) =>
  yargs.option('customer', { type: 'string', requiresArg: true, describe: "For this customer's services, by id" });

const one = (yargs: Argv) => withCustomer(argument(yargs, 'variable', 'Its name or id'));

const listOptions = (yargs: Argv) =>
  withCustomer(pagingOptions(apiCommand(yargs))).option('search', { type: 'string', describe: 'Part of the name' });

const setOptions = (yargs: Argv) =>
  one(yargs)
    .option('value-stdin', { type: 'boolean', default: false, describe: 'Read the value from stdin' })
    .option('value', { type: 'string', requiresArg: true, describe: 'The value, with --plain: it is no secret then' })
    .option('plain', { type: 'boolean', default: false, describe: 'Not a secret: everyone may read it' })
    .option('description', { type: 'string', requiresArg: true, describe: 'What it is for' })
    .example('$0 variables set SMTP_PASSWORD --value-stdin < password', '')
    .example('$0 variables set SMTP_HOST --plain --value mail.example.com', '');

const columnsAt = (nowMs: number): Column<Variable>[] => [
  { title: 'NAME', cell: (variable) => variable.name },
  { title: 'VALUE', cell: (variable) => variable.value },
  { title: 'SECRET', cell: (variable) => (variable.is_secret ? 'yes' : 'no') },
  { title: 'CUSTOMER', cell: (variable) => variable.customer_id },
  { title: 'CHANGED', cell: (variable) => formatAge(variable.updated_at, nowMs) },
  { title: 'ID', cell: (variable) => variable.id },
  { title: 'DESCRIPTION', cell: (variable) => variable.description },
];

interface CustomerArgs {
  customer?: string | undefined;
}

interface Named extends CustomerArgs {
  variable: string;
}

const list = (session: Session, args: PagingArgs & CustomerArgs & { search?: string | undefined }): Promise<void> => {
  const { page, perPage, customer: customer_id, search } = args;
  const columns = columnsAt(session.world.clock.now());
  return showList(session, '/api/variables', { page, perPage, customer_id, search }, columns);
};

async function get({ client, output }: Session, args: Named): Promise<void> {
  const found = await client.get<VariableDetail>(`/api/variables/${await requireId(client, args)}`);
  if (output.isJson) return output.json(found);
  const { name, id, value, is_secret: isSecret, description, customer_id: customer, services } = found;
  const users = services.map((service) => service.name).join(' ');
  output.facts({ name, id, value, secret: isSecret ? 'yes' : 'no', description, customer, 'used by': users });
}

interface SetArgs extends Named {
  valueStdin: boolean;
  value?: string | undefined;
  plain: boolean;
  description?: string | undefined;
}

async function set({ world, client, output }: Session, args: SetArgs): Promise<void> {
  const { variable, customer, plain, description } = args;
  const change = {
    value: await readValue(world, args),
    ...(plain && { is_secret: false }),
    ...(description !== undefined && { description }),
  };
  const id = await findId(client, args);
  const body = { name: variable, ...change, ...(customer !== undefined && { customer_id: customer }) };
  const { body: saved } =
    id === undefined
      ? await client.send<VariableDetail>('POST', '/api/variables', { body })
      : await client.send<VariableDetail>('PATCH', `/api/variables/${id}`, { body: change });
  if (output.isJson) return output.json(saved);
  output.line(`${saved.name}: ${id === undefined ? 'added' : 'changed'}, for deploys from now on`);
}

async function remove({ client, output }: Session, args: Named): Promise<void> {
  await client.send('DELETE', `/api/variables/${await requireId(client, args)}`);
  if (output.isJson) return output.json(null);
  output.line(`${args.variable}: removed`);
}

async function readValue(world: World, { variable, valueStdin, value, plain }: SetArgs): Promise<string> {
  if (valueStdin) return (await text(world.stdin)).replace(/\r?\n$/, '');
  if (value !== undefined && plain) return value;
  const details = `longshore variables set ${variable} --value-stdin < FILE, or --plain --value TEXT for what is no secret`;
  throw new LongshoreError('bad_request', { message: 'A secret is read from stdin: arguments are public', details });
}

async function requireId(client: Client, args: Named): Promise<string> {
  const id = await findId(client, args);
  if (id !== undefined) return id;
  const details = '`longshore variables list` shows what there is';
  throw new LongshoreError('not_found', { message: `There is no shared variable "${args.variable}"`, details });
}

/** A name is one variable of the operator and one of each customer. Throws `bad_request` when it is not clear which. */
async function findId(client: Client, { variable, customer }: Named): Promise<string | undefined> {
  if (variable.startsWith('var_')) return encodeURIComponent(variable);
  const query = { search: variable, customer_id: customer, per_page: 100 };
  const { data } = await client.get<List<Variable>>('/api/variables', query);
  const all = data.filter(({ name }) => name === variable);
  const operators = all.filter(({ customer_id: owner }) => owner === null);
  const [found, ...more] = operators.length > 0 ? operators : all;
  if (more.length === 0) return found?.id;
  throw new LongshoreError('bad_request', { message: `Several customers have "${variable}": add --customer` });
}
