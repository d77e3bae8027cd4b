// PhoenixPanel's words for states hold as docs/dialects.md says; tasks and pages are the same there and back.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { RUN_STATES, SCHEDULE_KINDS } from '#shared/schedule/schedule.ts';
import type { Host } from '../../control/app/api/hosts.ts';
import { pick } from '../../control/dialects/phoenix/pages.ts';
import {
  SYSTEM_STATUSES,
  TASK_STATUSES,
  toAgentStatus,
  toPartStatus,
  toTaskStatus,
} from '../../control/dialects/phoenix/status.ts';
import { fromTask, toTask } from '../../control/dialects/phoenix/task.ts';
import { joinWords, splitWords } from '../../control/dialects/phoenix/words.ts';

const text = readFileSync(new URL('../../docs/dialects.md', import.meta.url), 'utf8');

const asLines = (rows: string[][]): string[] => rows.map((row) => row.join(' | ')).toSorted();

function tableAt(heading: string): string[][] {
  const [, table = ''] = text.split(`| ${heading} |\n`);
  const lines = table.slice(0, table.indexOf('\n\n')).split('\n').slice(1);
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

t.test('every state of a task has its word', async (t) => {
  const rows = [null, ...RUN_STATES].flatMap((state) =>
    [true, false].map((isEnabled) => {
      const word = toTaskStatus({ isEnabled, lastRun: state && { at: 1, state } });
      return [state ?? 'none', isEnabled ? 'yes' : 'no', word];
    }),
  );
  t.strictSame(asLines(rows), asLines(tableAt('last run | enabled | phoenix')));
  t.strictSame(new Set(rows.map((row) => row.at(-1))), new Set(TASK_STATUSES));
});

t.test('every state of a system service has its word', async (t) => {
  const agents = (['connected', 'offline', 'fenced', 'revoked'] satisfies Host['status'][]).map((status) => [
    'agent',
    status,
    toAgentStatus({ status, facts: null }),
  ]);
  const facts = { dockerAwaySince: 1 } as Host['facts'];
  const rows = [
    ['part', 'in order', toPartStatus({ trouble: null })],
    ['part', 'in trouble', toPartStatus({ trouble: 'the disk is full' })],
    ['agent', 'without Docker', toAgentStatus({ status: 'connected', facts })],
    ...agents,
  ];
  t.strictSame(asLines(rows), asLines(tableAt('what | state | phoenix')));
  t.strictSame(new Set(rows.map((row) => row.at(-1))), new Set(SYSTEM_STATUSES));
  t.equal(toAgentStatus({ status: 'offline', facts }), 'offline', 'whatever it said before');
});

t.test('what a schedule does is the same after it was read and sent back', async (t) => {
  const exec = { command: ['sh', '-c', `echo "it's" $HOME \\ `, ''], composeService: null, timeoutS: 7 };
  const namesake = { command: ['restart'], composeService: 'web', timeoutS: 7 };
  for (const [kind, program] of [
    ...SCHEDULE_KINDS.filter((it) => it !== 'exec').map((it) => [it, {}] as const),
    ['exec', { exec }] as const,
    ['exec', { exec: namesake }] as const,
  ]) {
    for (const [targets, servers] of [
      [{ isAll: true as const }, 'all'],
      [{ serviceId: 'svc_1' }, ['one']],
      [{ serviceIds: ['svc_1', 'svc_2'] }, ['one', 'two']],
      [{ labels: { tier: 'eu' } }, { labels: { tier: 'eu' } }],
    ] as const) {
      const named = 'serviceIds' in targets ? { serviceIds: [...targets.serviceIds] } : targets;
      const nameOf = (id: string) => (id === 'svc_1' ? 'one' : 'two');
      const schedule = { kind, targets: named, delayBetweenS: 60, ...program };
      const task = toTask(schedule, { nameOf, seesProgram: true });
      t.strictSame(fromTask(task), { kind, servers, delayBetweenS: 60, ...program }, JSON.stringify(task));
    }
  }
});

t.test('words are the same after they were joined and split', async (t) => {
  for (const words of [['a'], ["'"], ['"', '\\'], ['', ' '], ['a b', '$(c)', '\n', 'é']])
    t.strictSame(splitWords(joinWords(words)), words);
});

t.test('pages over several lists show everything once, in order', async (t) => {
  const sectionOf = (items: number[]) => ({
    total: items.length,
    page: (page: number, perPage: number) => items.slice((page - 1) * perPage, page * perPage),
  });
  const all = Array.from({ length: 12 }, (_, i) => i);
  for (const [a, b] of [
    [0, 0],
    [4, 4],
    [4, 5],
    [1, 11],
    [12, 12],
    [5, 7],
  ] as const) {
    const sections = [sectionOf(all.slice(0, a)), sectionOf(all.slice(a, b)), sectionOf(all.slice(b))];
    for (const perPage of [1, 2, 3, 5, 12, 20]) {
      const pages = Array.from({ length: 14 }, (_, i) => pick(sections, { page: i + 1, perPage }));
      t.strictSame(
        pages.flatMap(({ items }) => items),
        all,
        `${a}, ${b} by ${perPage}`,
      );
      t.ok(pages.every(({ items, total }) => items.length <= perPage && total === 12));
    }
  }
});
