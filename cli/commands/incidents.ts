// `longshore incidents`: one fault, however many hosts it took.
import type { Argv } from 'yargs';
import type { Incident, IncidentDetail } from '../host-types.ts';
import { apiCommand, argument, group, withSession, type Session } from '../command.ts';
import { formatAge } from '../duration.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import type { Column } from '../table.ts';

export const command = group('incidents', (own, world) =>
  own
    .command(['list', 'ls'], 'List incidents, newest first', listOptions, withSession(world, list))
    .command('get <incident>', 'Show one and its hosts', one, withSession(world, get)),
);

const one = (yargs: Argv) => argument(yargs, 'incident', 'Its id');

const listOptions = (yargs: Argv) =>
  pagingOptions(apiCommand(yargs)).option('status', { choices: ['open', 'resolved'] as const, describe: 'Only these' });

interface ListArgs extends PagingArgs {
  status?: string | undefined;
}

const columnsAt = (nowMs: number): Column<Incident>[] => [
  { title: 'STATUS', cell: ({ status }) => status, style: (text) => (text === 'open' ? 'red' : 'gray') },
  { title: 'KIND', cell: ({ kind }) => kind },
  { title: 'HOSTS', cell: (incident) => incident.host_count },
  { title: 'AWAY', cell: (incident) => incident.away_count },
  { title: 'BEGAN', cell: (incident) => formatAge(incident.started_at, nowMs) },
  { title: 'ENDED', cell: (incident) => formatAge(incident.ended_at, nowMs) },
  { title: 'ID', cell: ({ id }) => id },
  { title: 'MESSAGE', cell: ({ message }) => message },
];

const list = (session: Session, { page, perPage, status }: ListArgs): Promise<void> =>
  showList(session, '/api/incidents', { page, perPage, status }, columnsAt(session.world.clock.now()));

async function get({ client, output, world }: Session, { incident }: { incident: string }): Promise<void> {
  const found = await client.get<IncidentDetail>(`/api/incidents/${encodeURIComponent(incident)}`);
  if (output.isJson) return output.json(found);
  output.facts({
    id: found.id,
    kind: found.kind,
    status: found.status,
    'started at': found.started_at,
    'ended at': found.ended_at,
    message: found.message,
  });
  output.table(hostColumnsAt(world.clock.now()), found.hosts);
}

const hostColumnsAt = (nowMs: number): Column<IncidentDetail['hosts'][number]>[] => [
  { title: 'HOST', cell: ({ name }) => name },
  { title: 'LOST', cell: (host) => formatAge(host.lost_at, nowMs) },
  { title: 'BACK', cell: (host) => formatAge(host.back_at, nowMs) },
  { title: 'ID', cell: ({ id }) => id },
];
