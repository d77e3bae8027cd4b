import t, { type Test } from 'tap';
import { specOf } from '../support/agent-core.ts';
import { makeFolder } from '../support/folder.ts';
import { addContainer, startHealingHost } from '../support/healing-host.ts';
import { SERVICE_LABEL, type Container } from '../../agent/docker/engine.ts';
import { nextDueOf } from '../../agent/healing/record.ts';

type Host = ReturnType<typeof startHealingHost>;

/** A host that has looked at its running service. */
async function startRunning(t: Test, over: Partial<Container> = {}) {
  const host = startHealingHost(t, { dir: makeFolder(t, 'agent') });
  const container = addContainer(host.engine, over);
  await host.until(() => host.report()?.health === 'healthy' && known(host)?.wellSince, 'it runs');
  return { host, id: container.id };
}

const crash = ({ engine, clock }: Host, id: string, over: Partial<Container> = {}) =>
  engine.change(id, { state: 'exited', exitCode: 1, finishedAt: clock.now(), ...over }, 'die');
/** What is remembered of the container that is looked at first. */
const known = (host: Host) => Object.values(host.service().healing?.containers ?? {})[0];
const stateOf = ({ engine }: Host, id: string) => engine.containers.get(id)?.state;
const isUp = (host: Host, id: string) => () => stateOf(host, id) === 'running';
const isFailed = (host: Host) => () => host.report()?.lifecycle === 'failed';

t.test('a container that fails is restarted after its delay, counted and told', async (t) => {
  const { host, id } = await startRunning(t);
  const failedAt = host.clock.now();
  crash(host, id);
  await host.until(isFailed(host), 'the failure is seen');
  t.match(host.report(), {
    reason: /^web-web-1 exited with code 1; next restart at 2026-/,
    healing: { failureCount: 1, restartCount: 0, gaveUpAt: null },
  });
  await host.until(isUp(host, id), 'it is restarted');
  t.ok(host.clock.now() - failedAt >= 10_000, 'not before ten seconds');
  await host.until(() => host.report()?.lifecycle === 'running', 'it is reported');
  t.match(host.report(), { reason: null, healing: { failureCount: 1, restartCount: 1, nextRestartAt: null } });
  const told = host.timeline().find(({ type }) => type === 'heal');
  t.match(told, { status: 'restarted', message: 'web-web-1 exited with code 1: restart 1 of 5' });
});

t.test('an unhealthy container is restarted', async (t) => {
  const { host, id } = await startRunning(t, { hasHealthCheck: true, health: 'healthy' });
  const before = host.engine.containers.get(id)?.startedAt ?? 0;
  host.engine.change(id, { health: 'unhealthy' }, 'health_status');
  await host.until(() => (host.engine.containers.get(id)?.startedAt ?? 0) > before, 'it is restarted');
  t.match(
    host.timeline().find(({ type }) => type === 'heal'),
    { message: /^web-web-1 is unhealthy/ },
  );
});

/** Fails at once after each start, as `sh -c 'exit 1'` does. */
async function giveUp(host: Host, id: string): Promise<void> {
  await host.until(() => {
    if (stateOf(host, id) === 'running') crash(host, id);
    return known(host)?.gaveUp && host.report()?.healing?.gaveUpAt;
  }, 'it is given up');
}

t.test('F42: after five restarts it is given up: failed, with code, memory flag and masked last lines', async (t) => {
  const { host, id } = await startRunning(t);
  host.engine.logs.set(
    id,
    Array.from({ length: 80 }, (_, i) => `line ${i} of canary-3f9a`),
  );
  await giveUp(host, id);
  t.equal(host.told().filter((each) => each === 'heal restarted').length, 5);
  const last = host.timeline().findLast(({ type }) => type === 'heal');
  t.match(last, {
    status: 'gave_up',
    message: 'Gave up after 5 restarts in 10 minutes: web-web-1 exited with code 1',
    end: { exitCode: 1, oomKilled: false },
  });
  t.equal(last?.end?.lastLines.length, 50);
  t.match(last?.end?.lastLines[0], /^line 30 of /);
  t.notMatch(JSON.stringify(host.timeline()), /canary/);
  t.match(host.report(), { lifecycle: 'failed', reason: /^Gave up/, healing: { restartCount: 5, failureCount: 6 } });
  await host.pass(60_000);
  t.equal(stateOf(host, id), 'exited');
});

