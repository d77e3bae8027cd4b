// The agent's end of STREAMS.search: gathers the logs of the services that are asked for, and passes on what the thread
// of the search finds. A thread lives no longer than its stream and its time.
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Logger } from '#shared/log.ts';
import { encodeSearchNews, type LogMatch, type SearchEnd, type SearchRequest } from '#shared/protocol/search-parts.ts';
import type { StreamWriter } from '#shared/protocol/peer-types.ts';
import type { Clock } from '#shared/time.ts';
import type { Engine } from '../docker/engine.ts';
import type { FindLogFile } from '../docker/log-file.ts';
import { SHORT_ID_CHARS, type KeptLog } from '../kept-logs/kept-log.ts';
import { isOf } from '../owner.ts';
import type { SearchOrder, SearchSource, ThreadNews } from './order.ts';
import { isAtWork, SearchTurns } from './turns.ts';

export interface SearchDeps {
  socketPath: string;
  engine: Pick<Engine, 'listProject'>;
  services: { find(serviceId: string): { spec: { name: string } } | undefined; secretsOf(serviceId: string): string[] };
  /** What is kept of containers that are gone. */
  listKept: (serviceId: string) => Promise<KeptLog[]>;
  findLogFile: FindLogFile;
  clock: Clock;
  log: Logger;
}

/** Also where the agent is bundled. */
const THREAD = new URL(`thread${extname(import.meta.url)}`, import.meta.url);
/** A thread ends itself at its deadline. One that does not (a regular expression that backtracks for years) is ended. */
const GRACE_MS = 500;
const MAX_HEAP_MB = 256;
/** Below what a frame may have, with the escapes of 4096 characters. */
const MATCHES_A_FRAME = 4;

export class Searches {
  readonly #deps: SearchDeps;
  readonly #turns = new SearchTurns();

  constructor(deps: SearchDeps) {
    this.#deps = deps;
  }

  /** Rejects with `unavailable` when others search for as long as this may take, and with Docker's fault. */
  async stream(request: SearchRequest, writer: StreamWriter, opened: () => void): Promise<void> {
    const { clock } = this.#deps;
    const until = clock.elapsed() + request.timeoutMs;
    const limit = new AbortController();
    const cancelLimit = clock.after(request.timeoutMs, () => limit.abort(isAtWork()));
    const search = () => {
      cancelLimit();
      return this.#search({ ...request, timeoutMs: Math.max(1, until - clock.elapsed()) }, writer, opened);
    };
    const signal = AbortSignal.any([writer.signal, limit.signal]);
    await this.#turns.run(request.customerId ?? '', search, signal).finally(cancelLimit);
  }

  async #search({ serviceIds, ...request }: SearchRequest, writer: StreamWriter, opened: () => void): Promise<void> {
    const known = serviceIds.filter((id) => this.#deps.services.find(id) !== undefined);
    const sources = (await Promise.all(known.map((id) => this.#sourcesOf(id)))).flat();
    writer.signal.throwIfAborted();
    opened();
    const secrets = Object.fromEntries(known.map((id) => [id, this.#deps.services.secretsOf(id)]));
    await this.#run({ request, sources, secrets, socketPath: this.#deps.socketPath }, writer);
  }

  async #sourcesOf(serviceId: string): Promise<SearchSource[]> {
    const { services, engine, listKept, findLogFile } = this.#deps;
    const name = services.find(serviceId)?.spec.name ?? '';
    const [listed, kept] = await Promise.all([engine.listProject(name), listKept(serviceId)]);
    const containers = listed.filter(isOf(serviceId));
    const live = containers.map(async ({ id, name: container }): Promise<SearchSource> => {
      const file = await findLogFile(id).catch(() => undefined);
      return { kind: 'live', serviceId, container, containerId: id, ...(file && { file }) };
    });
    const isLive = new Set(containers.map(({ id }) => id.slice(0, SHORT_ID_CHARS)));
    const gone = kept.filter(({ containerId }) => !isLive.has(containerId));
    return [
      ...(await Promise.all(live)),
      ...gone.map(
        ({ path, container, isTty, keptAt }): SearchSource => ({
          kind: 'kept',
          serviceId,
          container,
          path,
          isTty,
          keptAt: new Date(keptAt).toISOString(),
        }),
      ),
    ];
  }

  async #run(order: SearchOrder, writer: StreamWriter): Promise<void> {
    const thread = new Worker(THREAD, {
      workerData: order,
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    const end = () => void thread.terminate();
    writer.signal.addEventListener('abort', end, { once: true });
    const cancelLimit = this.#deps.clock.after(order.request.timeoutMs + GRACE_MS, end);
    try {
      const last = await relay(thread, writer, order.sources.length);
      if (!writer.signal.aborted) await writer.write(encodeSearchNews(last));
    } finally {
      cancelLimit();
      writer.signal.removeEventListener('abort', end);
      await thread.terminate();
    }
  }
}

/** Passes matches on. Resolves with the thread's last word, or with what is known of one that was ended. */
function relay(thread: Worker, writer: StreamWriter, logs: number): Promise<SearchEnd> {
  let end: SearchEnd = {
    kind: 'ended',
    stopped: 'deadline',
    searchedFrom: null,
    scannedBytes: 0,
    logs,
    unreadable: [],
  };
  let sent = Promise.resolve();
  return new Promise((resolve, reject) => {
    thread.on('message', (news: ThreadNews) => {
      if (news.kind === 'ended') end = news;
      else if (news.kind === 'reached') end = { ...end, ...news, kind: 'ended' };
      else sent = sent.then(() => send(writer, news.matches));
      sent.catch(reject);
    });
    thread.on('error', reject);
    thread.on('exit', () => void sent.then(() => resolve(end), reject));
  });
}

async function send(writer: StreamWriter, matches: LogMatch[]): Promise<void> {
  for (let at = 0; at < matches.length; at += MATCHES_A_FRAME) {
    const part = matches.slice(at, at + MATCHES_A_FRAME);
    await writer.write(encodeSearchNews({ kind: 'found', matches: part }));
  }
}
