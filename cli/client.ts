// The HTTP side of the client: one request, its JSON, its error. Knows nothing of services or jobs.
import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { request, type Dispatcher } from 'undici';
import { LongshoreError, type WireError } from '#shared/errors.ts';
import { ApiError } from './failures.ts';
import { createTrust } from './trust.ts';

export interface Credentials {
  /** Where the control plane answers, without `/api`. */
  url: URL;
  key: string;
  /** Of its TLS key, where no authority vouches for the certificate. */
  pin?: string | undefined;
}

export interface RequestOptions {
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  /** Makes a write safe to repeat; then a lost connection is tried again with the same key. */
  idempotencyKey?: string;
}

export interface Answer<T> {
  status: number;
  body: T;
}

/** Waits between the tries of a repeatable write: about 8 s in all, enough for a control plane that restarts. */
const RETRY_WAITS_MS = [250, 500, 1000, 2000, 4000];
/** A lifecycle call waits up to 60 s for its job; nothing takes longer. */
const ANSWER_LIMIT_MS = 90_000;
/** Between two parts of a download: its host may have to fetch them from far away. */
const BODY_PAUSE_MS = 15 * 60_000;
/** A restarting control plane's address may swallow packets instead of refusing. */
const CONNECT_LIMIT_MS = 10_000;

export class Client {
  readonly credentials: Credentials;
  readonly signal: AbortSignal;
  /** Undefined by plain http. */
  readonly trust: Dispatcher | undefined;

  constructor(credentials: Credentials, signal: AbortSignal) {
    this.credentials = credentials;
    this.signal = signal;
    const { url, pin } = credentials;
    this.trust = url.protocol === 'https:' ? createTrust(url, pin) : undefined;
  }

  get<T>(path: string, query: RequestOptions['query'] = {}): Promise<T> {
    return this.send<T>('GET', path, { query }).then((answer) => answer.body);
  }

  /** Throws ApiError for every answer but 2xx, and when none comes. */
  async send<T>(method: Dispatcher.HttpMethod, path: string, options: RequestOptions = {}): Promise<Answer<T>> {
    const waits = options.idempotencyKey === undefined ? [] : RETRY_WAITS_MS;
    for (let tries = 0; ; tries++) {
      try {
        return await this.#once<T>(method, path, options);
      } catch (error) {
        const waitMs = waits[tries];
        if (waitMs === undefined || !(error instanceof ApiError && error.isUnreachable)) throw error;
        await wait(waitMs, undefined, { signal: this.signal });
      }
    }
  }

  /** What is no JSON and may be larger than memory. It must be read or destroyed. Throws as `send`. */
  async open(path: string, query: RequestOptions['query'] = {}): Promise<Readable> {
    const url = this.urlOf(path, query);
    const answer = await request(url, {
      headers: this.#headers({}),
      signal: this.signal,
      headersTimeout: ANSWER_LIMIT_MS,
      bodyTimeout: BODY_PAUSE_MS,
      ...(this.trust && { dispatcher: this.trust }),
    }).catch((error: unknown) => {
      this.signal.throwIfAborted();
      throw error instanceof LongshoreError ? error : ApiError.unreachable(this.credentials.url.origin, error);
    });
    if (answer.statusCode < 300) return answer.body;
    readBody(answer.statusCode, await answer.body.text(), url.origin);
    throw ApiError.unreadable(answer.statusCode, url.origin);
  }

  async #once<T>(method: Dispatcher.HttpMethod, path: string, options: RequestOptions): Promise<Answer<T>> {
    const url = this.urlOf(path, options.query);
    let status: number;
    let text: string;
    try {
      const answer = await request(url, {
        method,
        headers: this.#headers(options),
        body: options.body === undefined ? null : JSON.stringify(options.body),
        signal: AbortSignal.any([this.signal, AbortSignal.timeout(ANSWER_LIMIT_MS + CONNECT_LIMIT_MS)]),
        headersTimeout: ANSWER_LIMIT_MS,
        bodyTimeout: ANSWER_LIMIT_MS,
        ...(this.trust && { dispatcher: this.trust }),
      });
      status = answer.statusCode;
      text = await answer.body.text();
    } catch (error) {
      this.signal.throwIfAborted();
      if (error instanceof LongshoreError) throw error; // the wrong one answers
      throw ApiError.unreachable(this.credentials.url.origin, error);
    }
    return { status, body: readBody(status, text, url.origin) as T };
  }

  #headers({ body, idempotencyKey }: RequestOptions): Record<string, string> {
    return {
      authorization: `Bearer ${this.credentials.key}`,
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
    };
  }

  /** The control plane may live below a path of its own. */
  urlOf(path: string, query: RequestOptions['query'] = {}): URL {
    const url = new URL(this.credentials.url);
    url.pathname = url.pathname.replace(/\/$/, '') + path;
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url;
  }
}

/** The JSON of a good answer; throws ApiError for every other one. `origin`: who gave it. */
export function readBody(status: number, text: string, origin: string): unknown {
  const body = parseJson(text);
  if (status >= 200 && status < 300) {
    if (text !== '' && body === undefined) throw ApiError.unreadable(status, origin);
    return body;
  }
  const error = (body as { error?: WireError & { request_id?: string } } | undefined)?.error;
  if (typeof error?.code !== 'string') throw ApiError.unreadable(status, origin);
  throw ApiError.answered(error, error.request_id);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