t.test('F42: a manual start, restart or enable resets, and it is healed again', async (t) => {
  for (const reset of ['start', 'restart', 'enable'] as const) {
    const { host, id } = await startRunning(t);
    await giveUp(host, id);
    const restarts = host.service().healing?.restartCount ?? 0;
    if (reset === 'enable') host.enable(true);
    else host.offer(reset);
    t.equal(host.service().healing?.failureCount, 0, `${reset}: at once`);
    t.equal(known(host)?.gaveUp, null);
    await host.until(isUp(host, id), `healed after ${reset}`);
    const byHand = reset === 'restart' ? 1 : 0;
    t.equal(host.service().healing?.restartCount, restarts + 1 + byHand, `${reset}: what was counted stays counted`);
    await host.stop();
  }
});

t.test('F42: backoff, counters and what was given up survive a kill of the agent', async (t) => {
  const dir = makeFolder(t, 'agent');
  const first = startHealingHost(t, { dir });
  const { engine, clock } = first;
  const { id } = addContainer(engine);
  await first.until(() => known(first)?.wellSince, 'it runs');
  crash(first, id);
  await first.until(isUp(first, id), 'its first restart');
  crash(first, id);
  await first.until(() => known(first)?.dueAt, 'its second failure');
  const before = first.service().healing;
  first.crash();

  const second = startHealingHost(t, { dir, engine, clock });
  t.strictSame(second.service().healing, before);
  await second.until(isUp(second, id), 'it is restarted by the next process');
  t.ok(clock.now() >= ((before && nextDueOf(before)) ?? Infinity), 'when it was due');
  await giveUp(second, id);
  second.crash();

  const third = startHealingHost(t, { dir, engine, clock });
  await third.pass(30_000);
  t.equal(stateOf(third, id), 'exited', 'it stays given up');
  t.equal(third.told().filter((each) => each === 'heal gave_up').length, 1, 'told once');
});

t.test('F42: one that Docker restarts over and over is stopped when it is given up', async (t) => {
  const { host, id } = await startRunning(t, { restartPolicy: 'always' });
  let restartCount = 0;
  const loop = () => {
    if (stateOf(host, id) === 'exited') return true;
    if (host.clock.now() % 5_000 === 0)
      host.engine.change(id, { state: 'running', exitCode: 1, restartCount: ++restartCount }, 'die');
    return false;
  };
  await host.until(loop, 'it is stopped');
  await host.until(isFailed(host), 'it is reported');
  t.match(host.report(), { reason: /^Gave up after 5 restarts in 10 minutes: web-web-1 keeps ending/ });
  t.equal(host.told().filter((each) => each === 'heal restarted').length, 5, 'its tries are told, not each restart');
});

t.test('a disabled service is left alone, and healed once it is enabled', async (t) => {
  const { host, id } = await startRunning(t);
  host.enable(false);
  crash(host, id);
  await host.until(isFailed(host), 'the failure is seen');
  await host.pass(60_000);
  t.equal(stateOf(host, id), 'exited');
  t.match(host.report()?.healing, { failureCount: 0, nextRestartAt: null });
  t.strictSame(
    host.state.services.standings(),
    [{ serviceId: 'svc_1', revision: 1, isEnabled: false }],
    'at its hello',
  );
  host.enable(true);
  await host.until(isUp(host, id), 'it is healed');
});

