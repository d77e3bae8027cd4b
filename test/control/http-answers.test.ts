// The documented answers, field by field, and that what we answer is what /api/openapi.json says.
import t from 'tap';
import type { z } from 'zod';
import { createdServiceView, eventPage, serviceDetailView, servicePage } from '../../control/http/views/service.ts';
import { callerView, createdKeyView, keyPage } from '../../control/http/views/key.ts';
import { hostPage, hostView } from '../../control/http/views/host.ts';
import { joinTokenPage, joinTokenWithHostsView, madeJoinTokenView } from '../../control/http/views/join-token.ts';
import { jobDetailView, jobLogView, jobPage, jobView } from '../../control/http/views/job.ts';
import { templateDetailView, templatePage } from '../../control/http/views/template.ts';
import { Scope } from '#shared/lifecycle.ts';
import { silentLogger } from '#shared/log.ts';
import { startHttp } from '../../control/http/server.ts';
import { FakeApp } from '../support/fake-app.ts';
import { fakeDeps, startTestHttp } from '../support/http-server.ts';

const SERVICE = {
  id: 'svc_abc123',
  name: 'my-app',
  status: 'running',
  url: 'http://203.0.113.7:3001',
  customer_id: 'cust_def456',
  template: 'uptime-kuma',
  deploy_method: 'template',
  created_at: '2026-03-29T10:00:00.000Z',
  updated_at: '2026-03-29T10:05:00.000Z',
};

t.test('the list of services has the documented fields and paging', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_abc123' });
  http.app.addService({ name: 'other', lifecycle: 'stopped' });
  const { status, body } = await http.get<{ data: object[] }>('/api/services?status=running&per_page=10');
  t.equal(status, 200);
  t.match(body, { total: 1, page: 1, per_page: 10 });
  t.match(body.data[0], {
    ...SERVICE,
    resources: { cpu_usage: null, memory_usage_mb: null, memory_limit_mb: null, sampled_at: null },
  });
});

t.test('a service has the documented fields', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_abc123' });
  const { status, body } = await http.get('/api/services/svc_abc123');
  t.equal(status, 200);
  t.match(body, {
    ...SERVICE,
    customer_name: 'Acme Corp',
    compose: "version: '3.8'\nservices:\n  ...",
    variables: { SERVICE_NAME: 'my-app' },
    custom_domains: [],
    resources: { cpu_usage: null, cpu_limit: null, memory_usage_mb: null, memory_limit_mb: null, storage_mb: null },
    health: { status: 'healthy', last_check: '2026-03-29T10:00:00.000Z', consecutive_failures: 0 },
    deployed_at: '2026-03-29T10:05:00.000Z',
  });
});

t.test('each documented way to create answers as documented', async (t) => {
  const http = await startTestHttp(t);
  const created = await http.post('/api/services', {
    name: 'my-app',
    customer_id: 'cust_def456',
    deploy_method: 'template',
    template_id: 'uptime-kuma',
    variables: { SERVICE_NAME: 'my-app' },
  });
  t.equal(created.status, 201);
  t.match(created.body, { id: /^svc_/, name: 'my-app', status: 'deploying', url: null, deploy_job_id: /^job_/ });
  t.strictSame(Object.keys(created.body), ['id', 'name', 'status', 'url', 'deploy_job_id', 'set_id']);

  const compose = "version: '3.8'\nservices:\n  app:\n    image: myapp:latest";
  const second = { name: 'custom-app', customer_id: 'cust_def456', deploy_method: 'compose', compose };
  t.equal((await http.post('/api/services', second)).status, 201);
  t.match(http.app.created[1], {
    name: 'custom-app',
    customerId: 'cust_def456',
    source: { method: 'compose', compose },
  });
});

t.test('start, stop and restart answer 200 once done', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_a' });
  const said = async (kind: string) => {
    const { status, body } = await http.post(`/api/services/svc_a/${kind}`);
    return [status, body['id'], body['status'], body['message']];
  };
  t.strictSame(await said('stop'), [200, 'svc_a', 'stopped', 'Service stopped']);
  t.strictSame(await said('start'), [200, 'svc_a', 'running', 'Service started']);
  t.strictSame(await said('restart'), [200, 'svc_a', 'running', 'Service restarted']);
});

t.test('an action that outlasts the wait answers 202 with its job', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_a' });
  const started = await http.post('/api/services/svc_a/stop?wait=0');
  t.match(started, { status: 202, body: { id: 'svc_a', job_id: /^job_/, message: 'Service is stopping' } });
  http.app.isHostQuick = false;
  t.match(await http.call('DELETE', '/api/services/svc_a'), { status: 202, body: { job_id: /^job_/ } });
});

t.test('redeploy names its job, delete answers 204 without a body', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_a' });
  const redeployed = await http.post('/api/services/svc_a/redeploy');
  t.match(redeployed, { status: 200, body: { id: 'svc_a', status: 'deploying', deploy_job_id: /^job_/ } });
  const gone = await http.call('DELETE', '/api/services/svc_a');
  t.match(gone, { status: 204, text: '' });
  t.match(await http.error('GET', '/api/services/svc_a'), { status: 404, code: 'not_found' });
});

t.test('the events of a service have the documented fields', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_a' });
  const { body } = await http.get<{ data: object[] }>('/api/services/svc_a/events');
  const event = { type: 'deploy', status: 'success', message: 'Deployed from template uptime-kuma' };
  t.match(body.data[0], { ...event, timestamp: '2026-03-29T10:00:00.000Z' });
});

