// `longshore plans …`: what the services of a customer may take together.
import type { Argv } from 'yargs';
import type { Plan } from '../customer-types.ts';
import { apiCommand, argument, group, withSession, type Session } from '../command.ts';
import { limitField } from '../limits.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import { requireIdByName } from '../names.ts';
import type { Column } from '../table.ts';

export const command = group('plans', (own, world) =>
  own
    .command(['list', 'ls'], 'List plans', listOptions, withSession(world, list))
    .command(['get <plan>', 'show'], 'Show one', one, withSession(world, get))
    .command('create <name>', 'Add one', createOptions, withSession(world, create))
    .command('update <plan>', 'Change it; what runs is not touched', updateOptions, withSession(world, update))
    .command(['delete <plan>', 'rm'], 'Delete one that no customer is on', one, withSession(world, remove)),
);

const one = <T>(yargs: Argv<T>) => argument(yargs, 'plan', 'Its name or id');

const listOptions = (yargs: Argv) =>
  pagingOptions(apiCommand(yargs)).option('search', { type: 'string', describe: 'Part of the name' });

const limitOptions = <T>(yargs: Argv<T>) =>
  yargs
    .option('description', { type: 'string', requiresArg: true, describe: 'Who it is for' })
    .option('services', { type: 'string', requiresArg: true, describe: 'How many services, or none for no limit' })
    .option('cpu', { type: 'string', requiresArg: true, describe: 'Cores of all services, or none' })
    .option('memory', { type: 'string', requiresArg: true, describe: 'Memory of all services in MB, or none' })
    .option('storage', { type: 'string', requiresArg: true, describe: 'Volumes of all services in MB, or none' });

const createOptions = (yargs: Argv) => limitOptions(argument(yargs, 'name', 'What it is called'));

const updateOptions = (yargs: Argv) =>
  limitOptions(one(yargs)).option('name', { type: 'string', requiresArg: true, describe: 'What it is called now' });

const COLUMNS: Column<Plan>[] = [
  { title: 'NAME', cell: (plan) => plan.name },
  { title: 'SERVICES', cell: (plan) => plan.limits.services },
  { title: 'CPU', cell: (plan) => plan.limits.cpu },
  { title: 'MEMORY', cell: (plan) => plan.limits.memory_mb && `${plan.limits.memory_mb}M` },
  { title: 'STORAGE', cell: (plan) => plan.limits.storage_mb && `${plan.limits.storage_mb}M` },
  { title: 'ID', cell: (plan) => plan.id },
  { title: 'DESCRIPTION', cell: (plan) => plan.description },
];

const list = (session: Session, args: PagingArgs & { search?: string | undefined }): Promise<void> => {
  const { page, perPage, search } = args;
  return showList(session, '/api/plans', { page, perPage, search, sort: 'name' }, COLUMNS);
};

interface PlanArgs {
  plan: string;
}

async function get({ client, output }: Session, { plan }: PlanArgs): Promise<void> {
  const found = await client.get<Plan>(`/api/plans/${await requireIdByName(client, 'plan', plan)}`);
  if (output.isJson) return output.json(found);
  const { name, id, description, limits } = found;
  output.facts({
    name,
    id,
    description,
    services: limits.services ?? 'no limit',
    cpu: limits.cpu ?? 'no limit',
    'memory MB': limits.memory_mb ?? 'no limit',
    'storage MB': limits.storage_mb ?? 'no limit',
  });
}

interface DetailArgs {
  name?: string | undefined;
  description?: string | undefined;
  services?: string | undefined;
  cpu?: string | undefined;
  memory?: string | undefined;
  storage?: string | undefined;
}

async function create({ client, output }: Session, args: DetailArgs): Promise<void> {
  const answer = await client.send<Plan>('POST', '/api/plans', { body: bodyOf(args) });
  if (output.isJson) return output.json(answer.body);
  output.line(`${answer.body.name}: created, ${answer.body.id}`);
}

async function update({ client, output }: Session, { plan, ...args }: PlanArgs & DetailArgs): Promise<void> {
  const id = await requireIdByName(client, 'plan', plan);
  const answer = await client.send<Plan>('PATCH', `/api/plans/${id}`, { body: bodyOf(args) });
  if (output.isJson) return output.json(answer.body);
  output.line(`${answer.body.name}: changed, for deploys from now on`);
}

async function remove({ client, output }: Session, { plan }: PlanArgs): Promise<void> {
  await client.send('DELETE', `/api/plans/${await requireIdByName(client, 'plan', plan)}`);
  if (output.isJson) return output.json(null);
  output.line(`${plan}: deleted`);
}

function bodyOf({ name, description, services, cpu, memory, storage }: DetailArgs): object {
  const limits = {
    ...limitField('services', services, '--services'),
    ...limitField('cpu', cpu, '--cpu'),
    ...limitField('memory_mb', memory, '--memory'),
    ...limitField('storage_mb', storage, '--storage'),
  };
  return {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description: description === '' ? null : description }),
    ...(Object.keys(limits).length > 0 && { limits }),
  };
}