t.test('a service that its user stopped is left alone', async (t) => {
  const { host, id } = await startRunning(t);
  host.offer('stop');
  await host.until(() => host.results().length === 1, 'the stop has ended');
  crash(host, id, { exitCode: 137 });
  await host.pass(60_000);
  t.equal(stateOf(host, id), 'exited');
  t.match(host.report(), { lifecycle: 'stopped' });
});

t.test('while a job works on a service, and while one waits for it, nothing is healed', async (t) => {
  const gate = Promise.withResolvers<void>();
  const host = startHealingHost(t, {
    dir: makeFolder(t, 'agent'),
    execute: async ({ steps }) => {
      await steps.run('apply', () => gate.promise);
      return { state: 'succeeded', goodRevision: 1 };
    },
  });
  const { id } = addContainer(host.engine);
  await host.until(() => known(host)?.wellSince, 'it runs');
  crash(host, id);
  await host.until(() => known(host)?.dueAt, 'the failure is seen');
  host.offer('redeploy');
  await host.pass(60_000);
  t.equal(stateOf(host, id), 'exited', 'the job has it');
  gate.resolve();
  await host.until(isUp(host, id), 'after the job it is healed');
});

t.test('a container that was stopped by hand stays stopped, and its service says so', async (t) => {
  const { host, id } = await startRunning(t);
  host.clock.advance(1_000);
  crash(host, id, { exitCode: 137 });
  host.engine.change(id, {}, 'stop');
  await host.until(() => host.report()?.lifecycle === 'stopped', 'it is seen');
  t.equal(host.report()?.reason, 'web-web-1 was stopped by hand');
  await host.pass(60_000);
  t.equal(stateOf(host, id), 'exited');
  await host.engine.startContainer(id);
  await host.until(() => host.report()?.lifecycle === 'running', 'it was started by hand');
  crash(host, id);
  await host.until(isUp(host, id), 'a crash after that is healed');
});

t.test('enabling does not start what was stopped by hand', async (t) => {
  const { host, id } = await startRunning(t);
  host.clock.advance(1_000);
  crash(host, id, { exitCode: 137 });
  host.engine.change(id, {}, 'stop');
  await host.until(() => host.report()?.lifecycle === 'stopped', 'it is seen');
  host.enable(true);
  await host.pass(60_000);
  t.equal(stateOf(host, id), 'exited');
});

t.test('a container that flaps is given up alone: what stands beside it is healed on', async (t) => {
  const { host, id } = await startRunning(t);
  const sidecar = addContainer(host.engine, { id: 'c2', name: 'web-sidecar-1', service: 'sidecar' }).id;
  await host.until(() => {
    if (stateOf(host, sidecar) === 'running') crash(host, sidecar);
    return host.report()?.healing?.gaveUpAt;
  }, 'the sidecar is given up');
  crash(host, id);
  await host.until(isUp(host, id), 'the other one is restarted');
  t.equal(stateOf(host, sidecar), 'exited');
  t.match(host.report(), { lifecycle: 'failed', reason: /^Gave up .*web-sidecar-1 exited with code 1$/ });
  t.equal(host.told().filter((each) => each === 'heal gave_up').length, 1);
});

t.test('who enables a service while it is given up has it healed', async (t) => {
  const { host, id } = await startRunning(t);
  let isAsked = false;
  const tail = host.engine.tailLogs.bind(host.engine);
  host.engine.tailLogs = (each, lines) => {
    if (!isAsked) host.enable(true);
    isAsked = true;
    return tail(each, lines);
  };
  await host.until(() => {
    if (!isAsked && stateOf(host, id) === 'running') crash(host, id);
    return isAsked && stateOf(host, id) === 'running';
  }, 'it is up');
  t.notOk(host.told().includes('heal gave_up'));
  t.equal(host.service().healing?.failureCount, 1, 'a first failure');
});

