// Shows the steps of a job as they happen: on a terminal one line that moves until the step ends, elsewhere one plain
// line for each thing that is new.
import { styleText } from 'node:util';
import type { JobStep } from '#shared/jobs.ts';
import type { DeployProgress } from './api-types.ts';
import type { JobWatcher } from './follow-job.ts';
import { hasColour } from './output.ts';
import { printable } from './printable.ts';
import { columnsOf, type World } from './world.ts';

type StepNews = Pick<DeployProgress, 'step' | 'state' | 'percent' | 'message'>;

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const SPINNER_INTERVAL_MS = 100;
const STEP_COLUMNS = 10;
const INDENT = ' '.repeat(STEP_COLUMNS + 3);
/** Erases the line and returns to its start. */
const CLEAR_LINE = '\r\u001b[2K';

export interface ProgressView extends JobWatcher, Disposable {}

/** Goes to stderr: stdout is for the result. */
export const progressView = (world: World): ProgressView =>
  world.stderr.isTTY ? new TerminalProgress(world) : new PlainProgress(world);

/** What was last told of each step, so that nothing is told twice. */
class Told {
  readonly #lines = new Map<JobStep | 'job', string>();
  readonly #ended = new Set<JobStep | 'job'>();

  /** False when there is nothing new to say. */
  isNew(news: StepNews): boolean {
    const line = textOf(news);
    if (this.#ended.has(news.step) || this.#lines.get(news.step) === line) return false;
    this.#lines.set(news.step, line);
    if (news.state !== 'running') this.#ended.add(news.step);
    return true;
  }
}

class PlainProgress implements ProgressView {
  readonly #world: World;
  readonly #told = new Told();
  #last: StepNews | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  progress(news: StepNews): void {
    // A percentage a line would fill a CI log.
    const { percent: _, ...plain } = news;
    if (!this.#told.isNew(plain)) return;
    this.#world.stderr.write(`${textOf(this.#withoutRepeat(plain))}\n`);
    this.#last = plain;
  }

  /** A step that ends with what it said last, such as its plan, need not say it again. */
  #withoutRepeat({ step, state, message }: StepNews): StepNews {
    const isSaid = message === undefined || (this.#last?.step === step && this.#last.message === message);
    return isSaid ? { step, state } : { step, state, message };
  }

  [Symbol.dispose](): void {}
}

class TerminalProgress implements ProgressView {
  readonly #world: World;
  readonly #told = new Told();
  readonly #timer: NodeJS.Timeout;
  #running: StepNews | undefined;
  #frame = 0;

  constructor(world: World) {
    this.#world = world;
    this.#timer = setInterval(() => this.#draw(), SPINNER_INTERVAL_MS);
  }

  progress(news: StepNews): void {
    if (!this.#told.isNew(news)) return;
    if (news.state === 'running') this.#running = news;
    else {
      if (this.#running?.step === news.step) this.#running = undefined;
      this.#world.stderr.write(`${CLEAR_LINE}${this.#mark(news.state)} ${this.#cut(summaryOf(news))}\n`);
      for (const line of linesOf(news).slice(1)) this.#world.stderr.write(`${INDENT}${this.#cut(line)}\n`);
    }
    this.#draw();
  }

  #draw(): void {
    if (!this.#running) return;
    const frame = SPINNER[this.#frame++ % SPINNER.length] ?? '';
    this.#world.stderr.write(`${CLEAR_LINE}${this.#paint('cyan', frame)} ${this.#cut(summaryOf(this.#running))}`);
  }

  #mark(state: StepNews['state']): string {
    if (state === 'done') return this.#paint('green', '✔');
    if (state === 'skipped') return this.#paint('gray', '-');
    return this.#paint('red', '✖');
  }

  /** A line that wraps can't be erased. */
  #cut(text: string): string {
    const room = columnsOf(this.#world.stdout) - INDENT.length;
    return text.length > room ? `${text.slice(0, room - 1)}…` : text;
  }

  #paint(format: Parameters<typeof styleText>[0], text: string): string {
    return hasColour(this.#world, this.#world.stderr) ? styleText(format, text, { validateStream: false }) : text;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    if (this.#running) this.#world.stderr.write(CLEAR_LINE);
  }
}

/** The first line stays with the step; a plan has more, which go below it. */
function linesOf({ percent, message = '' }: StepNews): string[] {
  const [first = '', ...rest] = message.split('\n').map(printable);
  return [[percent === undefined ? '' : `${Math.round(percent)} %`, first].filter(Boolean).join('  '), ...rest];
}

const summaryOf = (news: StepNews): string => `${news.step.padEnd(STEP_COLUMNS)} ${linesOf(news)[0]}`.trimEnd();

const textOf = (news: StepNews): string => {
  const [first = '', ...rest] = linesOf(news);
  return [`${news.step}: ${news.state}${first && ` — ${first}`}`, ...rest.map((line) => `  ${line}`)].join('\n');
};
