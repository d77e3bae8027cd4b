// Deploys that fail, are cancelled or are killed, on a real Docker: what is told, what is kept, what is put back.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import type { JobStep } from '#shared/jobs.ts';
import type { ServiceSpec } from '#shared/model.ts';
import { startDeployHost, StepLog, type DeployHost } from '../support/deploy-host.ts';
import { docker, missingDocker, uniqueName } from '../support/docker.ts';

const skip = await missingDocker();

const GOOD: Partial<ServiceSpec> = {
  compose: 'services: {web: {image: "longshore-test/web:${TAG}", stop_grace_period: 1s}}\n',
  variables: { TAG: '1' },
};
const UNHEALTHY = `
services:
  web:
    image: longshore-test/web:2
    stop_grace_period: 1s
    healthcheck: {test: "echo no luck; exit 1", interval: 1s, retries: 1}
    deploy: {update_config: {order: stop-first}}
`;
const EVIDENCE = 'no luck\nIts last lines:\nserving v2 on port 80';

const imageOfWeb = async (host: DeployHost) =>
  (await host.engine.listProject(host.spec.name)).map(({ imageId }) => imageId);

t.test(
  'a revision that does not get healthy is told why, kept as evidence, and the one before is put back',
  { skip },
  async (t) => {
    const host = await startDeployHost(t, 'failing');
    await host.deploy(GOOD);
    const [image] = await imageOfWeb(host);
    const steps = new StepLog();
    const outcome = await host.deploy({ compose: UNHEALTHY, variables: {} }, { steps });
    t.match(outcome, {
      state: 'failed',
      goodRevision: 1,
      rolledBackTo: 1,
      error: { code: 'unhealthy', message: `Container "${host.spec.name}-web-1" is unhealthy`, details: EVIDENCE },
    });
    t.same(steps.lines.slice(-2), ['wait failed', 'rollback done']);
    t.same(await imageOfWeb(host), [image]);
    t.match(await host.executor.observe(host.spec, 'running'), { lifecycle: 'running' });
    t.equal(readFileSync(join(host.folder, 'compose.yaml'), 'utf8'), GOOD.compose);
    t.equal(readFileSync(join(host.folder, '.env'), 'utf8'), 'TAG="1"\n');
    t.same(readdirSync(join(host.folder, 'revisions')).toSorted(), ['1', 'failed-job_2']);
    const failure = readFileSync(join(host.folder, 'revisions/failed-job_2/failure.json'), 'utf8');
    t.match(JSON.parse(failure), { step: 'wait', error: { code: 'unhealthy', details: EVIDENCE } });
  },
);

t.test('the image of the good revision comes back although its name has moved on', { skip }, async (t) => {
  const image = `${uniqueName('longshore-test/moving')}:1`;
  t.teardown(() => docker(['rmi', '-f', image]));
  const host = await startDeployHost(t, 'failing');
  await docker(['tag', 'longshore-test/web:1', image]);
  await host.deploy({ compose: `services: {web: {image: "${image}", stop_grace_period: 1s}}` });
  const [good] = await imageOfWeb(host);
  await docker(['tag', 'longshore-test/crash:1', image]);
  t.match(await host.run({ kind: 'redeploy', pull: 'missing' }), {
    state: 'failed',
    rolledBackTo: 1,
    error: { code: 'exited' },
  });
  t.same(await imageOfWeb(host), [good]);
  t.equal((await host.engine.findImage(image))?.id, good);
});

t.test('a crash is told with exit code and last lines; a first revision stays to be looked at', { skip }, async (t) => {
  const host = await startDeployHost(t, 'failing');
  const compose = 'services: {app: {image: "longshore-test/crash:1", environment: {CODE: "3"}}}';
  const outcome = await host.deploy({ compose });
  t.match(outcome, {
    state: 'failed',
    goodRevision: null,
    rolledBackTo: undefined,
    error: { code: 'exited', message: `Container "${host.spec.name}-app-1" exited with code 3` },
  });
  // One line each of stdout and stderr: Docker reads the two side by side, so either may come first.
  const details = outcome.state === 'failed' ? outcome.error.details?.split('\n').toSorted() : undefined;
  t.match(details, [/^exiting 3$/, /^will exit 3 after 0 s$/]);
  t.match(await host.executor.observe(host.spec, 'running'), { lifecycle: 'failed', reason: /exited with code 3/ });
  t.match(await host.deploy(GOOD), { state: 'succeeded', goodRevision: 2 }, 'and the next deploy goes on from there');
});

