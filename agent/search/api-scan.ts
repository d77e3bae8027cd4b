// A log through the Engine's API, where its files cannot be read or another driver keeps it. Docker gives it from the
// beginning of what is asked for only, so it is one step, and bounded: dockerd itself takes microseconds a line.
import type { LogMatch } from '#shared/protocol/search-parts.ts';
import type { Clock } from '#shared/time.ts';
import { toDockerTime } from '../docker/log-container.ts';
import { createLogParser } from '../docker/log-parser.ts';
import { openLogSource } from '../docker/log-source.ts';
import { type LineSearch, MAX_SEARCHED_LINE_BYTES } from './line-search.ts';
import { type Budget, DONE, type Scan, UNSEEN } from './scan.ts';

/** Of the newest: some four seconds of dockerd's work. */
const MAX_API_RECORDS = 500_000;

export interface ApiLog {
  socketPath: string;
  clock: Clock;
  containerId: string;
  since: string | null;
}

export class ApiScan implements Scan {
  readonly #log: ApiLog;
  readonly #lines: LineSearch;
  readonly #budget: Budget;
  #records = 0;
  #isOver = false;
  reached = UNSEEN;

  constructor(log: ApiLog, lines: LineSearch, budget: Budget) {
    this.#log = log;
    this.#lines = lines;
    this.#budget = budget;
  }

  /** A second step is asked for where the first could not see all: that is as far as it goes. */
  async step(): Promise<LogMatch[]> {
    if (this.#isOver) {
      this.#budget.exhaust();
      return [];
    }
    this.#isOver = true;
    const { socketPath, clock, containerId, since } = this.#log;
    const from = since === null ? null : toDockerTime(since);
    const asked = { containerId, tail: MAX_API_RECORDS, since: from, follow: false };
    const source = await openLogSource(socketPath, asked, clock);
    const isWhole = !source || (await this.#read(source));
    const isAll = isWhole && this.#records < MAX_API_RECORDS;
    this.reached = isAll ? DONE : isWhole ? (this.#lines.firstStamp ?? DONE) : UNSEEN;
    return this.#lines.take();
  }

  /** False when the budget ended first. */
  async #read(source: NonNullable<Awaited<ReturnType<typeof openLogSource>>>): Promise<boolean> {
    const onLine: LineSearch['onLine'] = (line) => {
      this.#records++;
      this.#lines.onLine(line);
    };
    const parser = createLogParser(source.isTty, onLine, MAX_SEARCHED_LINE_BYTES);
    try {
      for (let bytes = await source.read(); bytes; bytes = await source.read()) {
        if (!this.#budget.spend(bytes.length)) return false;
        parser.push(bytes);
      }
      parser.end();
      return true;
    } finally {
      source.close();
    }
  }
}
