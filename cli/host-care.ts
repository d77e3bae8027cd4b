// `longshore hosts rename|label|cordon|uncordon|drain|undrain|rm`: what operators do to hosts.
import type { Argv } from 'yargs';
import type { Drain, Host, Undrain } from './host-types.ts';
import { argument, type Session } from './command.ts';
import { confirm } from './confirm.ts';
import { labelsOf } from './host-facts.ts';
import { hostArgument, requireIdByName } from './names.ts';
import { parsePairs } from './pairs.ts';
import type { Column } from './table.ts';

export const renameOptions = (yargs: Argv) => argument(hostArgument(yargs), 'name', 'Its new name');
export const labelOptions = (yargs: Argv) =>
  hostArgument(yargs).positional('labels', {
    type: 'string',
    array: true,
    demandOption: true,
    describe: 'K=V sets one, K- removes it',
  });
export const removeOptions = (yargs: Argv) =>
  hostArgument(yargs)
    .option('force', {
      type: 'boolean',
      default: false,
      describe: 'Also with services on it: they run on, unknown here',
    })
    .option('yes', { type: 'boolean', default: false, alias: 'y', describe: 'Do not ask' });

interface HostArgs {
  host: string;
}

const pathOf = async ({ client }: Session, host: string): Promise<string> =>
  `/api/hosts/${await requireIdByName(client, 'host', host)}`;

export async function rename(session: Session, { host, name }: HostArgs & { name: string }): Promise<void> {
  const { client, output } = session;
  const { body } = await client.send<Host>('PATCH', await pathOf(session, host), { body: { name } });
  if (output.isJson) return output.json(body);
  output.line(`${host}: is called ${body.name} now`);
}

export async function label(session: Session, { host, labels }: HostArgs & { labels: string[] }): Promise<void> {
  const { client, output } = session;
  const body = { labels: parseLabels(labels) };
  const answer = await client.send<Host>('PATCH', await pathOf(session, host), { body });
  if (output.isJson) return output.json(answer.body);
  output.line(`${host}: ${labelsOf(answer.body) || 'no labels'}`);
}

const isRemoval = (word: string): boolean => word.endsWith('-') && !word.includes('=');

function parseLabels(words: readonly string[]): Record<string, string | null> {
  const removed = words.filter(isRemoval).map((word) => [word.slice(0, -1), null] as const);
  const set = parsePairs(
    words.filter((word) => !isRemoval(word)),
    'a label',
  );
  return { ...set, ...Object.fromEntries(removed) };
}

const CORDONED = { cordon: 'takes no new services', uncordon: 'takes new services' };

export const setCordon =
  (verb: 'cordon' | 'uncordon') =>
  async (session: Session, { host }: HostArgs): Promise<void> => {
    const { client, output } = session;
    const { body } = await client.send<Host>('POST', `${await pathOf(session, host)}/${verb}`);
    if (output.isJson) return output.json(body);
    output.line(`${host}: ${CORDONED[verb]}`);
  };

export async function drain(session: Session, { host }: HostArgs): Promise<void> {
  const { client, output } = session;
  const { body } = await client.send<Drain>('POST', `${await pathOf(session, host)}/drain`);
  if (output.isJson) return output.json(body);
  output.table(DRAIN_COLUMNS, body.services);
  output.note('It takes no new services. `longshore hosts undrain` starts what this has stopped.');
}

const DRAIN_COLUMNS: Column<Drain['services'][number]>[] = [
  { title: 'SERVICE', cell: ({ name }) => name },
  { title: 'ACTION', cell: ({ action, reason }) => (reason === null ? action : `${action}: ${reason}`) },
  { title: 'JOB', cell: ({ job_id: jobId }) => jobId },
  { title: 'KEEPS HERE', cell: keptBy },
];

function keptBy({ data, is_movable: isMovable }: Drain['services'][number]): string {
  if (data === null) return 'not known';
  return isMovable ? 'nothing' : [...data.volumes, ...data.folders].join(' ');
}

export async function undrain(session: Session, { host }: HostArgs): Promise<void> {
  const { client, output } = session;
  const { body } = await client.send<Undrain>('POST', `${await pathOf(session, host)}/undrain`);
  if (output.isJson) return output.json(body);
  output.table(UNDRAIN_COLUMNS, body.services);
}

const UNDRAIN_COLUMNS: Column<Undrain['services'][number]>[] = [
  { title: 'SERVICE', cell: ({ name }) => name },
  { title: 'JOB', cell: ({ job_id: jobId }) => jobId },
];

export async function remove(session: Session, args: HostArgs & { force: boolean; yes: boolean }): Promise<void> {
  const { client, output, world } = session;
  const { host, force, yes } = args;
  const path = await pathOf(session, host);
  if (!yes) await confirm(world, 'Removing a host', `Remove "${host}"? What runs there runs on, unknown here.`);
  await client.send('DELETE', path, force ? { query: { force } } : {});
  if (output.isJson) return output.json(null);
  output.line(`${host}: removed`);
}
