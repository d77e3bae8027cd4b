// The far side of Cloudflare's API, as far as its documentation says what it does with DNS records.
import type { Send } from '../../control/dns/cloudflare.ts';

interface CloudRecord {
  id: string;
  type: string;
  name: string;
  content: string;
  comment?: string;
}

export class Cloudflare {
  readonly records: CloudRecord[] = [];
  /** `GET /zones?name=…`, each call. */
  readonly calls: string[] = [];
  /** What the next call is answered with instead. */
  trouble: { status: number; body: string } | undefined;
  readonly #zone: string;
  readonly #token: string;
  #made = 0;

  constructor(zone: string, token: string) {
    this.#zone = zone;
    this.#token = token;
  }

  readonly send: Send = async ({ url, method, headers, body, signal }) => {
    signal.throwIfAborted();
    const { pathname, searchParams } = new URL(url);
    const path = pathname.replace('/client/v4', '');
    this.calls.push(`${method} ${path}`);
    if (this.trouble) return { status: this.trouble.status, body: Buffer.from(this.trouble.body) };
    if (headers['authorization'] !== `Bearer ${this.#token}`) return refusal(403, 9109, 'Invalid access token');
    if (path === '/zones')
      return success(searchParams.get('name') === this.#zone ? [{ id: 'z1', name: this.#zone }] : []);
    if (method === 'GET') return success(this.#of(searchParams.get('name')));
    return success(this.#batch(JSON.parse(body ?? '')));
  };

  put(record: Omit<CloudRecord, 'id'>): void {
    this.records.push({ id: `r${++this.#made}`, ...record });
  }

  addresses(name: string): string[] {
    return this.#of(name)
      .map(({ content }) => content)
      .toSorted();
  }

  #of(name: string | null): CloudRecord[] {
    return this.records.filter((record) => record.name === name);
  }

  #batch({ deletes, posts }: { deletes: { id: string }[]; posts: Omit<CloudRecord, 'id'>[] }): object {
    for (const { id } of deletes)
      this.records.splice(
        this.records.findIndex((record) => record.id === id),
        1,
      );
    for (const post of posts) this.put(post);
    return { deletes, posts };
  }
}

const answer = (status: number, body: object) => ({ status, body: Buffer.from(JSON.stringify(body)) });
const success = (result: unknown) => answer(200, { success: true, errors: [], messages: [], result });
const refusal = (status: number, code: number, message: string) =>
  answer(status, { success: false, errors: [{ code, message }], messages: [], result: null });
