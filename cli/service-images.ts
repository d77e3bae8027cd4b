// `longshore services check-updates`: asks the registries what the images of a service are by now.
import type { Argv } from 'yargs';
import { argument, type Session } from './command.ts';
import type { CheckedUpdates, ImageUpdate } from './image-types.ts';
import { requireServiceId } from './services.ts';
import type { Column } from './table.ts';

export const checkUpdatesOptions = <T>(yargs: Argv<T>) => argument(yargs, 'service', 'Its name or id');

const STATE_STYLE = { newer: 'yellow', current: 'green', fixed: 'gray', unknown: 'red' } as const;

const COLUMNS: Column<ImageUpdate>[] = [
  { title: 'SERVICE', cell: (update) => update.service },
  { title: 'STATE', cell: (update) => update.state, style: (_, update) => STATE_STYLE[update.state] },
  { title: 'IMAGE', cell: (update) => update.image },
  { title: 'REASON', cell: (update) => update.reason },
];

export async function checkUpdates({ client, output }: Session, { service }: { service: string }): Promise<void> {
  const id = await requireServiceId(client, service);
  const { body } = await client.send<CheckedUpdates>('POST', `/api/services/${id}/check-updates`);
  if (output.isJson) return output.json(body);
  output.table(COLUMNS, body.updates);
  if (body.update_available) output.note(`Newer images are available: longshore services redeploy ${service}`);
}
