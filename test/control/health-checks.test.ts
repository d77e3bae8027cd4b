// The health checks of a service as control has them: what is taken, what a host is told, who sees what of them.
import t from 'tap';
import { toLongshoreError } from '#shared/errors.ts';
import type { HealthCheckSpec } from '#shared/health-check.ts';
import type { Permission } from '../../control/app/access/permissions.ts';
import type { Caller } from '../../control/app/api/caller.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { composeBody, startRealHttp } from '../support/real-http.ts';

const HTTP: HealthCheckSpec = { type: 'http', path: '/healthz' };
const WITHOUT_SECRETS: Caller = { ...ADMIN, permissions: ['services.*'] };

interface Refusal {
  error: { fields: Record<string, string> };
}

async function fieldsOf(promise: Promise<unknown>): Promise<Record<string, string>> {
  const error = await promise.then(() => undefined, toLongshoreError);
  return error?.fields ?? {};
}

t.test('they go to the host with the service, and a change of them is a deploy', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web', { healthChecks: [HTTP] });
  t.same(host.offers()[0]?.spec?.healthChecks, [HTTP]);
  t.same(world.app.services.detail(ADMIN, id).healthChecks, [HTTP]);
  const update = (healthChecks: HealthCheckSpec[]) => world.app.services.update(ADMIN, id, { healthChecks });
  t.equal((await update([structuredClone(HTTP)])).jobId, null, 'the same again is none');
  const changed = await update([{ type: 'tcp', port: 80 }]);
  t.same((await host.offered(changed.jobId ?? '')).spec?.healthChecks, [{ type: 'tcp', port: 80 }]);
  await host.finish(changed.jobId ?? '');
  const other = await world.app.services.update(ADMIN, id, { variables: { A: '1' } });
  t.same(
    (await host.offered(other.jobId ?? '')).spec?.healthChecks,
    [{ type: 'tcp', port: 80 }],
    'another change keeps them',
  );
  await host.finish(other.jobId ?? '');
  const none = await update([]);
  t.equal((await host.offered(none.jobId ?? '')).spec?.healthChecks, undefined);
});

t.test('each is for a service of the compose file, and each service has one', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const fields = (healthChecks: HealthCheckSpec[]) => fieldsOf(world.app.services.update(ADMIN, id, { healthChecks }));
  t.match(await fields([{ ...HTTP, service: 'wbe' }]), { 'health_checks.0.service': /no such service; it has web/ });
  t.match(await fields([HTTP, { type: 'tcp' }]), { 'health_checks.1.service': String });
  t.match(
    await fields([
      { ...HTTP, service: 'web' },
      { type: 'tcp', service: 'web' },
    ]),
    { 'health_checks.1.service': String },
  );
});

t.test('a secret in a command is shown as `***`, and sent back it stays', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const healthChecks: HealthCheckSpec[] = [{ type: 'exec', command: ['ping', '-a', 'canary-91f0', '-n', '1'] }];
  const id = await world.deployed(host, 'web', { variables: { DB_PASSWORD: 'canary-91f0' }, healthChecks });
  const shown = world.app.services.detail(WITHOUT_SECRETS, id).healthChecks;
  t.same(shown, [{ type: 'exec', command: ['ping', '-a', '***', '-n', '1'] }]);
  t.same(world.app.services.detail(ADMIN, id).healthChecks, healthChecks);
  const sent = await world.app.services.update(WITHOUT_SECRETS, id, { healthChecks: shown, displayName: 'x' });
  t.equal(sent.jobId, null);
  t.same(world.app.services.detail(ADMIN, id).healthChecks, healthChecks);
});

t.test('what was shown as `***` is kept for the check of the same service, wherever it stands', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const secret = 'canary-91f0';
  const path: HealthCheckSpec = { type: 'http', service: 'web', path: `/up?token=${secret}&full=1` };
  const exec: HealthCheckSpec = { type: 'exec', service: 'db', command: ['ping', secret] };
  const source = { method: 'compose', compose: 'services: {web: {image: busybox:1}, db: {image: busybox:1}}' } as const;
  const id = await world.deployed(host, 'web', {
    source,
    variables: { DB_PASSWORD: secret },
    healthChecks: [path, exec],
  });
  const shown = world.app.services.detail(WITHOUT_SECRETS, id).healthChecks;
  t.same(shown, [
    { ...path, path: '/up?token=***&full=1' },
    { ...exec, command: ['ping', '***'] },
  ]);
  const update = (healthChecks: HealthCheckSpec[]) => world.app.services.update(WITHOUT_SECRETS, id, { healthChecks });
  const { jobId } = await update(shown.toReversed());
  t.same((await host.offered(jobId ?? '')).spec?.healthChecks, [exec, path]);
  await host.finish(jobId ?? '');
  t.same(await fieldsOf(update([{ ...exec, command: ['ping', '-n', '***'] }])), {
    'health_checks.0.command': '"***" keeps an argument, and there is none',
  });
});

t.test('what a check said last is for who may read logs', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const measured = { cpuCores: 0, memoryBytes: 0, cpuLimitCores: null, memoryLimitBytes: null, storageBytes: null };
  const checked = { lastCheckAt: world.clock.now(), consecutiveFailures: 2, lastOutput: 'HTTP 500' };
  const sample = { serviceId: id, ...measured, ...checked, at: world.clock.now() };
  host.peer?.notify('services.samples', { samples: [sample] });
  await host.peer?.request('echo', { data: '' }); // what was sent before it is dealt with
  const seen = (...permissions: Permission[]) => world.app.services.detail({ ...ADMIN, permissions }, id).lastOutput;
  t.equal(seen('services.read', 'services.logs'), 'HTTP 500');
  t.equal(seen('services.read'), null);
});

t.test('over HTTP: what comes in goes out, and a 422 names what cannot be', async (t) => {
  const { http, world, key } = await startRealHttp(t);
  await world.joinAndConnect();
  const checks = [
    {
      type: 'http',
      service: 'web',
      port: 8080,
      path: '/up?full=1',
      host: 'shop.test',
      expect_status: 204,
      interval_s: 20,
      timeout_s: 3,
      start_period_s: 0,
      failure_threshold: 5,
      success_threshold: 2,
    },
  ];
  const made = await http.call<{ id: string }>('POST', '/api/services', {
    key,
    body: { ...composeBody('web'), health_checks: checks },
  });
  t.equal(made.status, 201);
  const path = `/api/services/${made.body.id}`;
  t.match((await http.call('GET', path, { key })).body, { health_checks: checks, health: { last_output: null } });
  const wrong: [check: object, field: string][] = [
    [{ type: 'udp' }, 'health_checks.0.type'],
    [{ type: 'http', path: 'up' }, 'health_checks.0.path'],
    [{ type: 'http', path: '/a b' }, 'health_checks.0.path'],
    [{ type: 'http', host: 'a\r\nb' }, 'health_checks.0.host'],
    [{ type: 'tcp', port: 0 }, 'health_checks.0.port'],
    [{ type: 'tcp', path: '/' }, 'health_checks.0.path'],
    [{ type: 'exec' }, 'health_checks.0.command'],
    [{ type: 'exec', command: [''] }, 'health_checks.0.command'],
    [{ type: 'tcp', interval_s: 0 }, 'health_checks.0.interval_s'],
    [{ type: 'tcp', timeout_s: 61 }, 'health_checks.0.timeout_s'],
  ];
  for (const [check, field] of wrong) {
    const { status, body } = await http.call<Refusal>('PATCH', path, { key, body: { health_checks: [check] } });
    t.equal(status, 422, field);
    t.same(Object.keys(body.error.fields), [field]);
  }
});
