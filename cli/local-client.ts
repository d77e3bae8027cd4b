// The agent of this very host, over its socket: no control plane, no key. Root and the user of the agent get there.
import { closeSync, existsSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Agent, request, type Dispatcher } from 'undici';
import type * as z from 'zod';
import { LongshoreError, type WireError } from '#shared/errors.ts';
import { LOCAL_SOCKET, localFolderOf } from '#shared/local.ts';
import { readBody } from './client.ts';
import { ApiError } from './failures.ts';
import type { World } from './world.ts';

/** Where `longshore up` and the unit of systemd have it. */
const USUAL_DATA_DIRS = ['./data/agent', '/var/lib/longshore'];
/** For an answer, beside the time that the agent was asked to wait: it asks Docker, and gives that up before. */
const ANSWER_LIMIT_MS = 30_000;

type Query = Record<string, string | number | boolean | undefined>;

/** Where an agent's folder may be. `given`: that folder, or the one of a `longshore up` around it. */
export const dataDirsOf = (given: string | undefined): string[] =>
  given === undefined ? USUAL_DATA_DIRS : [given, join(given, 'agent')];

export class LocalClient implements Disposable {
  readonly #dataDirs: readonly string[];
  readonly #folder: number;
  readonly #agent: Agent;
  readonly #signal: AbortSignal;
  readonly #limitMs: number;

  /** Throws `forbidden` for who may not, `unavailable` where no agent was ever. */
  constructor(dataDirs: readonly string[], signal: AbortSignal, limitMs = ANSWER_LIMIT_MS) {
    this.#dataDirs = dataDirs;
    this.#limitMs = limitMs;
    this.#folder = openFolder(dataDirs);
    // By the open folder: a socket's own path has room for 107 bytes only.
    this.#agent = new Agent({ connect: { socketPath: `/proc/self/fd/${this.#folder}/${LOCAL_SOCKET}` } });
    this.#signal = signal;
  }

  get<T>(schema: z.ZodType<T>, path: string, query: Query = {}): Promise<T> {
    return this.#json('GET', schema, path, query);
  }

  post<T>(schema: z.ZodType<T>, path: string, query: Query = {}): Promise<T> {
    return this.#json('POST', schema, path, query);
  }

  /** Each line of an answer as it comes, until the agent ends it. */
  async *lines<T>(schema: z.ZodType<T>, path: string, query: Query): AsyncGenerator<T> {
    const { statusCode, body } = await this.#ask('GET', path, query, { bodyTimeout: 0 });
    if (statusCode !== 200) this.#read(statusCode, await body.text());
    let rest = '';
    body.setEncoding('utf8');
    try {
      for await (const text of body as AsyncIterable<string>) {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) yield readLine(schema, line);
      }
    } catch (error) {
      throw this.#faultOf(error);
    }
  }

  async #json<T>(method: 'GET' | 'POST', schema: z.ZodType<T>, path: string, query: Query): Promise<T> {
    const { statusCode, body } = await this.#ask(method, path, query);
    const text = await body.text().catch((error: unknown) => {
      throw this.#faultOf(error);
    });
    return schema.parse(this.#read(statusCode, text));
  }

  async #ask(
    method: 'GET' | 'POST',
    path: string,
    query: Query,
    { bodyTimeout = this.#limitMs }: { bodyTimeout?: number } = {},
  ): Promise<Dispatcher.ResponseData> {
    const url = new URL(path, 'http://agent');
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const limits = { headersTimeout: Number(query['wait'] ?? 0) * 1000 + this.#limitMs, bodyTimeout };
    try {
      return await request(url, { method, dispatcher: this.#agent, signal: this.#signal, ...limits });
    } catch (error) {
      throw this.#faultOf(error);
    }
  }

  #read(status: number, text: string): unknown {
    return readBody(status, text, 'the agent');
  }

  /** What ended a request: Ctrl-C, or an agent that hangs, or is not there, or not any more. */
  #faultOf(error: unknown): unknown {
    if (this.#signal.aborted) return this.#signal.reason;
    if (error instanceof LongshoreError) return error;
    if (isDenied(error)) return denied(error);
    return isLate(error) ? ApiError.silentAgent(this.#dataDirs, error) : ApiError.noAgent(this.#dataDirs, error);
  }

  [Symbol.dispose](): void {
    void this.#agent.destroy();
    closeSync(this.#folder);
  }
}

/** The last one may say why it is. */
function readLine<T>(schema: z.ZodType<T>, line: string): T {
  const read = JSON.parse(line) as { error?: WireError };
  if (read.error) throw ApiError.answered(read.error, undefined);
  return schema.parse(read);
}

/** `dataDir`: as it was given on the command line. Throws as the constructor does. */
export const openAgent = (world: World, dataDir?: string): LocalClient =>
  new LocalClient(dataDirsOf(dataDir ?? world.env['LONGSHORE_DATA_DIR']), world.interruption());

/** The first with a socket in it, or else the first there is: its agent ended. */
function openFolder(dataDirs: readonly string[]): number {
  const folders = dataDirs.map((dir) => localFolderOf(resolve(dir))).filter(isThere);
  const folder = folders.find((each) => existsSync(join(each, LOCAL_SOCKET))) ?? folders[0];
  if (folder === undefined) throw ApiError.noAgent(dataDirs, undefined);
  return openSync(folder, 'r');
}

/** Throws `forbidden` where only others may know. */
function isThere(folder: string): boolean {
  try {
    closeSync(openSync(folder, 'r'));
    return true;
  } catch (error) {
    if (!isDenied(error)) return false;
    throw denied(error);
  }
}

const LATE: readonly unknown[] = ['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'];
const isLate = (error: unknown): boolean => LATE.includes((error as NodeJS.ErrnoException).code);
const isDenied = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EACCES';

const denied = (cause: unknown): LongshoreError =>
  new LongshoreError('forbidden', {
    message: "Only root and the user that the agent runs as may speak to a host's agent",
    details: 'sudo longshore local …',
    cause,
  });
