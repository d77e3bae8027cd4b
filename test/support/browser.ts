// A browser as far as logins need one: redirects, forms, and cookies as RFC 6265bis has them: kept to their host, with
// `__Host-` only when they are Secure, over https, for all of the host and for no domain. Names are looked up in a table,
// so that https://panel.example.com is a server of ours on port 0 behind an imagined TLS proxy.
import { LongshoreError } from '#shared/errors.ts';

export interface Cookie {
  value: string;
  attributes: Record<string, string>;
}

interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

interface Request {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

const MAX_STEPS = 15;
const PERSON_FORM = 'application/x-www-form-urlencoded';

export class Browser {
  /** By origin and name. */
  readonly #jars = new Map<string, Map<string, Cookie>>();
  readonly #servers: Record<string, string>;

  /** `servers`: origin → where it really is. */
  constructor(servers: Record<string, string>) {
    this.#servers = servers;
  }

  cookie(origin: string, name: string): Cookie | undefined {
    return this.#jars.get(origin)?.get(name);
  }

  setCookie(origin: string, name: string, value: string): void {
    this.#jarOf(origin).set(name, { value, attributes: {} });
  }

  cookieHeader(origin: string): string {
    return [...this.#jarOf(origin)].map(([name, { value }]) => `${name}=${value}`).join('; ');
  }

  /** One request, no redirect followed. */
  async send(url: string, { headers = {}, ...request }: Request = {}): Promise<Answer> {
    const { origin, pathname, search } = new URL(url);
    const cookie = this.cookieHeader(origin);
    const answer = await fetch((this.#servers[origin] ?? origin) + pathname + search, {
      ...request,
      redirect: 'manual',
      headers: { ...headers, ...(cookie !== '' && { cookie }) },
    });
    for (const line of answer.headers.getSetCookie()) this.#keep(origin, line);
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  }

  /** Follows a login as `person`, through the provider's forms, until it would be sent to a URL that begins with `end`. */
  async logIn(url: string, person: string, end: string): Promise<string> {
    let [next, request]: [string, Request] = [url, {}];
    for (let step = 0; step < MAX_STEPS && !next.startsWith(end); step++) {
      const { headers, text, status } = await this.send(next, request);
      const location = headers.get('location');
      if (location !== null) [next, request] = [new URL(location, next).href, {}];
      else [next, request] = fillForm(next, text, person, status);
    }
    return next;
  }

  #jarOf(origin: string): Map<string, Cookie> {
    const jar = this.#jars.get(origin) ?? new Map<string, Cookie>();
    this.#jars.set(origin, jar);
    return jar;
  }

  #keep(origin: string, line: string): void {
    const [pair = '', ...rest] = line.split(/; */);
    const [name, value] = splitOnce(pair);
    const attributes = Object.fromEntries(rest.map((each) => splitOnce(each.toLowerCase())));
    const isHostOnly = origin.startsWith('https:') && 'secure' in attributes && attributes['path'] === '/';
    if (name.startsWith('__Host-') && (!isHostOnly || 'domain' in attributes)) return;
    if (attributes['max-age'] === '0' || Date.parse(attributes['expires'] ?? '') <= 0) this.#jarOf(origin).delete(name);
    else this.#jarOf(origin).set(name, { value, attributes });
  }
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf('=');
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function fillForm(page: string, html: string, person: string, status: number): [string, Request] {
  const action = /action="([^"]+)"/.exec(html)?.[1];
  const prompt = /name="prompt" value="(\w+)"/.exec(html)?.[1];
  if (action === undefined || prompt === undefined)
    throw new LongshoreError('internal', { message: `No form at ${page} (${status}): ${html.slice(0, 300)}` });
  const fields = { prompt, ...(prompt === 'login' && { login: person, password: 'x' }) };
  const body = new URLSearchParams(fields).toString();
  return [new URL(action, page).href, { method: 'POST', body, headers: { 'content-type': PERSON_FORM } }];
}
