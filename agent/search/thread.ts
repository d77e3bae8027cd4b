// A search, in a thread of its own: it may be as slow as its regular expression, and is ended from outside when it does
// not end itself. Nothing else runs here.
import { stat } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { LogMatch, SearchStop } from '#shared/protocol/search-parts.ts';
import { systemClock } from '#shared/time.ts';
import { toStamp } from '../docker/log-records.ts';
import { type LogFile, type LogFiles, openLogFiles, toUtc } from '../docker/log-file.ts';
import { startsOf } from '../docker/log-seek.ts';
import { createMask, type Mask } from '../secrets/mask.ts';
import { ApiScan } from './api-scan.ts';
import { FileScan } from './file-scan.ts';
import { LineSearch, type LineSearchOptions } from './line-search.ts';
import { createMatcher, probeOf } from './matcher.ts';
import type { SearchOrder, SearchSource, ThreadNews } from './order.ts';
import { PackedScan } from './packed-scan.ts';
import { RecordSearch } from './record-search.ts';
import { type Budget, ChainedScan, type Scan } from './scan.ts';
import { sweep } from './sweep.ts';
import { createVeil, type Veil } from './veil.ts';

/** Of one search: more than the disk gives within its time. */
const MAX_SCANNED_BYTES = 16 * 1024 ** 3;
/** Between words of how far it got. */
const NEWS_MS = 100;
const MAX_UNREADABLE = 100;

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads has no origin
const tell = (news: ThreadNews): void => parentPort?.postMessage(news);

class SearchBudget implements Budget {
  readonly #deadline: number;
  #isExhausted = false;
  scannedBytes = 0;

  constructor(timeoutMs: number) {
    this.#deadline = performance.now() + timeoutMs;
  }

  get stopReason(): SearchStop | null {
    if (this.#isExhausted || this.scannedBytes > MAX_SCANNED_BYTES) return 'bytes';
    return performance.now() > this.#deadline ? 'deadline' : null;
  }

  spend(bytes: number): boolean {
    this.scannedBytes += bytes;
    return this.stopReason === null;
  }

  exhaust(): void {
    this.#isExhausted = true;
  }
}

class Search {
  readonly #order: SearchOrder;
  readonly #budget: SearchBudget;
  readonly #find;
  readonly #span;
  readonly #masks = new Map<string, Mask | undefined>();
  readonly #veils = new Map<string, Veil | undefined>();
  readonly #opened: LogFiles[] = [];
  #toldAt = 0;

  constructor(order: SearchOrder) {
    this.#order = order;
    this.#budget = new SearchBudget(order.request.timeoutMs);
    this.#find = createMatcher(order.request);
    const { since, until } = order.request;
    this.#span = { since: since === null ? null : stampOf(since), until: until === null ? null : stampOf(until) };
    for (const [id, secrets] of Object.entries(order.secrets)) {
      this.#masks.set(id, createMask(secrets));
      this.#veils.set(id, createVeil(secrets));
    }
  }

  async run(): Promise<void> {
    const names = new Map<Scan, string>();
    const unreadable = new Set<string>();
    for (const source of this.#order.sources) names.set(await this.#open(source), source.container);
    const end = await sweep([...names.keys()], {
      limit: this.#order.request.limit,
      stopReason: () => this.#budget.stopReason,
      onFound: (matches: LogMatch[]) => tell({ kind: 'found', matches }),
      onReached: (searchedFrom) => this.#tellReached(searchedFrom),
      onUnreadable: (scan) => void unreadable.add(names.get(scan) ?? ''),
    });
    await Promise.all(this.#opened.map((files) => files.close()));
    const { scannedBytes } = this.#budget;
    const logs = this.#order.sources.length;
    tell({ kind: 'ended', ...end, scannedBytes, logs, unreadable: [...unreadable].slice(0, MAX_UNREADABLE) });
  }

  async #open(source: SearchSource): Promise<Scan> {
    if (source.kind === 'kept') return this.#packed(source, source, source.keptAt);
    const { since } = this.#order.request;
    const { file, containerId } = source;
    const lines = this.#lines(source);
    const files = file && (await openLogFiles(file.path));
    if (!files) {
      const { socketPath } = this.#order;
      return new ApiScan({ socketPath, clock: systemClock, containerId, since }, lines, this.#budget);
    }
    this.#opened.push(files);
    const starts = await startsOf(files.snapshots, since);
    const parts = files.snapshots.map((snapshot, i) => ({ ...snapshot, start: starts[i] ?? 0 }));
    const plain = new FileScan(parts, this.#records(lines, source, file.isTty), lines, this.#budget);
    const older = files.packed.map(async (path) => this.#packed(source, { ...file, path }, await writtenAt(path)));
    return new ChainedScan([plain, ...(await Promise.all(older))]);
  }

  /** `writtenAt`: no line is newer. Where all that is too old, nothing is unpacked. */
  #packed(source: SearchSource, { path, isTty }: LogFile, writtenAt: string): Scan {
    const newest = stampOf(writtenAt);
    if (this.#span.since !== null && newest < this.#span.since) return new ChainedScan([]);
    const lines = this.#lines(source);
    return new PackedScan(path, newest, this.#records(lines, source, isTty), lines, this.#budget);
  }

  #records(lines: LineSearch, { serviceId }: SearchSource, isTty: boolean): RecordSearch {
    const probe = probeOf(this.#order.request, this.#veils.get(serviceId));
    return new RecordSearch(lines, probe, isTty);
  }

  #lines({ serviceId, container, kind }: SearchSource): LineSearch {
    const origin: LineSearchOptions['origin'] = { serviceId, container, isReplaced: kind === 'kept' };
    const mask = this.#masks.get(serviceId);
    const limit = this.#order.request.limit + 1; // the one too many tells that there are more
    return new LineSearch({ find: this.#find, mask, span: this.#span, limit, origin });
  }

  #tellReached(searchedFrom: string | null): void {
    const now = performance.now();
    if (now - this.#toldAt < NEWS_MS) return;
    this.#toldAt = now;
    tell({ kind: 'reached', searchedFrom, scannedBytes: this.#budget.scannedBytes });
  }
}

/** Docker has packed a file that was full. One that is gone meanwhile fails when it is read. */
const writtenAt = (path: string): Promise<string> =>
  stat(path).then(
    ({ mtime }) => mtime.toISOString(),
    () => new Date(systemClock.now()).toISOString(),
  );

const stampOf = (time: string): string => toStamp(toUtc(time)).toString('latin1');

await new Search(workerData as SearchOrder).run();
