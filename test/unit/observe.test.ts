// Containers to lifecycle, health and a reason; and waiting for them, on a clock moved by hand.
import t from 'tap';
import { healthOf, lifecycleOf, SETTLE_MS } from '../../agent/deploy/observe.ts';
import type { Rendered } from '../../agent/deploy/rendered.ts';
import { waitReady } from '../../agent/deploy/wait.ts';
import type { Container } from '../../agent/docker/engine.ts';
import { startEventHub } from '../../agent/docker/events.ts';
import { silentLogger } from '#shared/log.ts';
import { eventually } from '../support/eventually.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { ManualClock } from '../support/manual-clock.ts';

const NOW = 1_000_000;
const one = (given: Partial<Container>): Container =>
  new FakeEngine().addContainer({ name: 'shop-web-1', state: 'running', startedAt: NOW - SETTLE_MS, ...given });

t.test('lifecycle and reason by what the containers are', async (t) => {
  const rows: [string, Partial<Container>[], string, string | null][] = [
    ['all run', [{}, {}], 'running', null],
    ['a one-shot is done', [{}, { state: 'exited', exitCode: 0 }], 'running', null],
    ['all are done', [{ state: 'exited', exitCode: 0 }], 'stopped', null],
    ['none is there', [], 'failed', 'no container exists'],
    ['one crashed', [{}, { state: 'exited', exitCode: 3 }], 'failed', 'shop-web-1 exited with code 3'],
    [
      'out of memory',
      [{ state: 'exited', exitCode: 137, oomKilled: true }],
      'failed',
      'shop-web-1 exited with code 137 (out of memory)',
    ],
    ['a crash loop', [{ state: 'restarting', exitCode: 1 }], 'failed', 'shop-web-1 keeps restarting (exit code 1)'],
    ['dead', [{ state: 'dead' }], 'failed', 'shop-web-1 is dead'],
  ];
  for (const [name, containers, lifecycle, reason] of rows) {
    t.same(lifecycleOf(containers.map(one), 'running'), { lifecycle, reason }, name);
    t.same(
      lifecycleOf(containers.map(one), 'stopped'),
      { lifecycle: 'stopped', reason: null },
      `${name}, but stopped by the user`,
    );
  }
});

t.test('health is that of the worst running container', async (t) => {
  const checked = (health: Container['health']) => ({ hasHealthCheck: true, health });
  const rows: [string, Partial<Container>[], string][] = [
    ['nothing runs', [{ state: 'exited', exitCode: 0 }], 'unknown'],
    ['no check, settled', [{}], 'healthy'],
    ['no check, just started', [{ startedAt: NOW - SETTLE_MS + 1 }], 'starting'],
    ['one still starting', [checked('healthy'), checked('starting')], 'starting'],
    ['one unhealthy', [checked('unhealthy'), checked('starting'), {}], 'unhealthy'],
    ['a finished one does not count', [checked('healthy'), { state: 'exited', exitCode: 0 }], 'healthy'],
  ];
  for (const [name, containers, health] of rows) t.equal(healthOf(containers.map(one), NOW), health, name);
});

const CHECKED = { hasHealthCheck: true, health: 'starting' } as const;

/** A wait for one service `web` on a fake Docker; `settled` tells how it went so far. */
function startWait(given: Partial<Container>) {
  const clock = new ManualClock();
  const engine = new FakeEngine();
  engine.now = () => clock.now();
  const stop = new AbortController();
  const events = startEventHub({ engine, clock, log: silentLogger() }, stop.signal);
  const { id } = engine.addContainer({
    name: 'shop-web-1',
    project: 'shop',
    service: 'web',
    startedAt: clock.now(),
    ...given,
  });
  const rendered: Rendered = { name: 'shop', services: { web: {} } };
  const cancel = new AbortController();
  const said: string[] = [];
  const outcome = waitReady(
    { engine, events, clock },
    {
      rendered,
      timeoutMs: 60_000,
      signal: cancel.signal,
      say: ({ message }) => void said.push(message ?? ''),
    },
  ).then(
    () => ({ code: 'ready', message: '', details: '' }),
    ({ code, message, details }: { code: string; message: string; details: string }) => ({ code, message, details }),
  );
  const waiting = () => eventually(() => said.length > 0 && clock.pending > 0);
  return { clock, engine, id, outcome, said, waiting, cancel, end: () => stop.abort() };
}

