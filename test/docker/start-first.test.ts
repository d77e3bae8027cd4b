// Services that are replaced start-first on a real Docker, watched through a proxy that asks Docker's DNS.
import t from 'tap';
import type { Container } from '../../agent/docker/engine.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { PlanStep } from '#shared/jobs.ts';
import { type DeployHost, startDeployHost, StepLog } from '../support/deploy-host.ts';
import { docker, ensureLanguages, requireDocker } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { startLoad } from '../support/load.ts';

const REQUESTS_PER_SECOND = 200;
const DEPLOYS = 20;

/** Answers with its version; on SIGTERM it finishes what it has begun. One that is `bad` never listens. */
const PROGRAM = `
  const { createServer } = require('node:http');
  let ends = false;
  const server = createServer((_, response) => {
    if (ends) response.setHeader('connection', 'close');
    response.end(process.env.VERSION);
  });
  if (process.env.VERSION === 'bad') setInterval(() => console.log('cannot find the database'), 50);
  else server.listen(8080);
  process.on('SIGTERM', () => { ends = true; server.close(() => process.exit()); });
`;

/** Asks Docker's DNS for each connection and tries again where nobody answers, but not for as long as a start takes. */
const CADDYFILE = `
  {
    admin off
  }
  :80 {
    reverse_proxy web:8080 {
      lb_retries 2
      lb_try_interval 20ms
    }
  }
`;

interface Variant {
  replicas?: number;
  order?: string;
  /** Has work of its own done before it starts. */
  migrates?: boolean;
}

const composeOf = (version: string, { replicas = 1, order, migrates = false }: Variant = {}): string =>
  JSON.stringify({
    services: {
      proxy: {
        image: 'longshore-test/caddy:2.10-alpine',
        command: ['caddy', 'run', '--config', '/Caddyfile'],
        configs: [{ source: 'caddyfile', target: '/Caddyfile' }],
        ports: ['127.0.0.1::80'],
        stop_grace_period: '0s',
      },
      ...(migrates && { migrate: { image: 'busybox:1', command: ['echo', version] } }),
      web: {
        image: 'longshore-test/node:24',
        command: ['node', '-e', PROGRAM],
        environment: { VERSION: version },
        ...(migrates && { depends_on: { migrate: { condition: 'service_completed_successfully' } } }),
        stop_grace_period: '5s',
        healthcheck: {
          test: ['CMD', 'wget', '-q', '-O', '-', 'http://127.0.0.1:8080/'],
          interval: '1s',
          timeout: '1s',
          retries: 1,
          start_period: '1s',
          start_interval: '100ms',
        },
        deploy: { replicas, update_config: { monitor: '300ms', order } },
      },
    },
    configs: { caddyfile: { content: CADDYFILE } },
  });

const containersOf = async ({ engine, spec }: DeployHost, service: string): Promise<Container[]> =>
  (await engine.listProject(spec.name)).filter((one) => one.service === service);

const standingOf = async (host: DeployHost): Promise<string[]> =>
  (await containersOf(host, 'web')).map(({ id, startedAt, state }) => `${id} ${startedAt} ${state}`);

const replacementOf = (plan: readonly PlanStep[] | undefined, name: string): string | undefined =>
  plan?.find(({ service }) => service === name)?.replacement?.order;

