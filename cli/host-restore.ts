// `longshore hosts restore`: the services of a lost host come up on another one.
import type { Argv } from 'yargs';
import { sleep } from '#shared/time.ts';
import type { Session } from './command.ts';
import { JobFailedError } from './failures.ts';
import type { HostRestore, RestoredService } from './move-types.ts';
import { hostArgument, requireIdByName } from './names.ts';
import { send } from './service-move.ts';
import type { Column } from './table.ts';

const LOOK_MS = 1000;

export const restoreOptions = (yargs: Argv) =>
  hostArgument(yargs)
    .option('to', {
      type: 'string',
      requiresArg: true,
      describe: 'Where they come up; absent: how the last one stands',
    })
    .option('wait', { type: 'boolean', default: true, describe: 'Until all of them are up, or cannot be' });

interface RestoreArgs {
  host: string;
  to?: string | undefined;
  wait: boolean;
}

export async function restore(session: Session, { host, to, wait }: RestoreArgs): Promise<void> {
  const { client } = session;
  const path = `/api/hosts/${await requireIdByName(client, 'host', host)}/restore`;
  if (to === undefined) return show(session, await client.get<HostRestore>(path));
  const begun = await send<HostRestore>(session, path, { to_host_id: await requireIdByName(client, 'host', to) });
  if (!wait) return show(session, begun);
  const ended = await untilEnded(session, path);
  show(session, ended);
  if (ended.state === 'succeeded') return;
  const missing = ended.services.filter(({ state }) => state !== 'succeeded').length;
  const error = { code: 'state_conflict', message: `${missing} of ${ended.services.length} services are not there` };
  throw JobFailedError.from('The restore is not complete', error, 'The same command again goes on with them');
}

async function untilEnded({ client, output, world }: Session, path: string): Promise<HostRestore> {
  const shown = new Map<string, string>();
  for (;;) {
    const found = await client.get<HostRestore>(path);
    for (const { service_id: id, service_name: name, state } of found.services) {
      if (shown.get(id) !== state && !output.isJson) output.note(`${name}: ${state}`);
      shown.set(id, state);
    }
    if (found.state !== 'running') return found;
    await sleep(world.clock, LOOK_MS, world.interruption());
  }
}

function show({ output }: Session, found: HostRestore): void {
  if (output.isJson) return output.json(found);
  output.table(COLUMNS, found.services);
}

const COLUMNS: Column<RestoredService>[] = [
  { title: 'SERVICE', cell: (service) => service.service_name },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'BACKUP OF', cell: (service) => service.backup_at },
  { title: 'REASON', cell: ({ reason }) => reason },
];
