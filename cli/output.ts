// How a command speaks: results on stdout (a table, or the API's JSON with --json), everything else on stderr.
import { styleText } from 'node:util';
import type { LongshoreError } from '#shared/errors.ts';
import { problemsOf, toLongshoreError } from '#shared/errors.ts';
import { ApiError } from './failures.ts';
import { printable, printableJson, printableLines } from './printable.ts';
import { renderTable, type Column } from './table.ts';
import { columnsOf, type World } from './world.ts';

type Stream = World['stdout'] | World['stderr'];
type Format = Parameters<typeof styleText>[0];

export class Output {
  readonly isJson: boolean;
  readonly isTerminal: boolean;
  readonly #world: World;

  constructor(world: World, isJson: boolean) {
    this.#world = world;
    this.isJson = isJson;
    this.isTerminal = world.stdout.isTTY === true;
  }

  /** One JSON document, or with `lines` one line of a stream of them. */
  json(value: unknown, form: 'document' | 'line' = 'document'): void {
    this.#world.stdout.write(`${printableJson(value, form === 'document' ? 2 : undefined)}\n`);
  }

  line(text: string): void {
    this.#world.stdout.write(`${text}\n`);
  }

  /** A remark for the person watching; scripts don't read it. */
  note(text: string): void {
    this.#world.stderr.write(`${printableLines(text)}\n`);
  }

  table<Row>(columns: Column<Row>[], rows: Row[]): void {
    const width = this.isTerminal ? columnsOf(this.#world.stdout) : undefined;
    this.#world.stdout.write(renderTable(columns, rows, { width, hasColour: this.hasColour }));
  }

  /** `name: value` lines for one thing. */
  facts(facts: Record<string, string | number | null>): void {
    const names = Object.keys(facts);
    const width = this.isTerminal ? Math.max(...names.map((name) => name.length)) + 2 : 0;
    for (const [name, value] of Object.entries(facts)) {
      const label = this.isTerminal ? this.paint('bold', `${name}:`.padEnd(width)) : `${name}\t`;
      this.line(`${label}${value === null || value === '' ? '-' : printableLines(String(value))}`);
    }
  }

  get hasColour(): boolean {
    return hasColour(this.#world, this.#world.stdout);
  }

  paint(format: Format, text: string): string {
    return this.hasColour ? styleText(format, text, { validateStream: false }) : text;
  }
}

/** The conventions of no-color.org: NO_COLOR wins, FORCE_COLOR paints into a pipe too. */
export function hasColour(world: World, stream: Stream): boolean {
  if (world.env['NO_COLOR']) return false;
  if (world.env['FORCE_COLOR'] && world.env['FORCE_COLOR'] !== '0') return true;
  return stream.isTTY === true && world.env['TERM'] !== 'dumb';
}

/** `longshore: message (code)`, then details, fields and the request's id, each on its own line. */
export function printError(world: World, thrown: unknown): void {
  const error = toLongshoreError(thrown);
  const paint = (format: Format, text: string) =>
    hasColour(world, world.stderr) ? styleText(format, text, { validateStream: false }) : text;
  const lines = [`${paint('red', 'longshore:')} ${printable(messageOf(error, thrown))} (${error.code})`];
  if (error.details)
    lines.push(
      ...printableLines(error.details)
        .split('\n')
        .map((line) => `  ${line}`),
    );
  lines.push(...problemsOf(error.fields).map((problem) => `  ${printable(problem)}`));
  if (error instanceof ApiError && error.requestId) lines.push(`  request ${printable(error.requestId)}`);
  world.stderr.write(`${lines.join('\n')}\n`);
}

/** What is no error of ours has its text in the cause. */
const messageOf = (error: LongshoreError, thrown: unknown): string =>
  error === thrown || !(thrown instanceof Error) ? error.message : `${error.message}: ${thrown.message}`;
