// `longshore services hook`: makes the push hook of a service, or takes it away.
import { randomUUID } from 'node:crypto';
import type { Argv } from 'yargs';
import { argument, type Session } from './command.ts';
import { requireServiceId } from './services.ts';

interface HookArgs {
  service: string;
  remove: boolean;
}

export const hookOptions = <T>(yargs: Argv<T>) =>
  argument(yargs, 'service', 'Its name or id')
    .option('remove', { type: 'boolean', default: false, describe: 'Take it away' })
    .example('$0 services hook shop', 'prints what to enter at the repository; a hook that is there ends');

export async function hook({ client, output }: Session, { service, remove }: HookArgs): Promise<void> {
  const path = `/api/services/${await requireServiceId(client, service)}/hooks`;
  if (remove) {
    await client.send('DELETE', path);
    return output.isJson ? output.json(null) : output.line(`${service}: has no push hook any more`);
  }
  // One key for all tries: an answer that got lost would leave a secret that nobody knows.
  const { body } = await client.send<{ url: string; secret: string }>('POST', path, { idempotencyKey: randomUUID() });
  return output.isJson ? output.json(body) : output.facts({ ...body });
}
