import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { createDockerGate } from '../../agent/docker-gate.ts';
import { eventually } from '../support/eventually.ts';
import { ManualClock } from '../support/manual-clock.ts';

function start({ isConnected = false } = {}) {
  const clock = new ManualClock();
  const docker = { pings: 0, isUp: false };
  const ping = () => {
    docker.pings += 1;
    return docker.isUp ? Promise.resolve() : Promise.reject(new LongshoreError('docker_unavailable'));
  };
  const gate = createDockerGate({ engine: { ping }, hub: { isConnected }, clock });
  return { clock, docker, gate };
}

t.test('with the event stream up nothing is asked', async (t) => {
  const { docker, gate } = start({ isConnected: true });
  await gate(new AbortController().signal);
  t.equal(docker.pings, 0);
});

t.test('waits until Docker answers', async (t) => {
  const { clock, docker, gate } = start();
  const open = gate(new AbortController().signal);
  await eventually(() => clock.pending === 1);
  docker.isUp = true;
  clock.advance(1000);
  await open;
  t.equal(docker.pings, 2);
});

t.test('F10: after two minutes without Docker it is docker_unavailable', async (t) => {
  const { clock, gate } = start();
  const open = gate(new AbortController().signal);
  const startedAt = clock.now();
  const refused = t.rejects(open, { code: 'docker_unavailable' });
  for (let second = 1; second <= 120; second++) {
    await eventually(() => clock.pending === 1, { intervalMs: 1 });
    clock.advance(1000);
  }
  await refused;
  t.equal(clock.now() - startedAt, 120_000);
});

t.test('a cancelled job stops waiting, with the reason', async (t) => {
  const { clock, gate } = start();
  const abort = new AbortController();
  const open = gate(abort.signal);
  await eventually(() => clock.pending === 1);
  abort.abort(new LongshoreError('cancelled'));
  await t.rejects(open, { code: 'cancelled' });
  t.equal(clock.pending, 0);
});

for (const jumpMs of [3600_000, -3600_000]) {
  t.test(`F36: setting the clock by ${jumpMs} ms while it waits changes nothing of the two minutes`, async (t) => {
    const { clock, gate } = start();
    let isOver = false;
    const open = gate(new AbortController().signal).catch(() => (isOver = true));
    await eventually(() => clock.pending === 1);
    clock.jump(jumpMs);
    for (let second = 1; second <= 120; second++) {
      t.notOk(isOver);
      await eventually(() => clock.pending === 1, { intervalMs: 1 });
      clock.advance(1000);
    }
    await open;
    t.ok(isOver);
  });
}
