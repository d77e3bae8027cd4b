// The template catalogue.
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import { filterText, fromPaging, idParams, orderField, pagingFields, toPageView } from '../views/page.ts';
import { templateDetailView, templatePage, toTemplateDetailView, toTemplateView } from '../views/template.ts';

const listQuery = z.strictObject({
  ...pagingFields,
  category: filterText.optional(),
  search: filterText.optional(),
  sort: z.literal('name').optional(),
  order: orderField,
});

export function mountTemplates(http: Http, app: App): void {
  http.get(
    '/api/templates',
    {
      config: { permission: 'templates.read' },
      schema: {
        tags: ['templates'],
        summary: 'List templates',
        querystring: listQuery,
        response: { 200: templatePage },
      },
    },
    (request) => {
      const { category, search, order } = request.query;
      return toPageView(
        app.templates.list(callerOf(request), { ...fromPaging(request.query), category, search, order }),
        toTemplateView,
      );
    },
  );

  http.get(
    '/api/templates/:id',
    {
      config: { permission: 'templates.read' },
      schema: {
        tags: ['templates'],
        summary: 'Get a template',
        params: idParams,
        response: { 200: templateDetailView },
      },
    },
    (request) => toTemplateDetailView(app.templates.require(callerOf(request), request.params.id)),
  );
}
