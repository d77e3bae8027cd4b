// The HTTP server over the fake app, on a real socket of port 0, with a client that keeps every header.
import type { Test } from 'tap';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import type { App } from '../../control/app/api/app.ts';
import { buildHttp } from '../../control/http/server.ts';
import type { HttpConfig, HttpDeps } from '../../control/http/deps.ts';
import { LogHub } from '../../control/realtime/log-hub.ts';
import type { LogSourceDeps } from '../../control/realtime/log-upstream.ts';
import { LongshoreError } from '#shared/errors.ts';
import { silentLogger } from '#shared/log.ts';
import type { StreamReader } from '#shared/protocol/peer-types.ts';
import { systemClock } from '#shared/time.ts';
import { ADMIN_SECRET, FakeApp } from './fake-app.ts';
import { eventually } from './eventually.ts';

export interface Answer<T = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: T;
  text: string;
}

export interface ErrorBody {
  error: { code: string; message: string; details?: string; fields?: Record<string, string>; request_id: string };
}

const UNLIMITED = { anonymous: 1e6, authenticated: 1e6, deploy: 1e6 };

export interface Options {
  config?: Partial<HttpConfig>;
  deps?: Partial<HttpDeps>;
}

/** What the server needs, with nothing behind it but the app. */
export function fakeDeps(app: App, given: Partial<Pick<HttpDeps, 'log' | 'openLogs'>> = {}): HttpDeps {
  const { log = silentLogger(), openLogs = () => toReader((async function* () {})()) } = given;
  return {
    app,
    acceptAgent: () => {},
    admitAgent: () => {},
    logs: new LogHub({ openLogs, onHostUp: () => () => {}, clock: systemClock, log }),
    openLogs,
    config: { listen: { host: '127.0.0.1', port: 0 }, trustedProxy: [], rateLimits: UNLIMITED, publicUrl: null },
    clock: systemClock,
    log,
  };
}

const toReader = (source: AsyncGenerator<Uint8Array>): StreamReader => ({
  opened: Promise.resolve(),
  cancel: () => void source.return(undefined),
  [Symbol.asyncIterator]: () => source,
});

/** Lines of the service's log as `openLogs` gives them: frames as an agent sends them. */
export type Frames = () => AsyncGenerator<Uint8Array>;

export class TestHttp {
  readonly app = new FakeApp();
  readonly logLines: string[] = [];
  readonly agents: { socket: unknown; address: string }[] = [];
  hasRoom = true;
  /** What opening a log fails with. */
  openError: Error | undefined;
  frames: Frames = async function* () {};
  url = '';
  #stop: (() => Promise<void>) | undefined;

  async start(options: Options = {}): Promise<this> {
    const log = pino({ level: 'debug' }, { write: (line: string) => void this.logLines.push(line) });
    const openLogs: LogSourceDeps['openLogs'] = () => {
      if (this.openError) throw this.openError;
      return toReader(this.frames());
    };
    const deps = fakeDeps(this.app, { log, openLogs });
    const { http, stop } = await buildHttp({
      ...deps,
      acceptAgent: (socket, address) => void this.agents.push({ socket, address }),
      admitAgent: () => {
        if (!this.hasRoom) throw new LongshoreError('unavailable');
      },
      config: { ...deps.config, ...options.config },
      ...options.deps,
    });
    this.#stop = stop;
    this.url = await http.listen({ host: '127.0.0.1', port: 0 });
    return this;
  }

  stop = async () => this.#stop?.();

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** `body`: a string goes as it is, anything else as JSON. `key: null` sends none. */
  async call<T = Record<string, unknown>>(
    method: string,
    path: string,
    options: { body?: unknown; key?: string | null; headers?: Record<string, string> } = {},
  ): Promise<Answer<T>> {
    const { body, key = ADMIN_SECRET, headers = {} } = options;
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        ...(key !== null && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: (text ? JSON.parse(text) : null) as T, text };
  }

  get = <T = Record<string, unknown>>(path: string, key?: string | null) =>
    this.call<T>('GET', path, { ...(key !== undefined && { key }) });

  post = <T = Record<string, unknown>>(path: string, body?: unknown, headers: Record<string, string> = {}) =>
    this.call<T>('POST', path, { body, headers });

  /** The error an answer holds, with its status. */
  async error(method: string, path: string, options: Parameters<TestHttp['call']>[2] = {}) {
    const { status, body } = await this.call<ErrorBody>(method, path, options);
    return { status, ...body.error };
  }

  /** Opens a WebSocket; with a key in the URL unless told otherwise. */
  socket(path: string, options: { key?: string | null; headers?: Record<string, string> } = {}): TestSocket {
    const { key = ADMIN_SECRET, headers = {} } = options;
    const separator = path.includes('?') ? '&' : '?';
    const url = this.url.replace('http', 'ws') + path + (key === null ? '' : `${separator}api_key=${key}`);
    return new TestSocket(new WebSocket(url, { headers }));
  }
}

export class TestSocket {
  readonly ws: WebSocket;
  readonly messages: Record<string, unknown>[] = [];
  /** Once it is over. */
  readonly closed: Promise<{ code: number; reason: string }>;
  /** True when it opened, else the status of the refusal. */
  readonly opened: Promise<true | { status: number; body: ErrorBody }>;

  constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on('message', (data: Buffer) =>
      this.messages.push(JSON.parse(data.toString('utf8')) as Record<string, unknown>),
    );
    ws.on('error', () => {});
    this.closed = new Promise((resolve) =>
      ws.once('close', (code, reason) => resolve({ code, reason: reason.toString('utf8') })),
    );
    this.opened = new Promise((resolve) => {
      ws.once('open', () => resolve(true));
      ws.once('unexpected-response', (_request, response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body: JSON.parse(Buffer.concat(chunks).toString('utf8')) as ErrorBody,
          }),
        );
      });
    });
  }

  say(message: object): void {
    this.ws.send(JSON.stringify(message));
  }

  /** The first message that fits, once it is there. */
  until = (fits: (message: Record<string, unknown>) => boolean) => eventually(() => this.messages.find(fits));

  untilType = (type: string) => this.until((message) => message['type'] === type);
}

/** A server that is stopped after the test. */
export async function startTestHttp(t: Test, options: Options = {}): Promise<TestHttp> {
  const http = await new TestHttp().start(options);
  t.teardown(http.stop);
  return http;
}
