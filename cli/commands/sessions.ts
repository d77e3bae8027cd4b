// `longshore sessions …`: who is logged in, and the end of a session.
import type { Argv } from 'yargs';
import type { PersonSession } from '../api-types.ts';
import { apiCommand, argument, group, withSession, type Session } from '../command.ts';
import { formatAge } from '../duration.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import type { Column } from '../table.ts';

export const command = group('sessions', (own, world) =>
  own
    .command(['list', 'ls'], 'List sessions', (y) => pagingOptions(apiCommand(y)), withSession(world, list))
    .command('revoke <session>', 'End a session at once', one, withSession(world, revoke)),
);

const one = (yargs: Argv) => argument(yargs, 'session', 'Its id');

const columnsAt = (nowMs: number): Column<PersonSession>[] => [
  { title: 'ID', cell: (session) => session.id },
  { title: 'NAME', cell: (session) => session.name },
  { title: 'ADDRESS', cell: (session) => session.address },
  { title: 'USED', cell: (session) => formatAge(session.last_used_at, nowMs) },
  { title: 'EXPIRES', cell: (session) => session.expires_at },
  { title: 'PERMISSIONS', cell: (session) => session.permissions.join(' ') },
];

const list = (session: Session, { page, perPage }: PagingArgs): Promise<void> =>
  showList(session, '/api/auth/sessions', { page, perPage }, columnsAt(session.world.clock.now()));

async function revoke({ client, output }: Session, { session }: { session: string }): Promise<void> {
  await client.send('DELETE', `/api/auth/sessions/${encodeURIComponent(session)}`);
  if (output.isJson) return output.json(null);
  output.line(`${session}: ended`);
}
