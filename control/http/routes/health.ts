// What load balancers and service managers ask. Not counted by the rate limit: a probe a second would use it up.
import { z } from 'zod';
import { LongshoreError } from '#shared/errors.ts';
import type { App } from '../../app/api/app.ts';
import type { Http } from '../http.ts';

const healthView = z.object({ status: z.literal('ok') });

export function mountHealth(http: Http, app: Pick<App, 'readiness'>): void {
  http.get(
    '/healthz',
    {
      config: { permission: 'public', limit: 'none' },
      schema: { tags: ['health'], summary: 'Whether the server is up', security: [], response: { 200: healthView } },
    },
    () => ({ status: 'ok' as const }),
  );

  http.get(
    '/readyz',
    {
      config: { permission: 'public', limit: 'none' },
      schema: { tags: ['health'], summary: 'Whether it can work', security: [], response: { 200: healthView } },
    },
    () => {
      const { isReady, reason } = app.readiness();
      if (!isReady) throw new LongshoreError('unavailable', { ...(reason !== null && { details: reason }) });
      return { status: 'ok' as const };
    },
  );
}