t.test('the log has the documented shape', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_a' });
  http.frames = async function* () {
    yield Buffer.from(
      '{"timestamp":"2026-03-29T14:30:00.000000000Z","stream":"stdout","message":"Server started","container":"a-1"}\n',
    );
  };
  const { status, body } = await http.get<{ logs: object[] }>('/api/services/svc_a/logs?tail=50');
  t.equal(status, 200);
  t.match(body.logs, [{ timestamp: '2026-03-29T14:30:00.000000000Z', stream: 'stdout', message: 'Server started' }]);
  t.match(await http.error('GET', '/api/services/svc_a/logs?follow=true'), { status: 400, code: 'bad_request' });
});

t.test('the URL of a service leads to its lowest published TCP port', async (t) => {
  const http = await startTestHttp(t);
  const urlWith = async (address: string, host = 8080) => {
    const service = http.app.addService();
    const report = structuredClone(service.report);
    if (report?.containers[0]) report.containers[0].ports = [{ host, container: 80, protocol: 'tcp', address }];
    service.report = report;
    return (await http.get(`/api/services/${service.id}`)).body['url'];
  };
  t.equal(await urlWith('0.0.0.0'), 'http://203.0.113.7:8080');
  t.equal(await urlWith('127.0.0.1'), 'http://127.0.0.1:8080');
  t.equal(await urlWith('2001:db8::1'), 'http://[2001:db8::1]:8080');
  t.equal(await urlWith('0.0.0.0', 0), null, 'a port that is not published');
  http.app.addHost('host_a', { facts: null });
  t.equal(await urlWith('0.0.0.0'), null, 'a host whose address is not known');
});

t.test('every answer fits the schema the API documents', async (t) => {
  const http = await startTestHttp(t);
  const service = http.app.addService({ id: 'svc_a' });
  http.app.addJob(service, { id: 'job_a', error: { code: 'exited', message: 'A container exited' }, state: 'running' });
  http.app.templateEntries.push({
    id: 'tpl',
    name: 'Template',
    tagline: '',
    description: '',
    category: 'tools',
    tags: [],
    version: 1,
    appVersion: '1',
    links: {},
    variables: [
      {
        name: 'A',
        label: 'A',
        help: null,
        type: 'text',
        isRequired: true,
        default: null,
        isSecret: false,
        isGenerated: false,
        options: null,
      },
    ],
    compose: 'services: {}',
    files: [],
    notes: { before: null, after: null },
    importedFrom: null,
    warnings: [],
    origin: 'catalogue',
    customerId: null,
    createdAt: null,
    updatedAt: null,
  });
  const body = { name: 'n', deploy_method: 'compose', compose: 'x' };
  const expected: [method: string, path: string, schema: z.ZodObject, body?: object][] = [
    ['GET', '/api/services', servicePage],
    ['GET', '/api/services/svc_a', serviceDetailView],
    ['POST', '/api/services', createdServiceView, body],
    ['GET', '/api/services/svc_a/events', eventPage],
    ['GET', '/api/jobs', jobPage],
    ['GET', '/api/jobs/job_a', jobDetailView],
    ['GET', '/api/jobs/job_a/log', jobLogView],
    ['POST', '/api/jobs/job_a/cancel', jobView],
    ['GET', '/api/hosts', hostPage],
    ['GET', '/api/hosts/host_a', hostView],
    ['GET', '/api/hosts/join-tokens', joinTokenPage],
    ['GET', '/api/hosts/join-tokens/jtk_1', joinTokenWithHostsView],
    ['POST', '/api/hosts/join-tokens', madeJoinTokenView, { uses: 2, address_range: '10.0.0.0/8' }],
    ['GET', '/api/auth/me', callerView],
    ['GET', '/api/auth/api-keys', keyPage],
    ['POST', '/api/auth/api-keys', createdKeyView, { name: 'ci', permissions: ['services.*'] }],
    ['GET', '/api/templates', templatePage],
    ['GET', '/api/templates/tpl', templateDetailView],
  ];
  for (const [method, path, schema, sent] of expected) {
    const answer = await http.call(method, path, { body: sent });
    t.ok(answer.status < 300, `${method} ${path} answered ${answer.status}`);
    t.strictSame(schema.strict().safeParse(answer.body).error?.issues, undefined, `${method} ${path}`);
  }
});

t.test('the server answers at the port it returns, until its scope stops', async (t) => {
  const scope = new Scope(silentLogger());
  const { port } = await startHttp(fakeDeps(new FakeApp()), scope);
  const url = `http://127.0.0.1:${port}`;
  t.equal((await fetch(`${url}/healthz`)).status, 200);
  await scope.stop();
  await t.rejects(fetch(`${url}/healthz`));
});

t.test('/healthz is up before /readyz', async (t) => {
  const http = await startTestHttp(t);
  http.app.isReady = false;
  t.equal((await http.get('/healthz', null)).status, 200);
  t.match(await http.error('GET', '/readyz', { key: null }), { status: 503, code: 'unavailable', details: /agent/ });
  http.app.isReady = true;
  t.match(await http.get('/readyz', null), { status: 200, body: { status: 'ok' } });
});

t.test('/api/openapi.json describes every route, without a key', async (t) => {
  const http = await startTestHttp(t);
  const { status, body } = await http.get<{ openapi: string; paths: Record<string, Record<string, unknown>> }>(
    '/api/openapi.json',
    null,
  );
  t.equal(status, 200);
  t.match(body.openapi, /^3\.1/);
  t.match(Object.keys(body.paths['/api/services'] ?? {}), ['get', 'post']);
  t.ok(body.paths['/api/services/{id}/logs']?.['get']);
  t.match(body.paths['/api/services']?.['post'], { responses: { 201: {}, default: {} } }, 'failures have their schema');
  t.notOk(body.paths['/agent/v1'], 'the agents have a protocol of their own');
});
