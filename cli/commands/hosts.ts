// `longshore hosts …`: the machines, and the line that makes a machine one of them.
import type { Argv } from 'yargs';
import type { Event } from '../api-types.ts';
import type { Host } from '../host-types.ts';
import { edge, edgeOptions } from '../host-edge.ts';
import { join, joinOptions } from '../host-join.ts';
import { apiCommand, group, withSession, type Session } from '../command.ts';
import { formatAge } from '../duration.ts';
import * as care from '../host-care.ts';
import { adviceFor, factsOf, inGibibytes, labelsOf, stateOf } from '../host-facts.ts';
import { prune, pruneOptions } from '../host-prune.ts';
import { restore, restoreOptions } from '../host-restore.ts';
import { endToken, oneToken, tokenOptions, tokens } from '../host-tokens.ts';
import * as upgrades from '../host-upgrade.ts';
import { containers, hostListOptions, projects } from '../host-containers.ts';
import { hostArgument, requireIdByName } from '../names.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import type { Column } from '../table.ts';

export const command = group('hosts', (own, world) =>
  own
    .command(['list', 'ls'], 'List hosts', listOptions, withSession(world, list))
    .command(['get <host>', 'show <host>'], 'Show one host', one, withSession(world, get))
    .command('events <host>', 'Show what happened to it', eventOptions, withSession(world, events))
    .command(
      'projects <host>',
      'List what runs on a host that no service has',
      hostListOptions,
      withSession(world, projects),
    )
    .command('containers <host>', 'List all containers of a host', hostListOptions, withSession(world, containers))
    .command('join', 'Print the command that makes a machine a host', joinOptions, withSession(world, join))
    .command('tokens', 'List the tokens that lines of `join` hold', tokenOptions, withSession(world, tokens))
    .command('end-token <token>', 'Let nobody in by one any more', oneToken, withSession(world, endToken))
    .command('prune <host>', 'Remove images that nothing on it needs', pruneOptions, withSession(world, prune))
    .command(
      'upgrade [hosts..]',
      'Upgrade their agents, in waves',
      upgrades.upgradeOptions,
      withSession(world, upgrades.upgrade),
    )
    .command(
      'upgrades [upgrade]',
      'Show the last upgrades, or one',
      upgrades.upgradesOptions,
      withSession(world, upgrades.upgrades),
    )
    .command(
      'resume-upgrade <upgrade>',
      'Go on with a halted one',
      upgrades.followedUpgrade,
      withSession(world, upgrades.resumeUpgrade),
    )
    .command(
      'cancel-upgrade <upgrade>',
      'End one; who had no turn keeps what it has',
      upgrades.oneUpgrade,
      withSession(world, upgrades.cancelUpgrade),
    )
    .command('rename <host> <name>', 'Give it another name', care.renameOptions, withSession(world, care.rename))
    .command(
      'label <host> <labels..>',
      'Set labels, or take them off',
      care.labelOptions,
      withSession(world, care.label),
    )
    .command('edge <host>', 'What answers to names on it', edgeOptions, withSession(world, edge))
    .command('cordon <host>', 'Let it take no new services', one, withSession(world, care.setCordon('cordon')))
    .command('uncordon <host>', 'Let it take new services again', one, withSession(world, care.setCordon('uncordon')))
    .command('drain <host>', 'Stop its services for a while', one, withSession(world, care.drain))
    .command('undrain <host>', 'Start what the drain stopped', one, withSession(world, care.undrain))
    .command(
      'restore <host>',
      'Bring up the services of a lost one elsewhere',
      restoreOptions,
      withSession(world, restore),
    )
    .command('rm <host>', 'Remove it; what runs there runs on', care.removeOptions, withSession(world, care.remove))
    .command('revoke <host>', 'Shut a host out; its services run on', one, withSession(world, revoke)),
);

const one = (yargs: Argv) => hostArgument(yargs);

const listOptions = (yargs: Argv) =>
  pagingOptions(apiCommand(yargs)).option('search', { type: 'string', describe: 'Part of the name' });

const eventOptions = (yargs: Argv) =>
  pagingOptions(one(yargs)).option('status', {
    type: 'string',
    requiresArg: true,
    describe: 'Only these, e.g. offline',
  });

const STATUS_STYLE: Record<string, 'green' | 'red' | 'gray'> = { connected: 'green', fenced: 'red', revoked: 'gray' };

const columnsAt = (nowMs: number): Column<Host>[] => [
  { title: 'NAME', cell: (host) => host.name },
  { title: 'STATUS', cell: stateOf, style: (_, host) => STATUS_STYLE[host.status] },
  { title: 'SINCE', cell: (host) => formatAge(host.status_since, nowMs) },
  { title: 'SEEN', cell: (host) => formatAge(host.last_seen_at, nowMs) },
  { title: 'CPUS', cell: (host) => host.facts?.cpus ?? null },
  { title: 'MEMORY', cell: (host) => host.facts && inGibibytes(host.facts.memory_bytes) },
  { title: 'DOCKER', cell: (host) => host.facts?.docker_version ?? null },
  { title: 'ID', cell: (host) => host.id },
  { title: 'LABELS', cell: (host) => labelsOf(host) },
];

interface ListArgs extends PagingArgs {
  search?: string | undefined;
}

const list = (session: Session, { page, perPage, search }: ListArgs): Promise<void> => {
  const columns = columnsAt(session.world.clock.now());
  return showList(session, '/api/hosts', { page, perPage, search }, columns, adviceFor);
};

async function get({ client, output, world }: Session, { host }: { host: string }): Promise<void> {
  const found = await client.get<Host>(`/api/hosts/${await requireIdByName(client, 'host', host)}`);
  if (output.isJson) return output.json(found);
  output.facts(factsOf(found, world.clock.now()));
  for (const advice of adviceFor([found])) output.note(advice);
}

interface EventArgs extends PagingArgs {
  host: string;
  status?: string | undefined;
}

async function events(session: Session, { host, page, perPage, status }: EventArgs): Promise<void> {
  const id = await requireIdByName(session.client, 'host', host);
  await showList(session, `/api/hosts/${id}/events`, { page, perPage, status }, EVENT_COLUMNS);
}

const EVENT_COLUMNS: Column<Omit<Event, 'type'>>[] = [
  { title: 'AT', cell: (event) => event.timestamp },
  { title: 'STATUS', cell: (event) => event.status },
  { title: 'MESSAGE', cell: (event) => event.message },
];

async function revoke({ client, output }: Session, { host }: { host: string }): Promise<void> {
  await client.send('POST', `/api/hosts/${await requireIdByName(client, 'host', host)}/revoke`);
  if (output.isJson) return output.json(null);
  output.line(`${host}: revoked`);
}
