// OpenAPI 3.1 at /api/openapi.json, generated from the schemas the routes check and answer with.
import swagger from '@fastify/swagger';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { errorView } from '../errors.ts';
import type { Http } from '../http.ts';
import { completeDocument } from './complete.ts';
import type { OpenApi } from './document.ts';

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
      servers: [{ url: publicUrl ?? '/' }],
      components: {
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer', description: 'An API key: `Authorization: Bearer lsk_…`' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: '__Host-longshore_session',
            description: 'A login. Writes need our own `Origin` and the `csrf_token` in `X-CSRF-Token` (docs/auth.md).',
          },
        },
      },
      security: [{ apiKey: [] }, { session: [] }],
    },
    transform: (input) => jsonSchemaTransform(withErrorsAndPermission(input)),
    transformObject: jsonSchemaTransformObject,
  });
}

type Described = Parameters<typeof jsonSchemaTransform>[0];

/** Whatever goes wrong, the answer has one shape; and each operation says what a key needs. */
function withErrorsAndPermission(input: Described): Described {
  const { permission, takesUpgrade } = input.route.config ?? {};
  const schema = {
    ...input.schema,
    'x-permission': permission,
    ...(takesUpgrade && { 'x-websocket': true }),
    ...(permission === 'public' && { security: [] }),
    response: { ...(input.schema.response as object), default: errorView },
  };
  return { ...input, schema };
}

export type DescribeApi = () => OpenApi;

/** The document of the routes mounted so far, made once: they do not change when we listen. */
export function documentOf(http: Http): DescribeApi {
  let document: OpenApi | undefined;
  return () => (document ??= completeDocument(http.swagger() as unknown as OpenApi));
}

export function mountOpenApi(http: Http, describe: DescribeApi): void {
  let text: string | undefined;
  http.get('/api/openapi.json', { config: { permission: 'public' }, schema: { hide: true } }, (_request, reply) => {
    text ??= JSON.stringify(describe());
    return reply.type('application/json; charset=utf-8').send(text);
  });
}
