// Healing on a real engine, with the patience of a test. One host for all of it, its services beside each other.
import t from 'tap';
import { HEALING_LIMITS, type HealingLimits } from '../../agent/healing/limits.ts';
import { docker, ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { startRealHost } from '../support/real-host.ts';

const LIMITS: HealingLimits = {
  ...HEALING_LIMITS,
  firstDelayMs: 50,
  maxDelayMs: 200,
  restarts: 3,
  windowMs: 120_000,
  pauseMs: 0,
};
const PATIENCE = { timeoutMs: 60_000 };
/** The others do not wait for it. */
const BESIDE = { buffered: true };

/** Ends at once, at each start, as long as the file is there. */
const flapping = (restart: string) => `services:
  web:
    image: busybox:1
    network_mode: none
    restart: "${restart}"
    stop_grace_period: 0s
    command: [sh, -c, "echo begins; test ! -e /state/broken || exit 7; while test ! -e /state/broken; do sleep 0.1; done; exit 7"]
    volumes: ["state:/state"]
volumes: { state: {} }
`;
const EATER = `services:
  eater:
    image: busybox:1
    network_mode: none
    restart: "no"
    mem_limit: 16m
    command: [sh, -c, "while test ! -e /eat; do sleep 0.1; done; exec tail /dev/zero"]
`;

t.test('healing on a real engine', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const host = await startRealHost(t, { healing: LIMITS });
  t.jobs = 4;
  const stateOf = (name: string) => docker(['inspect', '-f', '{{.State.Status}}', `${name}-web-1`]);
  const breakIt = (name: string) => docker(['exec', `${name}-web-1`, 'touch', '/state/broken']);

  for (const restart of ['no', 'always']) {
    void t.test(
      `F42: with "restart: ${restart}" a flapping container is given up, stays down, and a start resets`,
      BESIDE,
      async (t) => {
        const name = uniqueProject(t, 'heal');
        const id = await host.deploy(name, flapping(restart));
        await breakIt(name);
        await eventually(() => host.timeline(id).some(({ status }) => status === 'gave_up'), PATIENCE);
        await eventually(() => host.report(id)?.healing?.gaveUpAt, PATIENCE);
        t.match(host.report(id), { lifecycle: 'failed', reason: /^Gave up after 3 restarts/ });
        const gaveUp = host.timeline(id).find(({ status }) => status === 'gave_up');
        t.equal(gaveUp?.end?.oomKilled, false);
        t.ok(gaveUp?.end?.lastLines.includes('begins'));
        t.equal(host.timeline(id).filter(({ status }) => status === 'restarted').length, 3);
        await eventually(() => stateOf(name), { ...PATIENCE, until: (state) => state === 'exited' });
        const restarts = host.report(id)?.healing?.restartCount ?? 0;
        t.ok(restarts >= 3);

        await docker([
          'run',
          '--rm',
          '--network',
          'none',
          '-v',
          `${name}_state:/state`,
          'busybox:1',
          'rm',
          '/state/broken',
        ]);
        const result = await host.run('start', id);
        t.equal(result?.state, 'succeeded');
        await eventually(() => host.report(id)?.lifecycle === 'running', PATIENCE);
        t.match(host.report(id)?.healing, { failureCount: 0, gaveUpAt: null });
        await host.run('remove', id);
      },
    );
  }

  void t.test('a killed container is back by itself; one that was stopped by hand is not', BESIDE, async (t) => {
    const name = uniqueProject(t, 'heal');
    const id = await host.deploy(name, flapping('no'));
    await docker(['kill', `${name}-web-1`]);
    await eventually(() => (host.report(id)?.healing?.restartCount ?? 0) === 1, PATIENCE);
    await eventually(() => host.report(id)?.lifecycle === 'running', PATIENCE);
    t.equal(await stateOf(name), 'running');

    await docker(['stop', '-t', '0', `${name}-web-1`]);
    await eventually(() => host.report(id)?.lifecycle === 'stopped', PATIENCE);
    t.equal(host.report(id)?.reason, `${name}-web-1 was stopped by hand`);
    t.equal(await stateOf(name), 'exited');
    await docker(['start', `${name}-web-1`]);
    await eventually(() => host.report(id)?.lifecycle === 'running', PATIENCE);

    await host.enable(id, false);
    await docker(['kill', `${name}-web-1`]);
    await eventually(() => host.report(id)?.lifecycle === 'failed', PATIENCE);
    t.equal(host.report(id)?.healing?.nextRestartAt, null, 'a disabled one is left alone');
    await host.enable(id, true);
    await eventually(() => host.report(id)?.lifecycle === 'running', PATIENCE);
    await host.run('remove', id);
  });

  void t.test('F07: a container that runs out of memory is told of as such', BESIDE, async (t) => {
    const name = uniqueProject(t, 'heal');
    const id = await host.deploy(name, EATER);
    await docker(['exec', `${name}-eater-1`, 'touch', '/eat']);
    const told = await eventually(() => host.timeline(id).find(({ type }) => type === 'oom_killed'), PATIENCE);
    t.match(told, { serviceId: id, status: 'killed', end: { oomKilled: true } });
    await eventually(() => host.timeline(id).some(({ status }) => status === 'gave_up'), PATIENCE);
    await host.run('remove', id);
  });
});
