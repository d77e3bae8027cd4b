import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { DEFAULT_POLICY } from '#shared/compose/rules.ts';
import type { HealthCheckSpec } from '#shared/health-check.ts';
import { specOf } from '../support/agent-core.ts';
import type { RenderedService } from '../../agent/deploy/rendered.ts';
import { checksOf } from '../../agent/deploy/health-checks.ts';
import { planChecks } from '../../agent/health/plan-checks.ts';

/** The ports that images expose, by compose service: by itself none. */
type Ports = Record<string, number[] | undefined>;

const plan = (specs: HealthCheckSpec[], services: Record<string, RenderedService>, ports?: Ports) => {
  const known = ports ?? Object.fromEntries(Object.keys(services).map((name) => [name, []]));
  const images = Object.entries(known).map(([name, exposed]) => [name, exposed && { ports: exposed }]);
  return planChecks(specs, { name: 'shop', services }, Object.fromEntries(images));
};

/** What is asked of whom: `web tcp 80`. */
const asked = (specs: HealthCheckSpec[], services: Record<string, RenderedService>, ports?: Ports) =>
  plan(specs, services, ports).map(({ service, probe }) => [service, ...Object.values(probe)].join(' '));

function refused(specs: HealthCheckSpec[], services: Record<string, RenderedService>): unknown {
  try {
    return plan(specs, services);
  } catch (error) {
    return error instanceof LongshoreError ? error.fields : error;
  }
}

const published = (host: string, container: number, protocol = 'tcp') => ({
  mode: 'ingress',
  target: container,
  published: host,
  protocol,
});
const HTTP: HealthCheckSpec = { type: 'http' };
const TCP: HealthCheckSpec = { type: 'tcp' };

t.test('nothing is asked of a service whose user asked for nothing', async (t) => {
  t.same(plan([], { web: { ports: [published('80', 8080)] }, db: { healthcheck: { test: ['CMD', 'true'] } } }), []);
});

t.test('the port is the one its URL leads to, as the container has it', async (t) => {
  t.same(asked([TCP], { web: { ports: [published('8443', 443), published('8080', 80)] } }), ['web tcp 80']);
  t.same(
    asked([TCP], { web: { ports: [published('53', 53, 'udp'), published('99', 9)] } }),
    ['web tcp 9'],
    'not by UDP',
  );
  t.same(
    asked([TCP], { web: { ports: [{ target: 70, protocol: 'tcp' }] } }),
    ['web tcp 70'],
    'Docker chooses the other',
  );
});

t.test('without a published port it is the lowest that it exposes', async (t) => {
  t.same(asked([TCP], { web: { expose: ['9000', '3000/tcp', '53/udp'] } }), ['web tcp 3000']);
  t.same(refused([TCP], { web: { expose: ['53/udp'] } }), {
    'health_checks.0.port': 'neither the compose file nor the image exposes a TCP port: name one',
  });
});

t.test('where the file has no port the image knows one, once it is here', async (t) => {
  t.same(asked([TCP], { web: {} }, { web: [80, 443] }), ['web tcp 80']);
  t.same(asked([TCP], { web: { expose: ['9000'] } }, { web: [80] }), ['web tcp 9000'], 'the file has the last word');
  t.same(asked([TCP], { web: {} }, { web: undefined }), [], 'nobody can say before it was pulled or built');
  t.same(asked([{ ...TCP, port: 81 }], { web: {} }, { web: undefined }), ['web tcp 81']);
});

t.test('the compose service is the only one, or the one that its URL leads to', async (t) => {
  const two = { db: {}, web: { ports: [published('80', 8080)] } };
  t.same(asked([HTTP], two), ['web http 8080 / localhost ']);
  t.same(asked([{ ...TCP, service: 'db', port: 5432 }], two), ['db tcp 5432']);
  t.same(refused([{ ...TCP, port: 1 }], { db: {}, web: {} }), { 'health_checks.0.service': 'name one of db, web' });
  t.same(refused([{ ...TCP, service: 'dbb' }], two), {
    'health_checks.0.service': 'the compose file has no service "dbb"',
  });
});

t.test('each compose service has one', async (t) => {
  const exec: HealthCheckSpec = { type: 'exec', command: ['true'], service: 'web' };
  t.same(refused([TCP, exec], { web: { expose: ['1'] } }), {
    'health_checks.1.service': '"web" has a health check already: one for each service',
  });
});

t.test('what the user says is what is asked', async (t) => {
  const spec: HealthCheckSpec = {
    type: 'http',
    port: 81,
    path: '/up',
    host: 'shop.test',
    expectStatus: 204,
    intervalS: 7,
    timeoutS: 2,
    startPeriodS: 0,
    failureThreshold: 5,
    successThreshold: 4,
  };
  t.same(plan([spec], { web: { healthcheck: { interval: '1s', retries: 9 } } }), [
    {
      service: 'web',
      probe: { type: 'http', port: 81, path: '/up', host: 'shop.test', expectStatus: 204 },
      intervalMs: 7_000,
      timeoutMs: 2_000,
      thresholds: { startPeriodMs: 0, failures: 5, passes: 4 },
    },
  ]);
});

t.test("how patient it is comes from the file's own health check, where it has one", async (t) => {
  const healthcheck = { test: ['CMD', 'true'], interval: '1m30s', timeout: '4s', start_period: '2m0s', retries: 6 };
  const [check] = plan([{ type: 'exec', command: ['true'] }], { web: { healthcheck } });
  t.match(check, {
    intervalMs: 90_000,
    timeoutMs: 4_000,
    thresholds: { startPeriodMs: 120_000, failures: 6, passes: 1 },
  });
  const [other] = plan([{ type: 'exec', command: ['true'] }], { web: {} });
  t.match(other, {
    intervalMs: 10_000,
    timeoutMs: 5_000,
    thresholds: { startPeriodMs: 60_000, failures: 3, passes: 1 },
  });
});

t.test('what the file says is taken within the bounds of what may be asked for', async (t) => {
  const timing = (healthcheck: NonNullable<RenderedService['healthcheck']>) => {
    const [check] = plan([{ type: 'exec', command: ['true'] }], { web: { healthcheck } });
    const { startPeriodMs, failures } = check?.thresholds ?? {};
    return [check?.intervalMs, check?.timeoutMs, startPeriodMs, failures];
  };
  t.same(
    timing({ interval: '1ms', timeout: '10m0s', start_period: '5h0m0s', retries: 1_000 }),
    [1_000, 60_000, 3_600_000, 20],
    'nobody is asked a thousand times a second',
  );
  t.same(
    timing({ interval: '0s', timeout: '0s', start_period: '0s', retries: 0 }),
    [10_000, 5_000, 0, 3],
    'a start period may be none; the others are then the default, as for Docker',
  );
});

t.test('where the host forbids programs a check that runs one is refused', async (t) => {
  const rendered = { name: 'shop', services: { web: { expose: ['80'] } } };
  const policy = { ...DEFAULT_POLICY, operator: { ...DEFAULT_POLICY.operator, exec: false } };
  const checks = (check: HealthCheckSpec) =>
    checksOf({ run: { service: { spec: specOf({ healthChecks: [check] }) } }, deps: { policy } }, rendered, {});
  t.throws(() => checks({ type: 'exec', command: ['true'] }), {
    code: 'exec_denied',
    details: /operator\.exec is false/,
  });
  t.match(checks(TCP), [{ service: 'web' }]);
});
