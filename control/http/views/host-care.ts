// Changes of hosts, drains and removals as the API shows them.
import { z } from 'zod';
import type { Drain, HostChange, Undrain } from '../../app/api/host-care.ts';
import { HOST_NAME, HOST_NAME_RULE } from '../../app/hosts/host-name.ts';
import { MAX_HOST_LABELS } from '../../app/hosts/labels.ts';
import { hostLabelsOf, hostLabelValue } from './host-labels.ts';
import { hostView, toHostView } from './host.ts';

export const hostChangeBody = z
  .strictObject({
    name: z.string().regex(HOST_NAME, `Use ${HOST_NAME_RULE}`).optional().meta({ example: 'web-1' }),
    labels: hostLabelsOf(hostLabelValue.nullable(), 2 * MAX_HOST_LABELS)
      .optional()
      .meta({ description: `Merged; null removes. A host has at most ${MAX_HOST_LABELS}.` }),
  })
  .meta({ id: 'HostChange', example: { name: 'web-1', labels: { zone: 'eu', old: null } } });

export const fromHostChangeBody = ({ name, labels }: z.infer<typeof hostChangeBody>): HostChange => ({ name, labels });

const service = { id: z.string().meta({ example: 'svc_abc123' }), name: z.string() };
const jobId = z.string().nullable();

const drainedService = z.object({
  ...service,
  action: z.enum(['stopping', 'called_off', 'left']).meta({
    description: '`called_off`: the host had not heard of it yet; `left`: it is as it was, `reason` says why',
  }),
  reason: z.string().nullable(),
  job_id: jobId.meta({ description: 'That stops it' }),
  data: z
    .object({
      volumes: z.array(z.string()).meta({ description: 'As the compose file names them' }),
      folders: z.array(z.string()).meta({ description: 'Of the host' }),
    })
    .nullable()
    .meta({ description: 'What it keeps on the host; null: its compose file is in a repository' }),
  is_movable: z.boolean().nullable().meta({ description: 'It keeps nothing on the host; null: not known' }),
});

export const drainView = z.object({ host: hostView, services: z.array(drainedService) }).meta({ id: 'Drain' });
export const undrainView = z
  .object({
    host: hostView,
    services: z.array(
      z.object({
        ...service,
        job_id: jobId.meta({ description: 'That starts it; null: its customer is suspended, or it was disabled' }),
      }),
    ),
  })
  .meta({ id: 'Undrain' });

export const toDrainView = ({ host, services }: Drain): z.infer<typeof drainView> => ({
  host: toHostView(host),
  services: services.map(({ jobId: job_id, data, ...told }) => ({
    ...told,
    job_id,
    data,
    is_movable: data && data.volumes.length + data.folders.length === 0,
  })),
});

export const toUndrainView = ({ host, services }: Undrain): z.infer<typeof undrainView> => ({
  host: toHostView(host),
  services: services.map(({ id, name, jobId: job_id }) => ({ id, name, job_id })),
});
