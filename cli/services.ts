// Services by id or name: people type names, the API wants ids.
import { LongshoreError } from '#shared/errors.ts';
import type { Client } from './client.ts';
import type { List, Service } from './api-types.ts';

const ID = /^svc_[0-9a-z]{6,40}$/;
/** The API searches by part of a name; with this sort the exact name comes first among those that start with it. */
const SEARCH = { sort: 'name', order: 'asc', per_page: 100 } as const;

/** Throws `not_found`. */
export async function requireServiceId(client: Client, idOrName: string): Promise<string> {
  if (ID.test(idOrName)) return idOrName;
  const found = await findService(client, idOrName);
  if (found?.set_id) throw ofSet(found);
  if (found) return found.id;
  const details = '`longshore services list` shows what there is';
  throw new LongshoreError('not_found', { message: `There is no service "${idOrName}"`, details });
}

/** Its set has one of that name on each of its hosts. */
const ofSet = ({ name, set_id: setId }: Service): LongshoreError =>
  new LongshoreError('bad_request', {
    message: `"${name}" is a set, with a service on each of its hosts: use the id of one`,
    details: `\`longshore sets get ${setId}\` shows them; \`longshore sets\` changes them all`,
  });

export async function findService(client: Client, name: string): Promise<Service | undefined> {
  for (let page = 1; ; page++) {
    const list = await client.get<List<Service>>('/api/services', { ...SEARCH, page, search: name });
    const found = list.data.find((service) => service.name === name);
    if (found || list.data.length === 0 || page * list.per_page >= list.total) return found;
  }
}
