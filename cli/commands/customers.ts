// `longshore customers …`: whose services run here, on which plan; stop all of one's services and bring them back.
import type { Argv } from 'yargs';
import type { Customer, CustomerDetail, PlanLimits, Suspension } from '../customer-types.ts';
import { apiCommand, argument, group, withSession, type Session } from '../command.ts';
import { formatAge } from '../duration.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import { requireIdByName } from '../names.ts';
import type { Column } from '../table.ts';

export const command = group('customers', (own, world) =>
  own
    .command(['list', 'ls'], 'List customers', listOptions, withSession(world, list))
    .command(['get <customer>', 'show'], 'Show one and what it holds of its plan', one, withSession(world, get))
    .command('create <name>', 'Add one', createOptions, withSession(world, create))
    .command('update <customer>', 'Change it or move it to another plan', updateOptions, withSession(world, update))
    .command(['delete <customer>', 'rm'], 'Delete one that has no services', one, withSession(world, remove))
    .command('suspend <customer>', 'Stop its services and keep their data', one, withSession(world, act('suspend')))
    .command('resume <customer>', 'Bring back what ran', one, withSession(world, act('resume'))),
);

const one = <T>(yargs: Argv<T>) => argument(yargs, 'customer', 'Its name or id');

const listOptions = (yargs: Argv) =>
  pagingOptions(apiCommand(yargs))
    .option('status', { choices: ['active', 'suspended'] as const, describe: 'Only these' })
    .option('plan', { type: 'string', requiresArg: true, describe: 'Only those on this plan, by name or id' })
    .option('search', { type: 'string', describe: 'Part of the name or the email address' })
    .option('sort', { choices: ['name', 'created_at', 'updated_at'] as const, default: 'name' as const })
    .option('order', { choices: ['asc', 'desc'] as const, default: 'asc' as const });

const detailOptions = <T>(yargs: Argv<T>) =>
  yargs
    .option('email', { type: 'string', requiresArg: true, describe: 'Where to reach it; "" for none' })
    .option('plan', { type: 'string', requiresArg: true, describe: 'Its plan, by name or id; "" for none' });

const createOptions = (yargs: Argv) => detailOptions(argument(yargs, 'name', 'What it is called'));

const updateOptions = (yargs: Argv) =>
  detailOptions(one(yargs)).option('name', { type: 'string', requiresArg: true, describe: 'What it is called now' });

const columnsAt = (nowMs: number): Column<Customer>[] => [
  { title: 'NAME', cell: (customer) => customer.name },
  {
    title: 'STATUS',
    cell: (customer) => customer.status,
    style: (_, customer) => (customer.status === 'suspended' ? 'red' : 'green'),
  },
  { title: 'EMAIL', cell: (customer) => customer.email },
  { title: 'PLAN', cell: (customer) => customer.plan_id },
  { title: 'AGE', cell: (customer) => formatAge(customer.created_at, nowMs) },
  { title: 'ID', cell: (customer) => customer.id },
];

interface ListArgs extends PagingArgs {
  status?: string | undefined;
  plan?: string | undefined;
  search?: string | undefined;
  sort: string;
  order: string;
}

async function list(session: Session, { plan, ...args }: ListArgs): Promise<void> {
  const { page, perPage, status, search, sort, order } = args;
  const plan_id = plan === undefined ? undefined : await requireIdByName(session.client, 'plan', plan);
  const query = { page, perPage, status, plan_id, search, sort, order };
  await showList(session, '/api/customers', query, columnsAt(session.world.clock.now()));
}

interface CustomerArgs {
  customer: string;
}

async function get({ client, output }: Session, { customer }: CustomerArgs): Promise<void> {
  const id = await requireIdByName(client, 'customer', customer);
  const found = await client.get<CustomerDetail>(`/api/customers/${id}`);
  if (output.isJson) return output.json(found);
  const { usage, limits } = found;
  output.facts({
    name: found.name,
    id: found.id,
    status: found.status,
    email: found.email,
    plan: found.plan_name,
    services: ofLimit(usage.services, limits, 'services'),
    cpu: ofLimit(usage.cpu, limits, 'cpu'),
    memory: ofLimit(usage.memory_mb, limits, 'memory_mb', ' MB'),
    storage: ofLimit(usage.storage_mb, limits, 'storage_mb', ' MB'),
    'created at': found.created_at,
    'suspended at': found.suspended_at,
  });
}

function ofLimit(used: number | null, limits: PlanLimits | null, name: keyof PlanLimits, unit = ''): string {
  const amount = used === null ? 'not measured yet' : `${Math.round(used * 1000) / 1000}${unit}`;
  const limit = limits?.[name] ?? null;
  return limit === null ? amount : `${amount} of ${limit}${unit}`;
}

interface DetailArgs {
  name?: string | undefined;
  email?: string | undefined;
  plan?: string | undefined;
}

async function create({ client, output }: Session, args: DetailArgs): Promise<void> {
  const answer = await client.send<CustomerDetail>('POST', '/api/customers', { body: await bodyOf(client, args) });
  if (output.isJson) return output.json(answer.body);
  output.line(`${answer.body.name}: created, ${answer.body.id}`);
}

async function update({ client, output }: Session, { customer, ...args }: CustomerArgs & DetailArgs): Promise<void> {
  const id = await requireIdByName(client, 'customer', customer);
  const body = await bodyOf(client, args);
  const answer = await client.send<CustomerDetail>('PATCH', `/api/customers/${id}`, { body });
  if (output.isJson) return output.json(answer.body);
  output.line(`${answer.body.name}: changed`);
}

async function bodyOf(client: Session['client'], { name, email, plan }: DetailArgs): Promise<object> {
  return {
    ...(name !== undefined && { name }),
    ...(email !== undefined && { email: email === '' ? null : email }),
    ...(plan !== undefined && { plan_id: plan === '' ? null : await requireIdByName(client, 'plan', plan) }),
  };
}

async function remove({ client, output }: Session, { customer }: CustomerArgs): Promise<void> {
  await client.send('DELETE', `/api/customers/${await requireIdByName(client, 'customer', customer)}`);
  if (output.isJson) return output.json(null);
  output.line(`${customer}: deleted`);
}

const act =
  (verb: 'suspend' | 'resume') =>
  async ({ client, output }: Session, { customer }: CustomerArgs): Promise<void> => {
    const id = await requireIdByName(client, 'customer', customer);
    const { body } = await client.send<Suspension>('POST', `/api/customers/${id}/${verb}`);
    if (output.isJson) return output.json(body);
    output.line(`${customer}: ${body.message}`);
  };