t.test('start-first', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureLanguages();
  const host = await startDeployHost(t, 'first', { healthTimeoutS: 30 });
  t.match(await host.deploy({ compose: composeOf('one') }), { state: 'succeeded' });
  const [proxy] = await containersOf(host, 'proxy');
  const url = `http://127.0.0.1:${proxy?.ports[0]?.host}/`;
  await eventually(async () => (await fetch(url)).ok);

  await t.test('not one of 200 requests a second fails during 20 deploys', async (t) => {
    const load = startLoad(t, url, REQUESTS_PER_SECOND);
    for (let i = 0; i < DEPLOYS; i++) {
      const outcome = await host.deploy({ compose: composeOf(i % 2 === 0 ? 'two' : 'one') });
      t.equal(outcome.state, 'succeeded');
      t.equal(replacementOf(outcome.plan, 'web'), 'start_first');
    }
    await load.stop();
    t.strictSame(load.failures, []);
    t.strictSame([...load.answers.keys()].toSorted(), ['one', 'two']);
    t.comment(`${load.sent} requests in ${DEPLOYS} deploys, ${load.failures.length} failed`);
    t.equal((await containersOf(host, 'web')).length, 1);
    t.strictSame(
      (await containersOf(host, 'proxy')).map(({ id }) => id),
      [proxy?.id],
      'the proxy stays as it is',
    );
  });

  await t.test('a version that never becomes healthy leaves the old one as it was', async (t) => {
    const before = await standingOf(host);
    const load = startLoad(t, url, REQUESTS_PER_SECOND);
    const outcome = await host.deploy({ compose: composeOf('bad') });
    await load.stop();
    t.match(outcome, { state: 'failed', rolledBackTo: host.goodRevision, error: { code: 'unhealthy' } });
    const details = outcome.state === 'failed' ? (outcome.error.details ?? '') : '';
    t.match(details, /refused/, 'what its health check said is kept');
    t.match(details, /cannot find the database/, 'and its last lines');
    t.strictSame(await standingOf(host), before, 'the same container, never stopped');
    t.strictSame(load.failures, []);
    t.strictSame([...load.answers.keys()], ['one']);
  });

  await t.test('a rollback is start-first as well', async (t) => {
    const load = startLoad(t, url, REQUESTS_PER_SECOND);
    const outcome = await host.rollBack(Number(host.goodRevision) - 1, { compose: composeOf('two') });
    await load.stop();
    t.match(outcome, { state: 'succeeded' });
    t.equal(replacementOf(outcome.plan, 'web'), 'start_first');
    t.strictSame(load.failures, []);
    t.equal(await (await fetch(url)).text(), 'two');
  });

  await t.test('an agent that ends while both run goes on from there, and nothing is left over', async (t) => {
    const steps = new StepLog();
    const stopping = new AbortController();
    steps.onSay = (_, { message = '' }) => {
      if (message.includes('side by side')) stopping.abort();
    };
    const load = startLoad(t, url, REQUESTS_PER_SECOND);
    await t.rejects(host.deploy({ compose: composeOf('one') }, { steps, signal: stopping.signal }), {
      name: 'AbortError',
    });
    t.equal((await containersOf(host, 'web')).length, 2);
    const outcome = await host.run({ steps: new StepLog({ apply: 1 }) });
    await load.stop();
    t.match(outcome, { state: 'succeeded' });
    t.equal(replacementOf(outcome.plan, 'web'), 'start_first');
    t.strictSame(
      (await containersOf(host, 'web')).map(({ state }) => state),
      ['running'],
    );
    t.strictSame(load.failures, []);
  });

  await t.test('a cancel while both run takes the new ones away, and the next deploy starts anew', async (t) => {
    const before = await standingOf(host);
    const steps = new StepLog();
    const cancelling = new AbortController();
    steps.onSay = (_, { message = '' }) => {
      if (message.includes('side by side')) cancelling.abort(new LongshoreError('cancelled'));
    };
    const compose = composeOf('two');
    t.match(await host.deploy({ compose }, { steps, signal: cancelling.signal }), { state: 'cancelled' });
    t.strictSame(await standingOf(host), before);
    const outcome = await host.deploy({ compose });
    t.match(outcome, { state: 'succeeded' });
    t.equal(replacementOf(outcome.plan, 'web'), 'start_first');
    t.equal(await (await fetch(url)).text(), 'two');
  });

  await t.test('the same proxy has nobody to ask while a service is replaced stop-first', async (t) => {
    const load = startLoad(t, url, REQUESTS_PER_SECOND);
    const outcome = await host.deploy({ compose: composeOf('one', { order: 'stop-first' }) });
    t.match(outcome, { state: 'succeeded' });
    await load.stop();
    t.equal(replacementOf(outcome.plan, 'web'), 'stop_first');
    t.ok(load.failures.length > 0, 'which is what zero failures are held against');
  });

  await t.test(
    'what it depends on is done first, and once; the number of containers may change on the way',
    async (t) => {
      const startedAt = async () => (await containersOf(host, 'migrate')).map(({ startedAt }) => startedAt);
      const outcome = await host.deploy({ compose: composeOf('two', { replicas: 2, migrates: true }) });
      t.match(outcome, { state: 'succeeded' });
      const [migrated = 0] = await startedAt();
      const webs = await containersOf(host, 'web');
      t.equal(webs.length, 2);
      for (const web of webs) t.ok(web.startedAt > migrated, 'new containers start once the work is done');
    },
  );

  await t.test('the plan says which, and counts only the others as down', async (t) => {
    const compose = composeOf('one', { replicas: 2, migrates: true }).replaceAll('20ms', '30ms');
    const plan = await host.plan({ compose });
    const replaced = plan.services.map(({ service, replacement }) => [service, replacement?.order]);
    t.strictSame(Object.fromEntries(replaced), { proxy: 'stop_first', migrate: 'stop_first', web: 'start_first' });
    t.strictSame(plan.downtime, ['proxy']);
  });
});

