// Calls every operation of the OpenAPI document on a real control plane with a real host, and holds each real answer
// against what the document promises for it. An operation that nobody calls here is a failure.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createIdentity, formatJoinToken, parseJoinToken } from '#shared/protocol/identity.ts';
import { ApiContract } from '../support/api-contract.ts';
import { Api } from '../support/api.ts';
import { KEY, startBind, ZONE } from '../support/bind.ts';
import { Browser } from '../support/browser.ts';
import { docker, ensureEdge, ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { makeCertificate } from '../support/certificate.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';
import { GitRepository } from '../support/git-repository.ts';
import { createReleaseKey, writeRelease } from '../support/host-release.ts';
import { Judged, type Body } from '../support/judged-api.ts';
import { CLIENT, startProvider } from '../support/oidc.ts';
import { PANEL } from '../support/person.ts';
import { startUp } from '../support/up.ts';
import { startReceiver } from '../support/webhook-receiver.ts';
import { FREE_PLAN } from '../support/move-world.ts';
import { RawAgent } from '../support/raw-agent.ts';
import { WireHost } from '../support/wire-host.ts';

const COMPOSE = 'services:\n  web:\n    image: longshore-test/web:1\n    environment: { LEVEL: "${LEVEL:-info}" }\n';
const MANIFEST = {
  schema: 1,
  id: 'own-web',
  name: 'Own web',
  tagline: 'A web server',
  description: 'One.',
  category: 'web',
  version: 1,
  appVersion: '1',
};

void t.test('every operation answers as the document promises', async (t) => {
  if (!(await requireDocker(t))) return;
  await Promise.all([ensureImages(), ensureEdge()]);
  const edgeProject = uniqueProject(t, 'edge');
  const provider = await startProvider(t, { ada: { groups: ['admins'] } });
  const secretFile = join(makeFolder(t, 'e2e'), 'client-secret');
  writeFileSync(secretFile, CLIENT.secret, { mode: 0o600 });
  const dist = makeFolder(t, 'dist');
  writeRelease(dist, '9.0.0', createReleaseKey());
  const up = await startUp(t, {
    LONGSHORE_PUBLIC_URL: PANEL,
    LONGSHORE_DIST_DIR: dist,
    LONGSHORE_ACME_DIRECTORY: 'internal',
    LONGSHORE_EDGE_IMAGE: 'longshore-test/edge:1',
    LONGSHORE_EDGE_PROJECT: edgeProject,
    LONGSHORE_EDGE_HTTP_PORT: `${await freePort()}`,
    LONGSHORE_EDGE_HTTPS_PORT: `${await freePort()}`,
    LONGSHORE_ALLOW_PRIVATE_WEBHOOKS: '1',
    LONGSHORE_ALLOW_FILE_GIT: '1',
    LONGSHORE_OIDC_ISSUER: provider.issuer,
    LONGSHORE_OIDC_CLIENT_ID: CLIENT.id,
    LONGSHORE_OIDC_CLIENT_SECRET_FILE: secretFile,
    LONGSHORE_OIDC_SCOPES: 'openid profile email',
    LONGSHORE_OIDC_PERMISSIONS_CLAIM: 'groups',
    LONGSHORE_OIDC_PERMISSIONS: 'admins=*',
  });
  const contract = await ApiContract.fetch(up.url);
  const client = new Api(up.url, up.key);
  const judgedIn = (t: Test) => new Judged(t, up, contract);
  const name = uniqueProject(t, 'every');

  await t.test('health', async (t) => {
    const api = judgedIn(t);
    for (const path of ['/healthz', '/readyz']) await api.call('GET', path, 200);
  });

  const customer = { id: '', planId: '' };
  let serviceId = '';
  let jobId = '';

  await t.test('a customer with a plan', async (t) => {
    const api = judgedIn(t);
    const plan = await api.call('POST', '/api/plans', 201, { name: 'small', limits: { services: 5, cpu: 4 } });
    customer.planId = String(plan['id']);
    const made = await api.call('POST', '/api/customers', 201, { name: 'Acme Corp', plan_id: customer.planId });
    customer.id = String(made['id']);
  });

  await t.test('services and jobs', async (t) => {
    const api = judgedIn(t);
    const body = { name, customer_id: customer.id, deploy_method: 'compose', compose: COMPOSE };
    const made = await api.call('POST', '/api/services', 201, body);
    [serviceId, jobId] = [String(made['id']), String(made['deploy_job_id'])];
    t.match(await client.jobEnd(jobId), { state: 'succeeded' });
    const path = `/api/services/${serviceId}`;
    for (const list of [
      '/api/services',
      path,
      `${path}/events`,
      `${path}/logs`,
      '/api/logs/search?q=listening',
      '/api/jobs',
      `/api/jobs/${jobId}`,
      `/api/jobs/${jobId}/log`,
    ])
      await api.call('GET', list, 200);
    await api.call('POST', `${path}/exec`, 200, { command: ['/standin/probe'] });
    const changed = await api.call('PATCH', path, 200, { variables: { LEVEL: 'debug' }, labels: { tier: 'web' } });
    await client.jobEnd(String(changed['deploy_job_id']));
    for (const verb of ['stop', 'start', 'restart']) await api.call('POST', `${path}/${verb}`, 200);
    t.match(await api.call('POST', `${path}/disable`, 200), { enabled: false });
    t.match(await api.call('POST', `${path}/restart`, 409), { error: { code: 'state_conflict' } });
    t.match(await api.call('POST', `${path}/enable`, 200), { enabled: true });
    t.match(await api.call('POST', `${path}/check-updates`, 200), {
      update_available: false,
      updates: [{ state: 'fixed' }],
    });
    const { deploy_job_id: redeploy } = await api.call('POST', `${path}/redeploy`, 200, { pull: 'missing' });
    await client.jobEnd(String(redeploy));
    const { job_id: stopping } = await api.call('POST', `${path}/stop?wait=0`, 202);
    await client.jobEnd(String(stopping));
    await api.call('POST', `/api/jobs/${String(stopping)}/cancel`, 409);
    await api.call('GET', '/api/services/svc_none', 404);
    await api.call('GET', '/api/services?page=0', 400);
    await api.call('POST', '/api/services', 422, { deploy_method: 'compose' });
    await api.call('GET', '/api/services', 401, undefined, {});
  });

  await t.test('a job is cancelled before its host has finished it', async (t) => {
    const api = judgedIn(t);
    const other = uniqueProject(t, 'every');
    const never =
      'services:\n  web:\n    image: longshore-test/web:1\n    healthcheck: { test: ["CMD", "false"], interval: 1s, retries: 300 }\n';
    const made = await api.call('POST', '/api/services', 201, {
      name: other,
      deploy_method: 'compose',
      compose: never,
    });
    await api.call('POST', `/api/jobs/${String(made['deploy_job_id'])}/cancel`, 200);
    await client.jobEnd(String(made['deploy_job_id']));
    await api.call('DELETE', `/api/services/${String(made['id'])}`, 204);
  });

  await t.test('plans of deploys, revisions, and the way back', async (t) => {
    const api = judgedIn(t);
    const path = `/api/services/${serviceId}`;
    const next = { name: uniqueProject(t, 'every'), deploy_method: 'compose', compose: COMPOSE };
    t.match(await api.call('POST', '/api/services/plan', 200, next), { services: [{ action: 'create' }] });
    const change = { variables: { LEVEL: 'warn' } };
    const plan = await api.call('POST', `${path}/plan`, 200, change);
    t.match(plan, { would_start: true, services: [{ service: 'web', action: 'recreate' }] });
    await api.call('PATCH', path, 409, { variables: { LEVEL: 'error' }, plan_id: plan['plan_id'] });
    const applied = await api.call('PATCH', path, 200, { ...change, plan_id: plan['plan_id'] });
    t.match(await client.jobEnd(String(applied['deploy_job_id'])), { state: 'succeeded' });

    await api.call('GET', `${path}/stats`, 200);
    const { data } = await api.call('GET', `${path}/revisions`, 200);
    t.match(data, [{ current: true, kind: 'deploy' }, { current: false }, { revision: 2 }, { revision: 1 }]);
    const newest = (data as { revision: number }[])[0]?.revision ?? 0;
    t.match(await api.call('GET', `${path}/revisions/${newest}`, 200), { compose: /LEVEL: warn/ });
    t.match(await api.call('GET', `${path}/revisions/${newest}/diff?against=1`, 200), {
      services: [{ service: 'web', fields: [{ field: 'environment.LEVEL', before: 'info', after: 'warn' }] }],
    });
    await api.call('GET', `${path}/revisions/999`, 404);
    const { deploy_job_id: back } = await api.call('POST', `${path}/rollback`, 200, { revision: 2 });
    t.match(await client.jobEnd(String(back)), { state: 'succeeded', kind: 'rollback' });
    t.match(await api.call('GET', path, 200), { variables: { LEVEL: 'debug' }, running_revision: newest + 1 });

    const containers = (await api.call('GET', path, 200))['containers'] as { id: string }[];
    await docker(['update', '--restart', 'always', containers[0]?.id ?? '']);
    t.match(await api.call('GET', `${path}/drift`, 200), {
      state: 'drifted',
      services: [
        { service: 'web', change: 'changed', fields: [{ path: 'restart', expected: null, actual: 'always' }] },
      ],
    });
    const { deploy_job_id: accepted } = await api.call('POST', `${path}/drift/accept`, 200);
    t.match(await client.jobEnd(String(accepted)), { state: 'succeeded', kind: 'accept' });
    t.match(await api.call('GET', path, 200), { compose: /restart: always/, running_revision: newest + 2 });
    await api.call('POST', `${path}/drift/accept`, 409);
    const { deploy_job_id: reverted } = await api.call('POST', `${path}/drift/revert`, 200);
    t.match(await client.jobEnd(String(reverted)), { state: 'succeeded', kind: 'revert' });
  });

  await t.test('proposals', async (t) => {
    const api = judgedIn(t);
    const repository = await GitRepository.create(t, { Dockerfile: 'FROM longshore-test/web:1\nEXPOSE 80\n' });
    const wanted = { name: uniqueProject(t, 'every'), deploy_method: 'ai', ai_url: repository.url, review: true };
    t.match(await api.call('POST', '/api/services/plan', 200, wanted), { proposal: null, would_start: true });
    const made = await api.call('POST', '/api/services', 201, wanted);
    const path = `/api/services/${String(made['id'])}`;
    t.match(await client.jobEnd(String(made['deploy_job_id'])), { state: 'succeeded', kind: 'propose' });
    t.match(await api.call('GET', path, 200), {
      status: 'stopped',
      review: true,
      proposal: { commit: /^[0-9a-f]{40}$/ },
    });
    const { proposal_id: first } = await api.call('GET', `${path}/proposal`, 200);
    await api.call('POST', `${path}/proposal/reject`, 204, { proposal_id: first });
    await api.call('GET', `${path}/proposal`, 404);
    await api.call('POST', `${path}/proposal/approve`, 409, { proposal_id: first });
    const again = await api.call('POST', `${path}/redeploy`, 200, { pull: 'missing' });
    await client.jobEnd(String(again['deploy_job_id']));
    const { proposal_id: second, diff } = await api.call('GET', `${path}/proposal`, 200);
    t.match(diff, /^--- \/dev\/null\n\+\+\+ b\/compose.yaml\n@@ /);
    const approved = await api.call('POST', `${path}/proposal/approve`, 200, { proposal_id: second });
    t.match(await client.jobEnd(String(approved['deploy_job_id'])), { state: 'succeeded', kind: 'deploy' });
    t.match(await api.call('GET', path, 200), { status: 'running', proposal: null });
    await api.call('DELETE', path, 204);
  });

  await t.test('a set of services and its rollouts', async (t) => {
    const api = judgedIn(t);
    const made = await api.call('POST', '/api/services', 201, {
      name: uniqueProject(t, 'set'),
      deploy_method: 'compose',
      compose: COMPOSE,
      placement: { labels: {}, replicas: 'per_host', max_parallel: 2 },
    });
    const path = `/api/service-sets/${String(made['set_id'])}`;
    const ended = async () => (await client.get<{ rollout: Body }>(path)).body.rollout;
    const until = (state: string) =>
      eventually(ended, { until: (rollout) => rollout['state'] === state, timeoutMs: 60_000 });
    await until('succeeded');
    for (const list of ['/api/service-sets', path, `${path}/rollouts`]) await api.call('GET', list, 200);
    const broken = { compose: 'services:\n  web:\n    image: longshore-test/crash:1\n' };
    const changed = await api.call('PATCH', path, 200, broken);
    await until('halted');
    const rollout = `${path}/rollouts/${String(changed['rollout_id'])}`;
    t.match(await api.call('GET', rollout, 200), { halted_by: { reason: /./ }, waves: [{ wave: 1 }] });
    await api.call('POST', `${rollout}/resume`, 200);
    await api.call('POST', `${rollout}/cancel`, 200);
    await api.call('POST', `${rollout}/resume`, 409);
    await api.call('POST', `${path}/redeploy`, 200, { pull: 'missing' });
    t.match(await api.call('DELETE', `${path}?wait=0`, 202), { rollout_id: /^rol_/ });
    await eventually(async () => (await client.get(path)).status, {
      until: (status) => status === 404,
      timeoutMs: 60_000,
    });
  });

  await t.test('push hooks', async (t) => {
    const api = judgedIn(t);
    // Nothing answers there: its deploy fails, and a push that came meanwhile is tried as well.
    const fields = { deploy_method: 'git', git_url: 'https://localhost:9/app.git', git_token: 'tok_of-nothing' };
    const made = await api.call('POST', '/api/services', 201, { name: uniqueProject(t, 'hook'), ...fields });
    const path = `/api/services/${String(made['id'])}`;
    t.match(await api.call('GET', path, 200), { git: { has_token: true } });
    const { secret } = await api.call('POST', `${path}/hooks`, 201);
    const signed = { authorization: `Bearer ${String(secret)}` };
    t.match(await api.call('POST', `${path}/hooks/git`, 200, { ref: 'x', deleted: true }, signed), {
      result: 'ignored',
    });
    t.match(await api.call('POST', `${path}/hooks/git`, 202, {}, signed), { result: /deploying|waiting/ });
    await api.call('POST', `${path}/hooks/git`, 401, {}, {});
    await api.call('DELETE', `${path}/hooks`, 204);
    await api.call('POST', `${path}/deploy-key`, 409);
    await api.call('DELETE', path, 204);
  });

  await t.test('deploy keys', async (t) => {
    const api = judgedIn(t);
    const fields = { deploy_method: 'git', git_url: 'ssh://git@localhost:9/app.git', git_watch_paths: ['apps/**'] };
    const made = await api.call('POST', '/api/services', 201, { name: uniqueProject(t, 'key'), ...fields });
    const path = `/api/services/${String(made['id'])}`;
    t.match(await api.call('POST', `${path}/deploy-key`, 201), { public_key: /^ssh-ed25519 / });
    t.match(await api.call('GET', path, 200), { git: { has_deploy_key: true }, git_watch_paths: ['apps/**'] });
    await api.call('DELETE', path, 204);
  });

  await t.test('backups', async (t) => {
    const api = judgedIn(t);
    const list = `/api/services/${serviceId}/backups`;
    const made = await api.call('POST', list, 201);
    t.match(await client.jobEnd(String(made['job_id'])), { state: 'succeeded' });
    const path = `/api/backups/${String(made['id'])}`;
    for (const each of [list, '/api/backups', path]) await api.call('GET', each, 200);
    const restoring = await api.call('POST', `${path}/restore`, 202);
    await client.jobEnd(String(restoring['job_id']));
    const headers = { authorization: `Bearer ${up.key}` };
    const tar = await fetch(`${up.url}${path}/download`, { headers });
    t.equal((await tar.arrayBuffer()).byteLength % 512, 0, 'a tar');
    api.judge('GET', `${path}/download`, tar.status, null);
    const drill = await api.call('POST', `${path}/drill`, 202);
    await client.jobEnd(String(drill['job_id']));
    const copy = await api.call('POST', `${path}/restore-as`, 201, { name: uniqueProject(t, 'beside') });
    await client.jobEnd(String(copy['job_id']));
    await api.call('DELETE', `/api/services/${String(copy['service_id'])}`, 204);
    await api.call('DELETE', path, 204);
  });

  await t.test('how services are backed up, and where to', async (t) => {
    const api = judgedIn(t);
    const settings = `/api/services/${serviceId}/backup-settings`;
    await api.call('PUT', settings, 200, { consistency: 'pause', dumps: 'auto', retention: { keep_last: 3 } });
    await api.call('GET', settings, 200);
    const given = { url: 'rest:https://backup.example.com/shop/' };
    const made = await api.call('POST', '/api/backup-repositories', 201, given);
    const path = `/api/backup-repositories/${String(made['id'])}`;
    for (const each of ['/api/backup-repositories', path]) await api.call('GET', each, 200);
    await api.call('PATCH', path, 200, { name: 'Elsewhere' });
    await api.call('DELETE', path, 204);
  });

  await t.test('schedules', async (t) => {
    const api = judgedIn(t);
    const input = { name: 'by hand', kind: 'restart', cron: '@yearly', targets: { service_id: serviceId } };
    const path = `/api/schedules/${String((await api.call('POST', '/api/schedules', 201, input))['id'])}`;
    await api.call('PATCH', path, 200, { enabled: false });
    const { runs } = await api.call('POST', `${path}/run`, 202);
    const [asked] = runs as { id: string }[];
    const run = `${path}/runs/${asked?.id}`;
    const state = async () => (await client.get<{ state: string }>(run)).body.state;
    await eventually(state, { until: (it) => it === 'succeeded' });
    for (const list of ['/api/schedules', path, `${path}/runs`, run]) await api.call('GET', list, 200);
    await api.call('DELETE', path, 204);
  });

  await t.test('customers and plans', async (t) => {
    const api = judgedIn(t);
    const [path, planPath] = [`/api/customers/${customer.id}`, `/api/plans/${customer.planId}`];
    for (const list of ['/api/customers', path, '/api/plans', planPath]) await api.call('GET', list, 200);
    await api.call('PATCH', path, 200, { email: 'ops@acme.example' });
    await api.call('PATCH', planPath, 200, { limits: { services: 6 } });
    await api.call('POST', `${path}/suspend`, 200);
    await api.call('POST', `${path}/resume`, 200);
    await api.call('DELETE', planPath, 409);
  });

  await t.test('names of services', async (t) => {
    const api = judgedIn(t);
    const hosts = (await api.call('GET', '/api/hosts', 200))['data'] as { id: string }[];
    const edge = `/api/hosts/${hosts[0]?.id}/edge`;
    const domains = `/api/services/${serviceId}/domains`;
    await api.call('GET', edge, 200);
    await api.call('POST', domains, 409, { hostname: 'shop.example.com' });
    await api.call('PATCH', edge, 200, { edge: 'caddy', addresses: ['192.0.2.1'] });
    const domain = `${domains}/${String((await api.call('POST', domains, 201, { hostname: 'shop.example.com' }))['id'])}`;
    for (const path of [domains, domain]) await api.call('GET', path, 200);
    await api.call('PATCH', domain, 200, { redirect_to: 'www.example.com' });
    await api.call('POST', `${domain}/verify`, 200);
    await api.call('PUT', `${domain}/certificate`, 422, { certificate: 'x', key: 'y' });
    const own = await makeCertificate(t, 'shop.example.com');
    t.match(await api.call('PUT', `${domain}/certificate`, 200, own), { certificate: { source: 'uploaded' } });
    await api.call('DELETE', `${domain}/certificate`, 200);
    await api.call('DELETE', domain, 204);
    await api.call('PATCH', edge, 200, { edge: null, addresses: [] });
    // Whether the host has heard of it in between or not: nothing of the edge is left.
    const left = async () => {
      const { wanted_revision: wanted, status } = (await client.get<EdgeStanding>(edge)).body;
      const running = await docker(['ps', '-aq', '--filter', `label=com.docker.compose.project=${edgeProject}`]);
      return { isHeard: wanted === (status?.revision ?? 0), running };
    };
    await eventually(left, { until: ({ isHeard, running }) => isHeard && running === '' });
  });

  await t.test('DNS zones', async (t) => {
    const api = judgedIn(t);
    const bind = await startBind(t);
    const server = `${bind.server.host}:${bind.server.port}`;
    const access = { provider: 'rfc2136', server, key_name: KEY.keyName, key_secret: KEY.secret };
    const zone = `/api/dns-zones/${String((await api.call('POST', '/api/dns-zones', 201, { name: ZONE, access }))['id'])}`;
    await api.call('POST', '/api/dns-zones', 409, { name: ZONE, access });
    for (const list of ['/api/dns-zones', zone, `${zone}/names`]) await api.call('GET', list, 200);
    await api.call('PATCH', zone, 200, { ttl: 60 });
    await api.call('DELETE', zone, 204);
  });

  await t.test('registries and variables', async (t) => {
    const api = judgedIn(t);
    const login = { server: 'registry.example.com', username: 'bot', password: 'correct-horse' };
    const registry = `/api/registries/${String((await api.call('POST', '/api/registries', 201, login))['id'])}`;
    const given = { name: 'SMTP_PASSWORD', value: 'correct-horse' };
    const variable = `/api/variables/${String((await api.call('POST', '/api/variables', 201, given))['id'])}`;
    for (const list of ['/api/registries', registry, '/api/variables', variable]) await api.call('GET', list, 200);
    await api.call('PATCH', registry, 200, { name: 'Images' });
    await api.call('PATCH', variable, 200, { description: 'For mail' });
    for (const each of [registry, variable]) await api.call('DELETE', each, 204);
  });

  await t.test('templates', async (t) => {
    const api = judgedIn(t);
    const made = await api.call('POST', '/api/templates', 201, {
      manifest: MANIFEST,
      compose: COMPOSE.replace('${LEVEL:-info}', 'info'),
    });
    const path = `/api/templates/${String(made['id'])}`;
    for (const list of ['/api/templates', path, `${path}/source`]) await api.call('GET', list, 200);
    await api.call('PUT', path, 200, {
      manifest: { ...MANIFEST, tagline: 'Another' },
      compose: 'services:\n  web:\n    image: longshore-test/web:1\n',
    });
    const other = uniqueProject(t, 'every');
    const deployed = await api.call('POST', `${path}/deploy`, 201, { name: other });
    t.match(await client.jobEnd(String(deployed['deploy_job_id'])), { state: 'succeeded' });
    await api.call('DELETE', `/api/services/${String(deployed['id'])}`, 204);
    await api.call('DELETE', path, 204);
    const coolify =
      '# documentation: https://example.com\n# slogan: A web server\n# category: web\nservices:\n  web:\n    image: nginx:1.29\n';
    await api.call('POST', '/api/templates/import', 200, {
      format: 'coolify',
      content: coolify,
      id: 'imported',
      dry_run: true,
    });
    await api.call('POST', '/api/templates/import', 201, { format: 'coolify', content: coolify, id: 'imported' });
  });

  await t.test('webhooks', async (t) => {
    const api = judgedIn(t);
    const receiver = await startReceiver(t);
    const made = await api.call('POST', '/api/webhooks', 201, { url: receiver.url, events: ['*'] });
    const path = `/api/webhooks/${String(made['id'])}`;
    await api.call('POST', `${path}/test`, 202);
    const delivered = async () =>
      (await client.get<{ data: { id: string; state: string }[] }>(`${path}/deliveries`)).body.data[0];
    const delivery = await eventually(delivered, { until: (one) => one?.state === 'delivered' });
    for (const list of ['/api/webhooks', path, `${path}/deliveries`, `${path}/deliveries/${delivery?.id}`])
      await api.call('GET', list, 200);
    await api.call('POST', `${path}/deliveries/${delivery?.id}/redeliver`, 202);
    await api.call('POST', `/api/services/${serviceId}/restart`, 200);
    await eventually(() => receiver.types, { until: (types) => types.includes('service.restarted') });
    for (const { payload } of receiver.received)
      t.strictSame(contract.judgeMessage(payload), [], `a message of ${payload.type}`);
    await api.call('PATCH', path, 200, { paused: true });
    await api.call('POST', `${path}/rotate-secret`, 200);
    await api.call('DELETE', path, 204);
  });

  await t.test('keys, tickets and live news', async (t) => {
    const api = judgedIn(t);
    const made = await api.call('POST', '/api/auth/api-keys', 201, { name: 'ci', permissions: ['services.read'] });
    const path = `/api/auth/api-keys/${String(made['id'])}`;
    for (const list of ['/api/auth/me', '/api/auth/api-keys', path, '/api/audit']) await api.call('GET', list, 200);
    await api.call('DELETE', path, 204);
    for (const path of ['/api/ws', `/api/services/${serviceId}/exec`]) {
      const { ticket } = await api.call('POST', '/api/auth/tickets', 201);
      const socket = new WebSocket(`${up.url.replace('http', 'ws')}${path}?ticket=${String(ticket)}`);
      await new Promise((resolve, reject) => {
        socket.addEventListener('open', resolve);
        socket.addEventListener('error', reject);
      });
      socket.close();
      api.judge('GET', path, 101, null);
    }
  });

  await t.test('logins and sessions', async (t) => {
    const api = judgedIn(t);
    const browser = new Browser({ [PANEL]: up.url });
    const begun = await browser.send(`${PANEL}/api/auth/login`);
    api.judge('GET', '/api/auth/login', begun.status, null);
    const callback = await browser.logIn(begun.headers.get('location') ?? '', 'ada', `${PANEL}/api/auth/callback`);
    const done = await browser.send(callback);
    api.judge('GET', '/api/auth/callback', done.status, null);
    t.equal(done.status, 302);
    const cookie = { cookie: browser.cookieHeader(PANEL) };
    const session = await api.call('GET', '/api/auth/session', 200, undefined, cookie);
    await api.call('GET', '/api/auth/sessions', 200);
    const own = { ...cookie, origin: PANEL, 'x-csrf-token': String(session['csrf_token']) };
    await api.call('POST', '/api/auth/logout', 200, undefined, own);
    await api.call('POST', '/api/auth/logout', 401, undefined, own);
    await browser
      .logIn(`${PANEL}/api/auth/login`, 'ada', `${PANEL}/api/auth/callback`)
      .then((url) => browser.send(url));
    const [again] = (await client.get<{ data: { id: string }[] }>('/api/auth/sessions')).body.data;
    await api.call('DELETE', `/api/auth/sessions/${again?.id}`, 204);
  });

  await t.test('what runs without Longshore, and its adoption', async (t) => {
    const api = judgedIn(t);
    const found = uniqueProject(t, 'every');
    t.teardown(() => docker(['rm', '-f', found]).catch(() => undefined));
    const id = await docker([
      'run',
      '-d',
      '--init',
      '--network',
      'none',
      '--name',
      found,
      'busybox:1',
      'sh',
      '-c',
      'echo here; sleep 1000',
    ]);
    const started = () => docker(['inspect', '--format', '{{.Id}} {{.State.StartedAt}}', id]);
    const before = await started();
    const hosts = await api.call('GET', '/api/hosts', 200);
    const host = `/api/hosts/${(hosts['data'] as { id: string }[])[0]?.id}`;
    const { data } = await api.call('GET', `${host}/projects?search=${found}`, 200);
    t.match(data, [{ kind: 'container', name: found, can_be_adopted: true }]);
    const made = await api.call('POST', `${host}/adopt`, 201, { container: found });
    t.match(await client.jobEnd(String(made['deploy_job_id'])), { state: 'succeeded', kind: 'adopt' });
    t.equal(await started(), before);
    const path = `/api/services/${String(made['id'])}`;
    const containers = await api.call('GET', `${host}/containers?search=${found}`, 200);
    t.match(containers, { total: 1, data: [{ id, service_id: made['id'] }] });
    t.match(await api.call('GET', path, 200), { status: 'running' });
    t.match(await api.call('GET', `${path}/logs`, 200), { logs: [{ message: 'here' }] });
    await api.call('GET', `${path}/revisions`, 200);
    t.match(await client.get(`${host}/projects?search=${found}`), { body: { total: 0 } }, 'it is a service now');
    await api.call('POST', `${host}/adopt`, 409, { container: found });
    await api.call('POST', `${host}/adopt`, 422, { container: 'No_Name' });
    await docker(['kill', id]);
    await eventually(async () => (await client.get(path)).body, { until: (service) => service['status'] === 'failed' });
    await api.call('DELETE', path, 204);
    t.equal(await docker(['ps', '-aq', '--filter', `name=${found}`]), '');
  });

  await t.test('moves, and a host that is lost', async (t) => {
    const api = judgedIn(t);
    const [here, there] = [await joinWire(t, client, 'here'), await joinWire(t, client, 'there')];
    const repository = await api.call('POST', '/api/backup-repositories', 201, {
      url: 'rest:http://127.0.0.1:1/moves/',
    });
    const createHere = async (name: string) => {
      const body = { name, host_id: here.id, deploy_method: 'compose', compose: COMPOSE };
      const made = await api.call('POST', '/api/services', 201, body);
      await client.jobEnd(String(made['deploy_job_id']));
      return `/api/services/${String(made['id'])}/move`;
    };
    const [wanderer, stayer] = [await createHere('wanderer'), await createHere('stayer')];
    const order = { host_id: there.id, keep_old: true, repository_id: repository['id'] };
    const { id } = await api.call('POST', wanderer, 202, order);
    const move = `/api/moves/${String(id)}`;
    const stateOf = async () => (await client.get<{ state: string }>(move)).body.state;
    await eventually(stateOf, { until: (state) => state === 'succeeded' });
    for (const path of [move, '/api/moves']) await api.call('GET', path, 200);
    await api.call('POST', `${move}/remove-old`, 202);
    await eventually(stateOf, { until: (state) => state === 'succeeded' });
    there.host.holds = ['deploy'];
    const { id: second } = await api.call('POST', stayer, 202, order);
    t.match(await api.call('POST', `/api/moves/${String(second)}/cancel`, 200), { state: 'undoing' });
    const lost = `/api/hosts/${there.id}`;
    await api.call('POST', `${lost}/restore`, 409, { to_host_id: here.id });
    there.host.leave();
    const statusOf = async () => (await client.get<{ status: string }>(lost)).body.status;
    await eventually(statusOf, { until: (status) => status === 'offline' });
    const left = { services: [{ service_name: 'wanderer', state: 'left' }] };
    t.match(await api.call('POST', `${lost}/restore`, 202, { to_host_id: here.id }), left);
    await api.call('GET', `${lost}/restore`, 200);
    for (const gone of [here, there]) await api.call('DELETE', `/api/hosts/${gone.id}?force=true`, 204);
  });

  await t.test('hosts, and the end of everything', async (t) => {
    const api = judgedIn(t);
    await api.call('DELETE', `/api/services/${serviceId}`, 204);
    await api.call('DELETE', `/api/customers/${customer.id}`, 204);
    await api.call('DELETE', `/api/plans/${customer.planId}`, 204);
    const made = await api.call('POST', '/api/hosts/join-tokens', 201, { uses: 1 });
    await api.call('GET', '/api/hosts/join-tokens', 200);
    await api.call('GET', `/api/hosts/join-tokens/${made['id'] as string}`, 200);
    await api.call('DELETE', `/api/hosts/join-tokens/${made['id'] as string}`, 204);
    const hosts = await api.call('GET', '/api/hosts', 200);
    const [host] = hosts['data'] as { id: string }[];
    await api.call('GET', `/api/hosts/${host?.id}`, 200);
    t.match(await api.call('GET', `/api/hosts/${host?.id}/events?order=asc`, 200), { data: [{ status: 'joined' }] });
    t.match(await api.call('GET', `/api/hosts/${host?.id}/stats?step=60`, 200), { step: 60 });
    // Other tests share this engine.
    await api.call('POST', `/api/hosts/${host?.id}/prune`, 200, { dry_run: true, build_cache: true });
    const path = `/api/hosts/${host?.id}`;
    t.match(await api.call('PATCH', path, 200, { name: 'every-1', labels: { zone: 'eu' } }), { name: 'every-1' });
    t.match(await api.call('POST', `${path}/cordon`, 200), { drained_at: null });
    await api.call('POST', `${path}/uncordon`, 200);
    t.match(await api.call('POST', `${path}/drain`, 200), { host: { name: 'every-1' }, services: [] });
    await api.call('POST', `${path}/undrain`, 200);
    const brokenId = await joinBroken(t, client);
    const order = { version: '9.0.0', wave: '50%', host_ids: [brokenId] };
    const { id: upgradeId } = await api.call('POST', '/api/hosts/upgrades', 201, order);
    const upgrade = `/api/hosts/upgrades/${upgradeId as string}`;
    await eventually(async () => (await client.get<{ state: string }>(upgrade)).body.state === 'halted');
    await api.call('GET', upgrade, 200);
    await api.call('GET', '/api/hosts/upgrades', 200);
    for (const act of ['resume', 'cancel']) await api.call('POST', `${upgrade}/${act}`, 200);
    await joinTwice(t, client);
    const openIncidents = () => client.get<{ data: { id: string }[] }>('/api/incidents?status=open');
    const incident = await eventually(async () => (await openIncidents()).body.data[0]?.id ?? '', { until: Boolean });
    await api.call('GET', '/api/incidents', 200);
    await api.call('GET', `/api/incidents/${incident}`, 200);
    await api.call('POST', `${path}/revoke`, 200);
    await api.call('DELETE', path, 204);
  });

  t.strictSame(contract.leftOut, [], 'no operation is left out');
});

interface EdgeStanding {
  wanted_revision: number;
  status: { revision: number } | null;
}

/** A host without Docker, which says that everything went well and that there is room for all. */
async function joinWire(t: Test, client: Api, name: string): Promise<{ id: string; host: WireHost }> {
  const { token } = (await client.post<{ token: string }>('/api/hosts/join-tokens', {})).body;
  const host = new WireHost(name, formatJoinToken({ ...parseJoinToken(token), url: client.url }));
  host.answers['service.plan'] = () => Promise.resolve({ plan: FREE_PLAN });
  t.teardown(() => host.leave());
  await host.connect();
  const found = await client.get<{ data: { id: string; name: string }[] }>('/api/hosts');
  return { host, id: found.body.data.find((one) => one.name === name)?.id ?? '' };
}

/** A host on which every upgrade fails. */
async function joinBroken(t: Test, client: Api): Promise<string | undefined> {
  const { token } = (await client.post<{ token: string }>('/api/hosts/join-tokens', {})).body;
  const host = new WireHost('broken', formatJoinToken({ ...parseJoinToken(token), url: client.url }));
  host.answers['host.upgrade'] = () => Promise.resolve({ phase: 'failed', percent: null, reason: 'no' });
  t.teardown(() => host.leave());
  await host.connect();
  const found = await client.get<{ data: { id: string }[] }>('/api/hosts?search=broken');
  return found.body.data[0]?.id;
}

/** Two machines that are one host. */
async function joinTwice(t: Test, client: Api): Promise<void> {
  const { token } = (await client.post<{ token: string }>('/api/hosts/join-tokens', {})).body;
  const enrol = parseJoinToken(token);
  const identity = createIdentity();
  for (const bootId of ['boot-here', 'boot-clone']) {
    const agent = new RawAgent(client.url, identity);
    t.teardown(() => agent.ws.terminate());
    await agent.enter({ enrol, bootId, instanceId: bootId });
  }
}
