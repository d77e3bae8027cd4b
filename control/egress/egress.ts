// Calls that the control plane makes at a user's word: webhooks, and texts fetched by URL. Every call has a limit on its
// time and on what is read of its reply; redirects are answers like any other, never followed.
import { request, type Agent } from 'undici';
import { toCallFault } from '#shared/call-fault.ts';
import { LongshoreError } from '#shared/errors.ts';
import { readUpTo } from '#shared/read-up-to.ts';
import type { Clock } from '#shared/time.ts';
import { createGuard } from './guard.ts';
import type { Lookup } from '#shared/guarded-lookup.ts';
import { requireCallableUrl } from './url.ts';

export interface EgressOptions {
  allowsPrivate: boolean;
  clock: Clock;
  lookup?: Lookup;
  /** For tests. */
  connectMs?: number;
}

export interface Call {
  url: string;
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string;
  /** From name to the end of the reply. */
  timeoutMs: number;
  /** Of the reply; the rest is not read. */
  maxBytes: number;
  signal?: AbortSignal | undefined;
}

export interface Reply {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
  /** There was more than `maxBytes`. */
  isCut: boolean;
}

export const CONNECT_LIMIT_MS = 5_000;
const FETCH_LIMIT_MS = 10_000;
const FETCH_LIMIT_BYTES = 1024 * 1024;

export class Egress {
  readonly #rules: { allowsPrivate: boolean };
  readonly #clock: Clock;
  readonly #guard: Agent;

  constructor({ allowsPrivate, clock, lookup, connectMs = CONNECT_LIMIT_MS }: EgressOptions) {
    this.#rules = { allowsPrivate };
    this.#clock = clock;
    this.#guard = createGuard({ allowsPrivate, lookup, connectMs });
  }

  /** The URL as it will be called. Throws `egress_denied` with `fields.url`. */
  readonly checkUrl = (text: string): string => requireCallableUrl(text, this.#rules).href;

  /** Any reply is a result. Throws `egress_denied`, `timed_out`, `egress_failed`, or the signal's reason. */
  readonly send = async (call: Call): Promise<Reply> => {
    const url = this.checkUrl(call.url);
    const limit = new AbortController();
    const timedOut = new LongshoreError('timed_out', { message: `No complete reply within ${call.timeoutMs} ms` });
    const cancel = this.#clock.after(call.timeoutMs, () => limit.abort(timedOut));
    const signal = call.signal ? AbortSignal.any([limit.signal, call.signal]) : limit.signal;
    try {
      return await this.#exchange(url, call, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw toCallFault(error);
    } finally {
      cancel();
    }
  };

  /** The text behind a URL. Throws what `send` throws, and `egress_failed` for a status but 200 or a text too long. */
  readonly fetchText = async (
    url: string,
    { maxBytes = FETCH_LIMIT_BYTES, timeoutMs = FETCH_LIMIT_MS }: { maxBytes?: number; timeoutMs?: number } = {},
  ): Promise<string> => {
    const reply = await this.send({ url, method: 'GET', headers: { accept: '*/*' }, timeoutMs, maxBytes });
    if (reply.status !== 200) throw failed(`It answered ${reply.status}`);
    if (reply.isCut) throw failed(`It is larger than ${maxBytes} bytes`);
    return reply.body.toString('utf8');
  };

  close(): Promise<void> {
    return this.#guard.destroy();
  }

  async #exchange(url: string, { method, headers, body, maxBytes }: Call, signal: AbortSignal): Promise<Reply> {
    const answer = await request(url, {
      dispatcher: this.#guard,
      method,
      // Nothing is decompressed, so nothing grows on arrival.
      headers: { 'accept-encoding': 'identity', 'user-agent': 'Longshore', ...headers },
      body: body ?? null,
      signal,
    });
    const flat = Object.entries(answer.headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')]);
    const headersOfReply = Object.fromEntries(flat) as Record<string, string>;
    return { status: answer.statusCode, headers: headersOfReply, ...(await readUpTo(answer.body, maxBytes)) };
  }
}

const failed = (message: string): LongshoreError => new LongshoreError('egress_failed', { message });
