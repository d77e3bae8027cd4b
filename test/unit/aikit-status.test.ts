// The table of docs/dialects.md from a container's state and health to AIKit's words, held against each of them.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { CONTAINER_STATES, HEALTHS, type ContainerState, type Health } from '#shared/model.ts';
import { toHealth, toStatus } from '../../control/dialects/aikit/mapping.ts';

const TEXT = readFileSync(new URL('../../docs/dialects.md', import.meta.url), 'utf8');
const TABLE = TEXT.slice(TEXT.indexOf('| container | health | status |'));
const ROWS = TABLE.slice(0, TABLE.indexOf('\n\n'))
  .split('\n')
  .slice(2)
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

function documented(state: ContainerState, health: Health): string[] {
  const row = ROWS.find(([states = '']) => states.split(', ').includes(state));
  return [row?.[2] ?? 'none', row?.[3] === 'as it is' ? health : (row?.[3] ?? 'none')];
}

for (const state of CONTAINER_STATES) {
  for (const health of HEALTHS) {
    t.same([toStatus({ state }), toHealth({ state, health })], documented(state, health), `${state}, ${health}`);
  }
}
