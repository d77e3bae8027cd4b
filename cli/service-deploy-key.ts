// `longshore services deploy-key`: makes the key that a service's repository is fetched with by ssh.
import { randomUUID } from 'node:crypto';
import type { Argv } from 'yargs';
import { argument, type Session } from './command.ts';
import { requireServiceId } from './services.ts';

export const deployKeyOptions = <T>(yargs: Argv<T>) =>
  argument(yargs, 'service', 'Its name or id').example(
    '$0 services deploy-key shop',
    "prints what to enter at the repository's host; a key that is there ends",
  );

export async function makeDeployKey({ client, output }: Session, { service }: { service: string }): Promise<void> {
  const path = `/api/services/${await requireServiceId(client, service)}/deploy-key`;
  // One key for all tries: an answer that got lost would leave a key that nobody can enter.
  const { body } = await client.send<{ public_key: string }>('POST', path, { idempotencyKey: randomUUID() });
  return output.isJson ? output.json(body) : output.line(body.public_key);
}
