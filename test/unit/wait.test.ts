// Waiting for containers to be ready, on a fake Docker.
import t from 'tap';
import { parseRendered } from '../../agent/deploy/rendered.ts';
import { waitReady } from '../../agent/deploy/wait.ts';
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
