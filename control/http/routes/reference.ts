// /docs: the API reference as a page, made once from the OpenAPI document.
import type { Http } from '../http.ts';
import type { DescribeApi } from '../openapi/describe.ts';
import { renderReference } from '../reference/render.ts';
import { STYLE } from '../reference/style.ts';

/** Our own style sheet and nothing else: the page has no scripts. */
const POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function mountReference(http: Http, describe: DescribeApi): void {
  const open = { config: { permission: 'public' as const }, schema: { hide: true } };
  let page: string | undefined;
  http.get('/docs', open, (_request, reply) => {
    page ??= renderReference(describe());
    return reply.header('content-security-policy', POLICY).type('text/html; charset=utf-8').send(page);
  });
  http.get('/docs/style.css', open, (_request, reply) => reply.type('text/css; charset=utf-8').send(STYLE));
}
