// Templates: the catalogue, and the users' own ones. Deploying one is making a service of it.
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import { TEMPLATE_ORIGINS, TEMPLATE_SORTS } from '../../app/api/templates.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import { fromNewServiceBody, deployTemplateBody } from '../views/new-service.ts';
import * as own from '../views/new-template.ts';
import { filterText, fromPaging, idParams, orderField, pagingFields, toPageView } from '../views/page.ts';
import { createdServiceView } from '../views/service.ts';
import { templateDetailView, templatePage, toTemplateDetailView, toTemplateView } from '../views/template.ts';
import { writer } from '../writes.ts';
import { createService } from './services.ts';

const listQuery = z.strictObject({
  ...pagingFields,
  category: filterText.optional().describe('Only those of this category, such as ai or database'),
  origin: z.enum(TEMPLATE_ORIGINS).optional().describe('Only those of the catalogue, own or imported ones'),
  search: filterText.optional().describe('Part of the id, the name or the tagline'),
  sort: z.enum(TEMPLATE_SORTS).default('name'),
  order: orderField,
});

const importedView = z
  .object({
    imported: z.array(templateDetailView),
    skipped: z.array(z.object({ name: z.string(), reason: z.string() })),
  })
  .meta({ id: 'ImportedTemplates' });

export function mountTemplates(http: Http, app: App): void {
  const write = writer(app.idempotency);
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
      const { category, origin, search, sort, order } = request.query;
      const query = { ...fromPaging(request.query), category, origin, search, sort, order };
      return toPageView(app.templates.list(callerOf(request), query), toTemplateView);
    },
  );

  http.post(
    '/api/templates',
    {
      config: { permission: 'templates.create' },
      schema: {
        tags: ['templates'],
        summary: 'Make a template of your own',
        body: own.newTemplateBody,
        response: { 201: templateDetailView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const input = { ...own.fromSourceBody(request.body), customerId: request.body.customer_id };
        return { status: 201, body: toTemplateDetailView(await app.templates.create(caller, input)) };
      }),
  );

  http.post(
    '/api/templates/import',
    {
      // One import may fetch 250 texts and take a second of work.
      config: { permission: 'templates.create', limit: 'deploy' },
      schema: {
        tags: ['templates'],
        summary: 'Import templates from a file or URL of another system',
        description: 'Each template says in `warnings` what could not be carried over. A dry run answers 200.',
        body: own.importBody,
        response: { 200: importedView, 201: importedView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const input = own.fromImportBody(request.body);
        const { imported, skipped } = await app.templates.import(caller, input);
        const body = { imported: imported.map(toTemplateDetailView), skipped };
        return { status: input.isDryRun ? 200 : 201, body };
      }),
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

  http.get(
    '/api/templates/:id/source',
    {
      config: { permission: 'templates.read' },
      schema: {
        tags: ['templates'],
        summary: 'Get a template as its author writes it, to copy or change it',
        params: idParams,
        response: { 200: own.templateSourceView },
      },
    },
    (request) => app.templates.source(callerOf(request), request.params.id),
  );

  http.put(
    '/api/templates/:id',
    {
      config: { permission: 'templates.update' },
      schema: {
        tags: ['templates'],
        summary: 'Replace a template of your own; services made of it stay as they are',
        params: idParams,
        body: own.templateSourceBody,
        response: { 200: templateDetailView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const changed = await app.templates.replace(caller, request.params.id, own.fromSourceBody(request.body));
        return { status: 200, body: toTemplateDetailView(changed) };
      }),
  );

  http.delete(
    '/api/templates/:id',
    {
      config: { permission: 'templates.delete' },
      schema: {
        tags: ['templates'],
        summary: 'Delete a template of your own; services made of it stay as they are',
        params: idParams,
        response: { 204: z.null() },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        await app.templates.remove(caller, request.params.id);
        return { status: 204 };
      }),
  );

  http.post(
    '/api/templates/:id/deploy',
    {
      config: { permission: 'services.create', limit: 'deploy' },
      schema: {
        tags: ['templates'],
        summary: 'Create and deploy a service of a template',
        description: 'The same as POST /api/services with this `template_id`; an unknown one is a 404.',
        params: idParams,
        body: deployTemplateBody,
        response: { 201: createdServiceView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { id } = app.templates.require(caller, request.params.id);
        const body = { ...request.body, deploy_method: 'template' as const, template_id: id };
        return createService(app, caller, fromNewServiceBody(body));
      }),
  );
}
