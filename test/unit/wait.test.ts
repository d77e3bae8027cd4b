// Waiting for containers to be ready, on a fake Docker.
import t from 'tap';
import { parseRendered } from '../../agent/deploy/rendered.ts';
import { waitReady, type WaitScope } from '../../agent/deploy/wait.ts';
import type { Container } from '../../agent/docker/engine.ts';
import { eventually } from '../support/eventually.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { ManualClock } from '../support/manual-clock.ts';

const rendered = parseRendered('{"name": "shop", "services": {"web": {"image": "web:1"}}}');

/** Waits for one container of `web` that is as `given`. */
function wait(given: { restartCount: number; ranForMs: number }): Promise<unknown> {
  const clock = new ManualClock();
  const engine = new FakeEngine();
  const startedAt = clock.now() - given.ranForMs;
  const { restartCount } = given;
  engine.addContainer({
    name: 'shop-web-1',
    project: 'shop',
    service: 'web',
    state: 'running',
    startedAt,
    restartCount,
  });
  const events = { isConnected: true, subscribe: () => () => undefined };
  const signal = new AbortController().signal;
  return waitReady({ engine, events, clock }, { rendered, timeoutMs: 10_000, signal, say: () => undefined });
}

t.test('a container that keeps crashing has failed; one that crashed long ago and runs has not', async (t) => {
  await t.rejects(wait({ restartCount: 5, ranForMs: 200 }), { code: 'exited' });
  t.match(await wait({ restartCount: 9, ranForMs: 60_000 }), [{ name: 'shop-web-1' }]);
});

/** Two containers of `web`, the first of them with health check and logs; waits as long as `scope` says. */
function waitForTwo(first: Partial<Container>, scope: (oldId: string) => WaitScope): Promise<Container[]> {
  const clock = new ManualClock();
  const engine = new FakeEngine();
  engine.now = () => clock.now();
  const common = { project: 'shop', service: 'web', state: 'running', startedAt: clock.now() - 60_000 } as const;
  const old = engine.addContainer({ name: 'shop-web-1', hasHealthCheck: true, ...common, ...first });
  engine.addContainer({ name: 'shop-web-2', ...common });
  engine.logs.set(old.id, ['cannot find the database']);
  const events = { isConnected: true, subscribe: () => () => undefined };
  const options = { rendered, timeoutMs: 0, signal: new AbortController().signal, say: () => undefined };
  return waitReady({ engine, events, clock }, { ...options, ...scope(old.id) });
}

t.test('containers that do not count are not waited for', async (t) => {
  const ready = await waitForTwo({ health: 'unhealthy' }, (id) => ({ except: new Set([id]) }));
  t.match(ready, [{ name: 'shop-web-2' }]);
  await t.rejects(
    waitForTwo({ health: 'unhealthy' }, () => ({})),
    { code: 'unhealthy' },
  );
});

t.test('a service that must have done its work is waited for until it has ended', async (t) => {
  const completes = () => ({ completes: ['web'] });
  await t.rejects(waitForTwo({ health: 'healthy' }, completes), { code: 'timed_out', details: /still at work/ });
});

t.test('who is unhealthy or late is told with the last lines', async (t) => {
  await t.rejects(
    waitForTwo({ health: 'unhealthy', probeOutput: 'refused' }, () => ({})),
    {
      code: 'unhealthy',
      details: 'refused\nIts last lines:\ncannot find the database',
    },
  );
  await t.rejects(
    waitForTwo({ health: 'starting', probeOutput: 'HTTP 503' }, () => ({})),
    {
      code: 'timed_out',
      details:
        'shop-web-1 is starting\nLast health check of shop-web-1:\nHTTP 503\nLast lines of shop-web-1:\ncannot find the database',
    },
  );
});

t.test('F12: a list that was late is asked for again, also when no event says so', async (t) => {
  const clock = new ManualClock();
  const engine = new FakeEngine();
  engine.addContainer({ name: 'shop-web-1', project: 'shop', service: 'web', state: 'running', startedAt: 0 });
  engine.isAway = true;
  const events = { isConnected: true, subscribe: () => () => undefined };
  const options = { rendered, timeoutMs: 60_000, signal: new AbortController().signal, say: () => undefined };
  const ready = waitReady({ engine, events, clock }, options);
  await eventually(() => clock.pending === 1);
  engine.isAway = false;
  clock.advance(5_000);
  t.match(await ready, [{ name: 'shop-web-1' }]);
});
