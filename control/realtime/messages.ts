// The messages of /api/ws: what a client may say, and how news of the bus read on the wire. Log lines come ready-made
// (log-format.ts).
import { z } from 'zod';
import { toRfc3339 } from '#shared/time.ts';
import { LIVE_TYPES, type LiveEvent } from '../app/api/live.ts';

const MAX_SERVICES = 100;

const selection = {
  types: z.array(z.enum(LIVE_TYPES)).min(1).max(LIVE_TYPES.length).optional(),
  service_ids: z.array(z.string().min(1).max(64)).min(1).max(MAX_SERVICES).optional(),
};

export const clientMessage = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('subscribe'), ...selection }),
  z.strictObject({ type: z.literal('unsubscribe'), ...selection }),
]);
export type ClientMessage = z.infer<typeof clientMessage>;

/** Undefined for what is not JSON or not one of the messages. */
export function readClientMessage(text: string): ClientMessage | undefined {
  try {
    return clientMessage.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

export const toLiveMessage = (event: LiveEvent): object => ({ ...toFields(event), timestamp: toRfc3339(event.at) });

// oxlint-disable-next-line typescript/consistent-return -- the switch is exhaustive, and another rule keeps it so
function toFields(event: LiveEvent): object {
  const { type } = event;
  switch (event.type) {
    case 'deploy.progress': {
      const { step, state, percent, message } = event;
      return { type, service_id: event.serviceId, job_id: event.jobId, step, state, percent, message };
    }
    case 'service.status': {
      const { lifecycle: status, health, reason } = event;
      return { type, service_id: event.serviceId, status, health, reason };
    }
    case 'health.changed':
      return { type, service_id: event.serviceId, health: event.health };
    case 'backup.progress': {
      const { serviceId, backupId, jobId, kind, state, percent = null, message } = event;
      const { bytesDone = null, totalBytes = null } = event;
      const ids = { service_id: serviceId, backup_id: backupId, job_id: jobId };
      return { type, ...ids, kind, state, percent, bytes_done: bytesDone, total_bytes: totalBytes, message };
    }
    case 'host.status':
      return { type, host_id: event.hostId, status: event.status };
  }
}