t.test('what somebody disables while its neighbour is restarted is left alone', async (t) => {
  const { host, id } = await startRunning(t);
  const other = addContainer(host.engine, { id: 'c2', name: 'web-other-1', service: 'other' }).id;
  const restart = host.engine.restartContainer.bind(host.engine);
  const restarted: string[] = [];
  host.engine.restartContainer = (each) => {
    restarted.push(each);
    host.enable(false);
    return restart(each);
  };
  crash(host, id);
  crash(host, other);
  await host.until(() => restarted.length > 0, 'the first is restarted');
  await host.pass(30_000);
  t.equal(restarted.length, 1);
});

/** Another one on the host, with its container up. Returns the container's id. */
function addService({ state, engine }: Host, name: string): string {
  const id = `svc_${name}`;
  state.services.put(specOf({ id, name }));
  state.services.setEffect(id, { goodRevision: 1, failure: null });
  const over = { id: `c_${name}`, name: `${name}-web-1`, project: name, labels: { [SERVICE_LABEL]: id } };
  return addContainer(engine, over).id;
}

t.test('services that fall at once are restarted a few at a time', async (t) => {
  const { host, id } = await startRunning(t);
  const begun: number[] = [];
  const restart = host.engine.restartContainer.bind(host.engine);
  host.engine.restartContainer = (each) => {
    begun.push(host.clock.now());
    return restart(each);
  };
  const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => addService(host, name));
  const all = [id, ...ids];
  for (const each of all) crash(host, each);
  await host.until(() => all.every((each) => isUp(host, each)()), 'all are restarted');
  t.equal(begun.length, all.length);
  for (const at of begun) t.ok(begun.filter((other) => other >= at && other < at + 1_000).length <= 3);
});

t.test('a container that is stopped by hand while its service waits for its turn stays stopped', async (t) => {
  const { host, id } = await startRunning(t);
  const others = ['a', 'b', 'c'].map((name) => addService(host, name));
  const stopped = addContainer(host.engine, { id: 'c2', name: 'web-other-1', service: 'other' }).id;
  const gate = Promise.withResolvers<void>();
  const restart = host.engine.restartContainer.bind(host.engine);
  const held: string[] = [];
  host.engine.restartContainer = async (each) => {
    held.push(each);
    await gate.promise;
    return restart(each);
  };
  for (const each of others) crash(host, each);
  await host.until(() => held.length === others.length, 'the others have all turns');
  crash(host, id);
  await host.pass(30_000); // its delay, and then it waits for the others
  crash(host, stopped, { exitCode: 137 });
  host.engine.change(stopped, {}, 'stop');
  gate.resolve();
  await host.until(isUp(host, id), 'what failed is restarted');
  await host.pass(60_000);
  t.equal(stateOf(host, stopped), 'exited');
});

t.test('a stop that healing made and that is told late is none by hand', async (t) => {
  const { host, id } = await startRunning(t, { hasHealthCheck: true, health: 'healthy' });
  const restart = host.engine.restartContainer.bind(host.engine);
  let stoppedAt = 0;
  host.engine.restartContainer = async (each) => {
    if (stoppedAt > 0) return restart(each);
    stoppedAt = host.clock.now();
    host.engine.change(each, { state: 'exited', exitCode: 137, finishedAt: stoppedAt });
    await host.engine.unpauseContainer(each); // it cannot be started again, say
  };
  host.engine.change(id, { health: 'unhealthy' }, 'health_status');
  await host.until(() => host.told().includes('heal restart_failed'), 'its restart fails half way');
  host.engine.now = () => stoppedAt;
  host.engine.change(id, {}, 'stop');
  host.engine.now = () => host.clock.now();
  await host.until(isUp(host, id), 'it is tried again');
  t.equal(host.service().healing?.restartCount, 2);
});

t.test('a restart that fails is told, and is tried again', async (t) => {
  const { host, id } = await startRunning(t);
  const restart = host.engine.restartContainer.bind(host.engine);
  let tries = 0;
  host.engine.restartContainer = (each) => {
    tries += 1;
    return tries === 1 ? host.engine.unpauseContainer(each) : restart(each); // which Docker refuses
  };
  crash(host, id);
  await host.until(isUp(host, id), 'the second try');
  t.equal(host.told().filter((each) => each === 'heal restart_failed').length, 1);
  t.match(host.service().healing, { failureCount: 2, restartCount: 2 });
});