t.test('a dependency that fails is blamed, not the one that waits for it', { skip }, async (t) => {
  const host = await startDeployHost(t, 'failing');
  const compose = `
services:
  app: {image: "longshore-test/web:1", depends_on: {db: {condition: service_healthy}}}
  db: {image: "longshore-test/crash:1", healthcheck: {test: "true", interval: 1s}}
`;
  t.match(await host.deploy({ compose }), {
    state: 'failed',
    error: { code: 'exited', message: /-db-1" exited with code 1/ },
  });
});

t.test(
  'what Compose could not do is told also where a container is down for a reason of its own',
  { skip },
  async (t) => {
    const host = await startDeployHost(t, 'failing');
    const compose = `
services:
  sad: {image: "busybox:1", command: [sh, -c, "exit 3"]}
  web: {image: "busybox:1", command: [/no-such-program], depends_on: [sad]}
`;
    t.match(await host.deploy({ compose }), { state: 'failed', error: { details: /no-such-program/ } });
  },
);

t.test('rollback may be switched off', { skip }, async (t) => {
  const host = await startDeployHost(t, 'failing', { rollbackOnFailure: false });
  await host.deploy(GOOD);
  const outcome = await host.deploy({ compose: UNHEALTHY });
  t.match(outcome, { state: 'failed', goodRevision: 1, error: { code: 'unhealthy' } });
  t.notOk('rolledBackTo' in outcome);
  t.match(await host.executor.observe(host.spec, 'running'), { health: 'unhealthy' });
});

t.test('a failure before anything was touched leaves containers and folder as they were', { skip }, async (t) => {
  const host = await startDeployHost(t, 'failing');
  await host.deploy(GOOD);
  const before = await host.standing();
  const refused: [string, string][] = [
    ['services: {web: {imag: x}}', 'compose_invalid'],
    ['services: {web: {image: x, labels: {longshore.x: y}}}', 'compose_policy'],
    ['services: {web: {image: "longshore-test/nowhere:1"}}', 'image_unavailable'],
    ['services: {web: {image: x, profiles: [never]}}', 'compose_invalid'],
  ];
  for (const [compose, code] of refused) {
    const outcome = await host.deploy({ compose });
    t.match(outcome, { state: 'failed', goodRevision: 1, error: { code } }, code);
    t.equal(readFileSync(join(host.folder, 'compose.yaml'), 'utf8'), GOOD.compose, code);
  }
  t.same(await host.standing(), before);
});

t.test('a cancel in the middle of the wait ends the job at once', { skip }, async (t) => {
  const host = await startDeployHost(t, 'failing');
  const compose = UNHEALTHY.replace('exit 1"', 'exit 1", start_period: 60s').replace('retries: 1', 'retries: 60');
  const cancel = new AbortController();
  const steps = new StepLog();
  steps.onSay = (step) => step === 'wait' && cancel.abort(new LongshoreError('cancelled'));
  t.match(await host.deploy({ compose }, { steps, signal: cancel.signal }), {
    state: 'cancelled',
    error: { code: 'cancelled' },
  });
  t.equal(steps.lines.at(-1), 'wait failed');
});

t.test('a cancel in the middle of `up` kills Compose and leaves no half-made container', { skip }, async (t) => {
  const host = await startDeployHost(t, 'failing');
  await host.deploy(GOOD);
  const cancel = new AbortController();
  const steps = new StepLog();
  steps.onSay = (step, { message = '' }) => {
    if (step === 'apply' && message.endsWith(' Recreate')) cancel.abort(new LongshoreError('superseded'));
  };
  const outcome = await host.deploy({ variables: { TAG: '2' } }, { steps, signal: cancel.signal });
  t.match(outcome, { state: 'cancelled', error: { code: 'superseded' }, goodRevision: 1 });
  t.match(await host.deploy({ variables: { TAG: '2' } }), { state: 'succeeded' });
  const names = (await host.engine.listProject(host.spec.name)).map(({ name }) => name);
  t.same(names, [`${host.spec.name}-web-1`]);
});

t.test('a shutdown is thrown, not told as an end of the job', { skip }, async (t) => {
  const host = await startDeployHost(t, 'failing');
  const stop = new AbortController();
  const steps = new StepLog();
  steps.onStep = (step: JobStep) => step === 'apply' && stop.abort(new DOMException('stopped', 'AbortError'));
  await t.rejects(host.deploy(GOOD, { steps, signal: stop.signal }), { name: 'AbortError' });
  t.match(await host.run(), { state: 'succeeded' }, 'and the same job ends well when it is run again');
});

/** Pids of compose processes that work in the folder. */
async function composePids(folder: string): Promise<number[]> {
  const { readdir, readFile } = await import('node:fs/promises');
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const is = await Promise.all(
    pids.map(async (pid) =>
      (await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')).includes(`LONGSHORE_RUN=${folder}\0`),
    ),
  );
  return pids.filter((_, index) => is[index]).map(Number);
}

for (const moment of ['Creating', 'Recreate', 'Recreated', 'Starting']) {
  t.test(`F03: compose killed at "${moment}" is run again and repaired`, { skip }, async (t) => {
    const host = await startDeployHost(t, 'failing');
    if (moment !== 'Creating') await host.deploy(GOOD);
    const steps = new StepLog();
    let killed = 0;
    const kill = async () => {
      for (const pid of await composePids(host.folder)) process.kill(pid, 'SIGKILL');
    };
    steps.onSay = (step, { message = '' }) => {
      if (step !== 'apply' || !message.endsWith(` ${moment}`) || killed++ > 0) return;
      void kill();
    };
    const outcome = await host.deploy({ ...GOOD, variables: { TAG: '2' } }, { steps });
    t.match(outcome, { state: 'succeeded' });
    t.ok(killed > 0);
    const containers = await host.engine.listProject(host.spec.name);
    t.match(containers, [{ name: `${host.spec.name}-web-1`, state: 'running', image: 'longshore-test/web:2' }]);
    t.equal(containers.length, 1);
  });
}

t.test(
  'an attempt that a crash cut off after it touched Docker is rolled back when it then fails',
  { skip },
  async (t) => {
    const host = await startDeployHost(t, 'fail');
    await host.deploy({ compose: 'services: {web: {image: "busybox:1", command: sleep 1000, init: true}}' });
    await docker(['rm', '-f', (await host.containerIds())['web'] ?? '']);
    const steps = new StepLog({ apply: Date.now() });
    const outcome = await host.deploy(
      { compose: 'services: {web: {image: "longshore-test/absent:1"}}' },
      { steps, pull: 'never' },
    );
    t.match(outcome, { state: 'failed', error: { code: 'image_unavailable' }, rolledBackTo: 1 });
    t.same(Object.keys(await host.containerIds()), ['web']);
  },
);

t.test('a cancel before anything is applied puts the files of the good revision back', { skip }, async (t) => {
  const host = await startDeployHost(t, 'fail');
  const compose = 'services: {web: {image: "busybox:1", command: sleep 1000, init: true}}';
  await host.deploy({ compose });
  const abort = new AbortController();
  const steps = new StepLog();
  steps.onStep = (step) => step === 'plan' && abort.abort(new LongshoreError('cancelled'));
  const outcome = await host.deploy(
    { compose: `${compose} # new`, variables: { A: '1' } },
    { steps, signal: abort.signal },
  );
  t.match(outcome, { state: 'cancelled', goodRevision: 1 });
  t.equal(readFileSync(join(host.folder, 'compose.yaml'), 'utf8'), compose);
  t.equal(readFileSync(join(host.folder, '.env'), 'utf8'), '');
});
