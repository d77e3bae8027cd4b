// Somebody who looks at lists while something else is measured: one call after the other, with a pause between them.
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'undici';
import type { Started } from './fleet-roles.ts';
import { percentile, round } from './report.ts';

const PATHS = ['/api/hosts?per_page=20', '/api/services?per_page=20'];
const PAUSE_MS = 50;
/** When ten thousand dial in the same moment the system drops what does not fit its queue, also a panel's. */
const CONNECT_LIMIT_MS = 120_000;

export class Panel {
  readonly #client: Client;
  readonly #headers: Record<string, string>;
  readonly #times: number[] = [];
  readonly #looking: Promise<void>;
  readonly #closed = new AbortController();

  constructor({ url, key }: Pick<Started, 'url' | 'key'>) {
    this.#client = new Client(url, { connect: { rejectUnauthorized: false, timeout: CONNECT_LIMIT_MS } });
    this.#headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    this.#looking = this.#look();
  }

  async post(path: string, body: object): Promise<void> {
    const { statusCode, body: answer } = await this.#client.request({
      method: 'POST',
      path,
      headers: this.#headers,
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (statusCode !== 201) throw new Error(`${path} answered ${statusCode}: ${text}`);
  }

  /** How long its calls took. */
  async close(): Promise<Record<string, string>> {
    this.#closed.abort();
    await this.#looking;
    await this.#client.close();
    const [p50, p99] = [percentile(this.#times, 0.5), percentile(this.#times, 0.99)];
    return { 'lists p50 / p99, ms': `${round(p50)} / ${round(p99)}` };
  }

  async #look(): Promise<void> {
    for (let n = 0; !this.#closed.signal.aborted; n++) {
      const start = performance.now();
      const path = PATHS[n % PATHS.length] as string;
      const { statusCode, body } = await this.#client.request({ method: 'GET', path, headers: this.#headers });
      await body.dump();
      if (statusCode !== 200) throw new Error(`${path} answered ${statusCode}`);
      this.#times.push(performance.now() - start);
      await sleep(PAUSE_MS);
    }
  }
}