/** Well until it has a file /sick; each needs the one before to be healthy. */
const chainOf = (version: string): string => {
  const service = {
    image: 'busybox:1',
    command: ['sleep', 'infinity'],
    environment: { VERSION: version },
    stop_grace_period: '0s',
  };
  const healthcheck = {
    test: ['CMD', 'test', '!', '-e', '/sick'],
    interval: '1s',
    retries: 1,
    start_period: '1s',
    start_interval: '100ms',
  };
  const checked = { ...service, healthcheck, deploy: { update_config: { monitor: '0s' } } };
  const needs = (name: string) => ({ depends_on: { [name]: { condition: 'service_healthy' } } });
  return JSON.stringify({
    services: { auth: checked, api: { ...checked, ...needs('auth') }, proxy: { ...service, ...needs('api') } },
  });
};

t.test('what is sick is replaced start-first too: only the health of the new ones counts', async (t) => {
  if (!(await requireDocker(t))) return;
  const host = await startDeployHost(t, 'sick');
  t.match(await host.deploy({ compose: chainOf('one') }), { state: 'succeeded' });
  const checked = [...(await containersOf(host, 'auth')), ...(await containersOf(host, 'api'))];
  for (const { name } of checked) await docker(['exec', name, 'touch', '/sick']);
  await eventually(async () => {
    const [auth, api] = [await containersOf(host, 'auth'), await containersOf(host, 'api')];
    return [...auth, ...api].every(({ health }) => health === 'unhealthy');
  });
  const outcome = await host.deploy({ compose: chainOf('two') });
  t.match(outcome, { state: 'succeeded' });
  t.equal(replacementOf(outcome.plan, 'auth'), 'start_first');
  t.equal(replacementOf(outcome.plan, 'api'), 'start_first');
  t.equal((await host.engine.listProject(host.spec.name)).length, 3);

  const { proxy: _, ...rest } = (JSON.parse(chainOf('three')) as { services: Record<string, object> }).services;
  const steps = new StepLog();
  const without = await host.deploy({ compose: JSON.stringify({ services: rest }) }, { steps });
  t.match(without, { state: 'succeeded' });
  t.equal((await host.engine.listProject(host.spec.name)).length, 2, 'what left the file is gone');
  t.notOk(
    steps.said.some((line) => line.includes('orphan')),
    'and nobody is told to remove it',
  );
});

t.test('an agent that ends while the old ones still finish their work keeps the new ones, which serve', async (t) => {
  if (!(await requireDocker(t))) return;
  const compose = (version: string) =>
    JSON.stringify({
      services: {
        web: {
          image: 'busybox:1',
          command: ['sh', '-c', 'trap "sleep 2; exit" TERM; while :; do sleep 0.1; done'],
          environment: { VERSION: version },
          stop_grace_period: '10s',
          deploy: { update_config: { order: 'start-first', monitor: '0s' } },
        },
      },
    });
  const host = await startDeployHost(t, 'drain');
  t.match(await host.deploy({ compose: compose('one') }), { state: 'succeeded' });
  const steps = new StepLog();
  const stopping = new AbortController();
  steps.onSay = (_, { message = '' }) => {
    if (message.endsWith('web-1 Stopping')) stopping.abort();
  };
  await t.rejects(host.deploy({ compose: compose('two') }, { steps, signal: stopping.signal }));
  const [, serving] = (await containersOf(host, 'web')).toSorted((a, b) => a.startedAt - b.startedAt);
  t.match(await host.run({ steps: new StepLog({ apply: 1 }) }), { state: 'succeeded' });
  t.match(await containersOf(host, 'web'), [{ id: serving?.id, startedAt: serving?.startedAt, state: 'running' }]);
});
