// One log line on the terminal: whose it is, in a colour of its own, and the text with nothing in it that the terminal
// would act on.
import type { LogEntry } from './api-types.ts';
import type { Output } from './output.ts';
import { printable } from './printable.ts';

export interface LogPrinter {
  entry(entry: LogEntry): void;
  /** Lines the control plane had to drop because we were too slow. */
  gap(missed: number): void;
}

const COLOURS = ['cyan', 'yellow', 'green', 'magenta', 'blue', 'red'] as const;

export const logPrinter = (output: Output, hasTimestamps: boolean): LogPrinter =>
  output.isJson ? jsonPrinter(output) : textPrinter(output, hasTimestamps);

const jsonPrinter = (output: Output): LogPrinter => ({
  entry: (entry) => output.json(entry, 'line'),
  gap: (missed) => output.json({ type: 'gap', missed }, 'line'),
});

function textPrinter(output: Output, hasTimestamps: boolean): LogPrinter {
  const colours = new Map<string, (typeof COLOURS)[number]>();
  let width = 0;
  const prefixOf = (container: string): string => {
    const name = printable(container);
    const colour = colours.get(name) ?? COLOURS[colours.size % COLOURS.length] ?? 'cyan';
    colours.set(name, colour);
    width = Math.max(width, name.length);
    return output.paint(colour, `${name.padEnd(width)} |`);
  };
  return {
    entry({ container, timestamp, message }) {
      const at = hasTimestamps ? `${printable(timestamp)} ` : '';
      output.line(`${prefixOf(container)} ${at}${printable(message.replace(/\r?\n$/, ''))}`);
    },
    gap: (missed) => output.note(`(${missed} lines were dropped: this viewer was too slow)`),
  };
}
