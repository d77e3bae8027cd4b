// OpenAPI 3.1 at /api/openapi.json, generated from the schemas the routes check and answer with.
import swagger from '@fastify/swagger';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { errorView } from './errors.ts';
import type { Http } from './http.ts';

/** Must come before the first route. */
export async function describeRoutes(http: Http, publicUrl: string | null): Promise<void> {
  await http.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Longshore',
        version: '1',
        description: 'Errors have one shape, the schema `Error`; docs/errors.md lists their codes.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      ...(publicUrl !== null && { servers: [{ url: publicUrl }] }),
      components: { securitySchemes: { apiKey: { type: 'http', scheme: 'bearer' } } },
      security: [{ apiKey: [] }],
    },
    transform: (document) => jsonSchemaTransform(withErrors(document)),
    transformObject: jsonSchemaTransformObject,
  });
}

type Document = Parameters<typeof jsonSchemaTransform>[0];

/** Whatever goes wrong, the answer has one shape. */
function withErrors(document: Document): Document {
  const response = { ...(document.schema.response as object), default: errorView };
  return { ...document, schema: { ...document.schema, response } };
}

export function mountOpenApi(http: Http): void {
  let text: string | undefined; // the routes do not change once we listen
  http.get('/api/openapi.json', { config: { permission: 'public' }, schema: { hide: true } }, (_request, reply) => {
    text ??= JSON.stringify(http.swagger());
    return reply.type('application/json; charset=utf-8').send(text);
  });
}
