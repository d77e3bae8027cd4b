import t from 'tap';
import { PassThrough } from 'node:stream';
import { systemClock } from '#shared/time.ts';
import { progressView } from '../../cli/progress-view.ts';

/** A view on a terminal of 40 columns, or into a pipe, and what it wrote. */
function viewOn(kind: 'terminal' | 'pipe') {
  const [stdout, stderr] = [0, 1].map(() =>
    Object.assign(new PassThrough(), { isTTY: kind === 'terminal', columns: 40 }),
  );
  if (!stdout || !stderr) throw new TypeError('no streams');
  const world = { env: { NO_COLOR: '1' }, stdin: new PassThrough(), stdout, stderr, clock: systemClock };
  const view = progressView({ ...world, interruption: () => new AbortController().signal });
  return { view, written: () => (stderr.read() as Buffer | null)?.toString() ?? '' };
}

void t.test('into a pipe there is one line for each thing that is new, without percentages', async (t) => {
  const { view, written } = viewOn('pipe');
  view.progress({ step: 'pull', state: 'running', message: 'x:1', percent: 10 });
  view.progress({ step: 'pull', state: 'running', message: 'x:1', percent: 20 });
  view.progress({ step: 'pull', state: 'done' });
  view.progress({ step: 'pull', state: 'running', message: 'late' });
  view.progress({ step: 'plan', state: 'done', message: 'create a\ncreate b\u001b[2J' });
  t.equal(written(), 'pull: running — x:1\npull: done\nplan: done — create a\n  create b\\x1b[2J\n');
});

void t.test('into a pipe a plan is told once, and what another step says in the same words as well', async (t) => {
  const { view, written } = viewOn('pipe');
  view.progress({ step: 'plan', state: 'running', message: 'keep a' });
  view.progress({ step: 'plan', state: 'done', message: 'keep a' });
  view.progress({ step: 'pull', state: 'done', message: 'keep a' });
  t.equal(written(), 'plan: running — keep a\nplan: done\npull: done — keep a\n');
});

void t.test('on a terminal a running step is one line that is drawn over, an ended one stays', async (t) => {
  const { view, written } = viewOn('terminal');
  view.progress({ step: 'pull', state: 'running', message: 'x:1', percent: 50 });
  t.equal(written(), '\r\u001b[2K⠋ pull       50 %  x:1');
  view.progress({ step: 'pull', state: 'done' });
  t.equal(written(), '\r\u001b[2K✔ pull\n');
  view.progress({ step: 'wait', state: 'failed', message: 'a reason much longer than the terminal is wide' });
  const [line = ''] = written().split('\n');
  t.equal(line, '\r\u001b[2K✖ wait       a reason much l…');
  view.progress({ step: 'record', state: 'skipped' });
  t.equal(written(), '\r\u001b[2K- record\n');
  view[Symbol.dispose]();
});

void t.test('a view that ends in the middle of a step leaves a clean line', async (t) => {
  const { view, written } = viewOn('terminal');
  view.progress({ step: 'pull', state: 'running' });
  written();
  view[Symbol.dispose]();
  t.equal(written(), '\r\u001b[2K');
});