t.test('a container without a health check is ready once it has settled', async (t) => {
  const { clock, outcome, waiting, said, end } = startWait({ state: 'running' });
  await waiting();
  t.equal(said[0], 'shop-web-1 has just started');
  clock.advance(SETTLE_MS);
  t.match(await outcome, { code: 'ready' });
  end();
});

t.test('a health check is waited for on events', async (t) => {
  const { engine, id, outcome, waiting, said, end } = startWait({
    state: 'running',
    hasHealthCheck: true,
    health: 'starting',
  });
  await waiting();
  t.equal(said[0], 'shop-web-1 is starting');
  engine.change(id, { health: 'healthy' }, 'health_status');
  t.match(await outcome, { code: 'ready' });
  t.equal(said.at(-1), 'ready', 'the last that is said is not that it starts');
  end();
});

t.test('an unhealthy container fails with what its check printed', async (t) => {
  const { engine, id, outcome, waiting, end } = startWait({
    state: 'running',
    hasHealthCheck: true,
    health: 'starting',
  });
  await waiting();
  engine.change(id, { health: 'unhealthy', probeOutput: 'connection refused' }, 'health_status');
  t.same(await outcome, {
    code: 'unhealthy',
    message: 'Container "shop-web-1" is unhealthy',
    details: 'connection refused',
  });
  end();
});

t.test('an exit fails with code and last lines, an exit with 0 is a job well done', async (t) => {
  const crashed = startWait({ state: 'running' });
  crashed.engine.logs.set(crashed.id, ['one', 'two']);
  await crashed.waiting();
  crashed.engine.change(crashed.id, { state: 'exited', exitCode: 7 }, 'die');
  t.same(await crashed.outcome, {
    code: 'exited',
    message: 'Container "shop-web-1" exited with code 7',
    details: 'one\ntwo',
  });
  crashed.end();
  const done = startWait({ state: 'running' });
  await done.waiting();
  done.engine.change(done.id, { state: 'exited', exitCode: 0 }, 'die');
  t.match(await done.outcome, { code: 'ready' });
  done.end();
});

t.test('a container that crashed before must hold out longer, and may not crash for ever', async (t) => {
  const { clock, engine, id, outcome, waiting, end } = startWait({
    state: 'running',
    restartPolicy: 'always',
    restartCount: 1,
  });
  await waiting();
  clock.advance(SETTLE_MS);
  engine.change(id, { state: 'restarting', restartCount: 5, exitCode: 1 }, 'die');
  t.match(await outcome, { code: 'exited', message: 'Container "shop-web-1" exited with code 1 after 5 restarts' });
  end();
});

t.test('the limit says who was not ready', async (t) => {
  const { clock, outcome, waiting, end } = startWait({ state: 'running', ...CHECKED });
  await waiting();
  clock.advance(60_000);
  t.same(await outcome, { code: 'timed_out', message: 'Not ready within 60 s', details: 'shop-web-1 is starting' });
  end();
});

t.test('F10: Docker may restart in between', async (t) => {
  const { clock, engine, id, outcome, waiting, end } = startWait({ state: 'running', ...CHECKED });
  await waiting();
  engine.goAway();
  await clockRuns(clock, () => clock.pending === 2); // the wait, and the next try to open the stream
  Object.assign(engine.containers.get(id) ?? {}, { health: 'healthy' }); // no event tells of it
  engine.isAway = false;
  let ended: unknown;
  void outcome.then((value) => (ended = value));
  await clockRuns(clock, () => ended);
  t.match(ended, { code: 'ready' });
  end();
});

/** Lets the clock run until it is so: what waits for its time gets it. */
const clockRuns = (clock: ManualClock, check: () => unknown) =>
  eventually(() => {
    clock.advance(1_000);
    return check();
  });

t.test('a cancelled wait ends at once', async (t) => {
  const { cancel, outcome, waiting, end } = startWait({ state: 'running', ...CHECKED });
  await waiting();
  cancel.abort({ code: 'cancelled', message: 'asked for', details: '' });
  t.match(await outcome, { code: 'cancelled' });
  end();
});
