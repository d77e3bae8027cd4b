// The OpenAPI document as it is committed, so that a diff shows each change of the API.
import { fileURLToPath } from 'node:url';
import { buildHttp } from '../../control/http/server.ts';
import { FakeApp } from './fake-app.ts';
import { fakeDeps } from './http-server.ts';

export const OPENAPI_FILE = fileURLToPath(new URL('../../docs/openapi.json', import.meta.url));

/** What the routes give now, as text. */
export async function generateOpenApi(): Promise<string> {
  const { http, stop } = await buildHttp(fakeDeps(new FakeApp()));
  const { payload } = await http.inject('/api/openapi.json');
  await stop();
  return `${JSON.stringify(JSON.parse(payload), null, 2)}\n`;
}
