// The audit log: read only. What writes it is ../audit.ts.
import { z } from 'zod';
import { AUDIT_RESULTS } from '../../app/api/audit.ts';
import type { App } from '../../app/api/app.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import { auditPage, toAuditView } from '../views/audit.ts';
import { filterText, fromPaging, newestFirst, pagingFields, toPageView } from '../views/page.ts';

const instant = z.iso.datetime({ offset: true });
const listQuery = z.strictObject({
  ...pagingFields,
  actor: filterText.optional().meta({ description: 'Id of a key or session' }),
  action: filterText.optional().meta({ description: 'What was done', example: 'services.create' }),
  target: filterText.optional().meta({ description: 'Id of what was acted on' }),
  result: z.enum(AUDIT_RESULTS).optional().describe('How it ended'),
  since: instant.optional().meta({ description: 'From this instant on' }),
  until: instant.optional().meta({ description: 'Before this instant' }),
  sort: z.literal('timestamp').default('timestamp'),
  order: newestFirst,
});

export function mountAudit(http: Http, app: Pick<App, 'audit'>): void {
  http.get(
    '/api/audit',
    {
      config: { permission: 'audit.read' },
      schema: {
        tags: ['audit'],
        summary: 'List who changed what',
        querystring: listQuery,
        response: { 200: auditPage },
      },
    },
    (request) => {
      const { actor, action, target, result, since, until, order } = request.query;
      const range = { since: toMs(since), until: toMs(until) };
      const query = { ...fromPaging(request.query), actor, action, target, result, ...range, order };
      return toPageView(app.audit.list(callerOf(request), query), toAuditView);
    },
  );
}

const toMs = (text: string | undefined): number | undefined => (text === undefined ? undefined : Date.parse(text));
