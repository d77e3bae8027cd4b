// Steady requests at a URL, and what became of each.
import { Agent, get } from 'node:http';
import type { Test } from 'tap';

/** A proxy that finds nobody within this long has failed. */
const PATIENCE_MS = 15_000;
const TICK_MS = 25;

export class Load {
  sent = 0;
  /** Bodies of good answers, with how often each came. */
  readonly answers = new Map<string, number>();
  /** Everything else, in words. */
  readonly failures: string[] = [];
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 });
  readonly #underWay = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  /** Goes by the clock and not by ticks: a late tick sends what is due. */
  start(perSecond: number): void {
    const startedAt = performance.now();
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startedAt) / 1000) * perSecond);
      while (this.sent < due) this.#send();
    }, TICK_MS);
  }

  /** Resolves once every request has its end. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
    this.#agent.destroy();
  }

  #send(): void {
    this.sent += 1;
    const request = this.#ask().finally(() => this.#underWay.delete(request));
    this.#underWay.add(request);
  }

  async #ask(): Promise<void> {
    try {
      const { status, body } = await fetchText(this.#url, this.#agent);
      if (status === 200) this.answers.set(body, (this.answers.get(body) ?? 0) + 1);
      else this.failures.push(`${status} ${body}`);
    } catch (error) {
      this.failures.push(String(error));
    }
  }
}

/** Ends with the test. */
export function startLoad(t: Test, url: string, perSecond: number): Load {
  const load = new Load(url);
  t.teardown(() => load.stop());
  load.start(perSecond);
  return load;
}

const fetchText = (url: string, agent: Agent): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const request = get(url, { agent, timeout: PATIENCE_MS }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)));
    request.on('error', reject);
  });
