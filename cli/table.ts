// Rows for people and for programs: on a terminal aligned columns that never wrap, elsewhere tabs between the cells.
import { styleText } from 'node:util';
import { printable } from './printable.ts';

export interface Column<Row> {
  title: string;
  cell: (row: Row) => string | number | null;
  /** How a terminal shows it; width is taken before. */
  style?: (text: string, row: Row) => Parameters<typeof styleText>[0] | undefined;
}

export interface TableOptions {
  /** Columns of the terminal; undefined when there is none. */
  width: number | undefined;
  hasColour: boolean;
}

const GAP = '  ';
const EMPTY = '-';
const SEGMENTER = new Intl.Segmenter('en', { granularity: 'grapheme' });

export function renderTable<Row>(columns: Column<Row>[], rows: Row[], { width, hasColour }: TableOptions): string {
  const cells = rows.map((row) => columns.map((column) => toCell(column.cell(row))));
  const titles = columns.map((column) => column.title);
  if (width === undefined) return [titles, ...cells].map((line) => `${line.join('\t')}\n`).join('');

  const widths = titles.map((title, i) => Math.max(lengthOf(title), ...cells.map((line) => lengthOf(line[i] ?? ''))));
  const paint = (text: string, format: Parameters<typeof styleText>[0] | undefined) =>
    hasColour && format ? styleText(format, text, { validateStream: false }) : text;
  const layOut = (line: string[], styleOf: (i: number) => Parameters<typeof styleText>[0] | undefined): string => {
    let room = width;
    const parts = line.map((text, i) => {
      const isLast = i === line.length - 1;
      const fitted = fit(isLast ? text : text.padEnd(widths[i] ?? 0), Math.max(room, 0));
      room -= lengthOf(fitted) + GAP.length;
      return paint(fitted, styleOf(i));
    });
    return `${parts.join(GAP).trimEnd()}\n`;
  };
  const body = rows.map((row, r) => layOut(cells[r] ?? [], (i) => columns[i]?.style?.(cells[r]?.[i] ?? '', row)));
  return layOut(titles, () => 'bold') + body.join('');
}

const toCell = (value: string | number | null): string =>
  value === null || value === '' ? EMPTY : printable(String(value)).replaceAll('\t', ' ');

/** What a reader takes for one character; a wide one takes two columns, which does no harm in a last cell. */
const charactersOf = (text: string): string[] => Array.from(SEGMENTER.segment(text), ({ segment }) => segment);
/** Nearly all cells are ASCII, and segmenting costs a microsecond a character. */
// oxlint-disable-next-line no-control-regex -- the range of ASCII
const lengthOf = (text: string): number => (/^[\u0000-\u007f]*$/.test(text) ? text.length : charactersOf(text).length);

const fit = (text: string, room: number): string =>
  lengthOf(text) <= room
    ? text
    : charactersOf(text)
        .slice(0, Math.max(room - 1, 0))
        .join('') + (room > 0 ? '…' : '');
