// Somebody who has logged in, as far as the server can tell: a session cookie, and pages of ours or of others that make
// the browser send it.
import type { Permission } from '../../control/app/access/permissions.ts';
import type { ControlWorld } from './control-world.ts';
import type { ErrorBody, TestHttp, TestSocket } from './http-server.ts';

/** What the server is configured to be reached by. */
export const PANEL = 'https://panel.example.com';
export const SESSION_COOKIE = '__Host-longshore_session';

type Headers = Record<string, string>;

export class Person {
  readonly cookie: string;
  readonly #http: TestHttp;

  constructor(http: TestHttp, cookie: string) {
    this.#http = http;
    this.cookie = cookie;
  }

  /** As a page of ours sends it. */
  async call<T = Record<string, unknown>>(method: string, path: string, more: Headers = {}, body?: unknown) {
    const own = method === 'GET' ? {} : { origin: PANEL, 'x-csrf-token': await this.csrfToken() };
    return this.send<T>(method, path, { ...own, ...more }, body);
  }

  /** With the cookie and exactly these headers. */
  send<T = Record<string, unknown>>(method: string, path: string, more: Headers = {}, body?: unknown) {
    const headers = { cookie: this.cookie, ...more };
    return this.#http.call<T>(method, path, { key: null, headers, ...(body !== undefined && { body }) });
  }

  async error(method: string, path: string, more: Headers = {}) {
    const { status, body } = await this.call<ErrorBody>(method, path, more);
    return { status, ...body.error };
  }

  session = async () => (await this.send<{ id: string; csrf_token: string }>('GET', '/api/auth/session')).body;

  csrfToken = async (): Promise<string> => (await this.session()).csrf_token ?? '';

  socket(path = '/api/ws', headers: Headers = { origin: PANEL }): TestSocket {
    return this.#http.socket(path, { key: null, headers: { cookie: this.cookie, ...headers } });
  }
}

interface Given {
  subject?: string;
  permissions?: Permission[];
  customerId?: string | null;
}

/** As after a login, without one. */
export async function openSession(world: ControlWorld, http: TestHttp, given: Given = {}): Promise<Person> {
  const { subject = 'ada', permissions = ['*'], customerId = null } = given;
  const who = { issuer: 'https://id.example.com', subject, name: subject, email: null, idToken: 'id-token' };
  const { secret } = await world.app.sessions.open(
    { ...who, permissions, customerId, address: '127.0.0.1', userAgent: null },
    undefined,
  );
  return new Person(http, `${SESSION_COOKIE}=${secret}`);
}
