// `longshore hosts tokens` and `end-token`: what lets machines in, and the end of it.
import type { Argv } from 'yargs';
import { argument, apiCommand, type Session } from './command.ts';
import { formatAge } from './duration.ts';
import type { JoinTokenState } from './host-join-types.ts';
import { labelsOf } from './host-facts.ts';
import { pagingOptions, showList, type PagingArgs } from './list.ts';
import type { Column } from './table.ts';

export const tokenOptions = (yargs: Argv) => pagingOptions(apiCommand(yargs));

export const oneToken = (yargs: Argv) => argument(yargs, 'token', 'Its id');

type Listed = Omit<JoinTokenState, 'hosts'>;

const columnsAt = (nowMs: number): Column<Listed>[] => [
  { title: 'ID', cell: (token) => token.id },
  { title: 'STATUS', cell: (token) => token.status },
  { title: 'USES', cell: (token) => `${token.uses}/${token.max_uses}` },
  { title: 'AGE', cell: (token) => formatAge(token.created_at, nowMs) },
  { title: 'EXPIRES', cell: (token) => token.expires_at },
  { title: 'FROM', cell: (token) => token.address_range },
  { title: 'REFUSED', cell: (token) => token.refusal && `${token.refusal.address}: ${token.refusal.reason}` },
  { title: 'LABELS', cell: labelsOf },
];

export const tokens = (session: Session, { page, perPage }: PagingArgs): Promise<void> =>
  showList(session, '/api/hosts/join-tokens', { page, perPage, order: 'desc' }, columnsAt(session.world.clock.now()));

export async function endToken({ client, output }: Session, { token }: { token: string }): Promise<void> {
  await client.send('DELETE', `/api/hosts/join-tokens/${encodeURIComponent(token)}`);
  if (output.isJson) return output.json(null);
  output.line(`${token}: lets nobody in any more`);
}
