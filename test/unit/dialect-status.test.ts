// The tables in docs/dialects.md that say which word a dialect has for which state of a service hold for every
// combination of the three axes.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { HEALTHS, LIFECYCLES } from '#shared/model.ts';
import { STATUSES, toStatus, type Axes } from '../../control/dialects/orchestrator/status.ts';

/** By the heading of the column that holds the word; each word must be reachable. */
const DIALECTS: Record<string, { words: readonly string[]; toWord: (axes: Axes) => string }> = {
  orchestrator: { words: STATUSES, toWord: toStatus },
};

const text = readFileSync(new URL('../../docs/dialects.md', import.meta.url), 'utf8');

const ALL: Axes[] = LIFECYCLES.flatMap((lifecycle) =>
  HEALTHS.flatMap((health) => [true, false].map((isEnabled) => ({ lifecycle, health, isEnabled }))),
);

for (const [dialect, { words, toWord }] of Object.entries(DIALECTS)) {
  t.test(`${dialect} words every state as its table says`, async (t) => {
    const rows = rowsOf(dialect);
    for (const axes of ALL) {
      const own = [axes.lifecycle, axes.health, axes.isEnabled ? 'yes' : 'no'];
      const fitting = rows.filter(({ state }) => state.every((cell, i) => cell === 'any' || cell === own[i]));
      t.strictSame(
        fitting.map(({ word }) => word),
        [toWord(axes)],
        own.join(', '),
      );
    }
    t.strictSame(new Set(ALL.map(toWord)), new Set(words), 'each word is some state');
  });
}

function rowsOf(dialect: string): { state: string[]; word: string }[] {
  const [, table = ''] = text.split(`| lifecycle | health | enabled | ${dialect} |\n`);
  const lines = table.slice(0, table.indexOf('\n\n')).split('\n').slice(1);
  return lines.map((line) => {
    const cells = line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim());
    return { state: cells.slice(0, -1), word: cells.at(-1) ?? '' };
  });
}
