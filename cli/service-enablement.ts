// `longshore services enable|disable`, and what a service's host did about its failures, in words.
import { count } from '#shared/count.ts';
import type { Service } from './api-types.ts';
import type { Session } from './command.ts';
import { requireServiceId } from './services.ts';

export const setEnabled =
  (verb: 'enable' | 'disable') =>
  async ({ client, output }: Session, { service }: { service: string }): Promise<void> => {
    const id = await requireServiceId(client, service);
    const { body } = await client.send('POST', `/api/services/${id}/${verb}`);
    if (output.isJson) return output.json(body);
    output.line(`${service}: ${verb}d`);
  };

/** Null while nothing has failed and nothing was restarted. */
export function healingOf(service: Service): string | null {
  const { enabled, failure_count: failures, restart_count: restarts } = service;
  const facts = [
    enabled ? null : 'disabled: its host leaves it alone',
    service.gave_up_at && `given up since ${service.gave_up_at}`,
    failures > 0 ? count(failures, 'failure') : null,
    restarts > 0 ? `${count(restarts, 'restart')}, the last at ${service.last_restart_at ?? 'a time not known'}` : null,
    service.next_restart_at && `next restart at ${service.next_restart_at}`,
  ];
  return facts.filter(Boolean).join('; ') || null;
}