t.test('F07: a container that runs out of memory is told at once, and once', async (t) => {
  const { host, id } = await startRunning(t);
  host.clock.advance(10);
  host.engine.change(id, {}, 'oom');
  const ooms = () => host.timeline().filter(({ type }) => type === 'oom_killed');
  t.match(ooms(), [{ serviceId: 'svc_1', message: 'A process of web was killed: out of memory' }]);
  crash(host, id, { exitCode: 137, oomKilled: true });
  await host.until(isFailed(host), 'its end is seen');
  t.match(host.report(), { reason: /code 137 \(out of memory\)/ });
  t.equal(ooms().length, 1);
});

t.test('F07: one that no event told of is told by the next look', async (t) => {
  const { host, id } = await startRunning(t);
  host.clock.advance(10);
  crash(host, id, { exitCode: 137, oomKilled: true });
  await host.until(() => host.told().includes('oom_killed killed'), 'it is told');
  await host.until(isUp(host, id), 'it is healed');
  t.equal(host.told().filter((each) => each === 'oom_killed killed').length, 1);
});

/** Docker ends and comes up anew, with containers as `change` says. */
async function restartDocker({ engine, clock }: Host, change: () => void): Promise<void> {
  engine.goAway();
  clock.advance(1_000);
  engine.starts += 1;
  engine.isAway = false;
  change();
}

t.test('what ran comes back when Docker comes up anew, with control away, and has not failed', async (t) => {
  const { host, id } = await startRunning(t);
  crash(host, id, { exitCode: 143 }); // on the way down
  await host.until(() => host.report()?.healing?.failureCount === 1, 'the way down looks like a failure');
  await restartDocker(host, () => undefined);
  await host.until(() => host.results().length === 1, 'a job has ended');
  t.strictSame(host.jobsDone, ['start']);
  t.match(host.service().healing, { failureCount: 0 });
});

t.test('what its user stopped is stopped again where Docker has started it', async (t) => {
  const { host, id } = await startRunning(t, { restartPolicy: 'always' });
  host.offer('stop');
  await host.until(() => host.results().length === 1, 'the stop has ended');
  await restartDocker(host, () => host.engine.change(id, { state: 'running', startedAt: host.clock.now() }));
  await host.until(() => host.results().length === 2, 'another stop has ended');
  t.strictSame(host.jobsDone, ['stop', 'stop']);
});

t.test('a restart of the agent alone starts nothing', async (t) => {
  const dir = makeFolder(t, 'agent');
  const first = startHealingHost(t, { dir });
  const { engine, clock } = first;
  const { id } = addContainer(engine);
  await first.until(() => known(first)?.wellSince, 'it runs');
  await first.stop();
  crash(first, id, { exitCode: 0 });
  const second = startHealingHost(t, { dir, engine, clock });
  await second.until(() => second.report()?.containers[0]?.state === 'exited', 'it is seen');
  await second.pass(30_000);
  t.strictSame(second.jobsDone, []);
  t.equal(stateOf(second, id), 'exited', 'it has done its work');
});

t.test('what fell with Docker while the agent was away comes back', async (t) => {
  const dir = makeFolder(t, 'agent');
  const first = startHealingHost(t, { dir });
  const { engine, clock } = first;
  const { id } = addContainer(engine);
  await first.until(() => known(first)?.wellSince, 'it runs');
  first.crash();
  engine.change(id, { state: 'exited', exitCode: 0, finishedAt: clock.now() });
  engine.starts += 1;
  const second = startHealingHost(t, { dir, engine, clock });
  await second.until(() => second.results().length === 1, 'a job has ended');
  t.strictSame(second.jobsDone, ['start']);
});
