// Customers, plans, hosts, services and sets by name or id: people type names, the API wants ids.
import type { Argv } from 'yargs';
import { LongshoreError } from '#shared/errors.ts';
import type { List } from './api-types.ts';
import type { Client } from './client.ts';
import { argument } from './command.ts';

const KINDS = {
  host: { path: '/api/hosts', prefix: 'host_' },
  customer: { path: '/api/customers', prefix: 'cust_' },
  plan: { path: '/api/plans', prefix: 'plan_' },
  set: { path: '/api/service-sets', prefix: 'set_' },
} as const;
/** The API searches by part of a name; in this order namesakes stand beside each other. */
const SEARCH = { sort: 'name', order: 'asc', per_page: 100 } as const;

/** Ready for a path. Throws `not_found`, and `bad_request` when two have the name. */
export async function requireIdByName(client: Client, kind: keyof typeof KINDS, idOrName: string): Promise<string> {
  if (idOrName.startsWith(KINDS[kind].prefix)) return encodeURIComponent(idOrName);
  const [found, ...more] = await findNamesakes(client, KINDS[kind].path, idOrName);
  const details = `\`longshore ${kind}s list\` shows what there is`;
  if (!found) throw new LongshoreError('not_found', { message: `There is no ${kind} "${idOrName}"`, details });
  if (more.length === 0) return found.id;
  throw new LongshoreError('bad_request', {
    message: `Several ${kind}s are called "${idOrName}": use the id`,
    details,
  });
}

/** A subcommand's host. */
export const hostArgument = <T>(yargs: Argv<T>) => argument(yargs, 'host', 'Its name or id');

interface Named {
  id: string;
  name: string;
  status?: string;
}

async function findNamesakes(client: Client, path: string, name: string): Promise<Named[]> {
  const found: Named[] = [];
  for (let page = 1; ; page++) {
    const list = await client.get<List<Named>>(path, { ...SEARCH, page, search: name });
    found.push(...list.data.filter((one) => one.name === name));
    if (list.data.length === 0 || page * list.per_page >= list.total) return withoutRevoked(found);
  }
}

/** A host that was shut out and let in again is another one; the old one counts when there is no other. */
function withoutRevoked(found: Named[]): Named[] {
  const [first, ...rest] = found.filter(({ status }) => status !== 'revoked');
  return first ? [first, ...rest] : found;
}
