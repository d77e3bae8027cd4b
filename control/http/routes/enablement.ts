// Enable and disable: whether the host of a service restarts what fails and brings it back after a reboot.
import { z } from 'zod';
import { LIFECYCLES } from '#shared/model.ts';
import type { App } from '../../app/api/app.ts';
import type { Http } from '../http.ts';
import { idParams } from '../views/page.ts';
import { writer } from '../writes.ts';
import { noBody } from './service-actions.ts';

const enabledView = z
  .object({
    id: z.string().meta({ example: 'svc_abc123' }),
    status: z.enum(LIFECYCLES).meta({ description: 'As it was: nothing is started or stopped', example: 'running' }),
    enabled: z.boolean().meta({ example: true }),
    message: z.string().meta({ example: 'Service enabled' }),
  })
  .meta({ id: 'EnabledService' });

const SUMMARY = {
  enable: 'Have its host heal it, and forget its failures',
  disable: 'Have its host leave it alone when it fails',
} as const;

export function mountEnablement(http: Http, app: App): void {
  const write = writer(app.idempotency);
  for (const verb of ['enable', 'disable'] as const) {
    http.post(
      `/api/services/:id/${verb}`,
      {
        config: { permission: 'services.update' },
        schema: {
          tags: ['services'],
          summary: SUMMARY[verb],
          params: idParams,
          body: noBody,
          response: { 200: enabledView },
        },
      },
      (request, reply) =>
        write(request, reply, async (caller) => {
          const { id, lifecycle, isEnabled } = await app.services.setEnabled(
            caller,
            request.params.id,
            verb === 'enable',
          );
          const body = { id, status: lifecycle, enabled: isEnabled, message: `Service ${verb}d` };
          return { status: 200, body };
        }),
    );
  }
}
