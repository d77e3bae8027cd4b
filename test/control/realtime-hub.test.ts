// /api/ws over real sockets: who gets which news.
import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import type { LiveEvent } from '../../control/app/api/live.ts';
import { AT } from '../support/fake-records.ts';
import { startTestHttp, type TestHttp, type TestSocket } from '../support/http-server.ts';

const progress = (serviceId: string, message: string): LiveEvent => ({
  type: 'deploy.progress',
  serviceId,
  jobId: 'job_a',
  step: 'pull',
  state: 'running',
  percent: 40,
  message,
  at: AT,
});

const line = (n: number) =>
  Buffer.from(
    `{"timestamp":"2026-03-29T14:30:00.00000000${n}Z","stream":"stdout","message":"line ${n}","container":"a-1"}\n`,
  );

async function open(http: TestHttp, key = 'lsk_admin'): Promise<TestSocket> {
  const socket = http.socket('/api/ws', { key });
  if ((await socket.opened) !== true) throw new LongshoreError('internal', { message: 'The socket did not open' });
  return socket;
}

/** Everything that was sent before has arrived once this comes back. */
async function settled(http: TestHttp, socket: TestSocket): Promise<Record<string, unknown>[]> {
  socket.say({ type: 'unsubscribe', types: ['service.logs'], service_ids: ['svc_marker'] });
  await socket.until((message) => String(message['service_ids']) === 'svc_marker');
  return socket.messages.filter((message) => message['type'] !== 'unsubscribed');
}

t.test('a new socket gets all news but logs, in the documented form', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_a' });
  const socket = await open(http);
  http.app.publish(progress('svc_a', 'Pulling'));
  http.app.publish({
    type: 'service.status',
    serviceId: 'svc_a',
    lifecycle: 'running',
    health: 'healthy',
    reason: null,
    at: AT,
  });
  http.app.publish({ type: 'health.changed', serviceId: 'svc_a', health: 'unhealthy', at: AT });
  http.app.publish({ type: 'host.status', hostId: 'host_a', status: 'offline', at: AT });
  const timestamp = '2026-03-29T10:00:00.000Z';
  t.strictSame(await settled(http, socket), [
    {
      type: 'deploy.progress',
      service_id: 'svc_a',
      job_id: 'job_a',
      step: 'pull',
      state: 'running',
      percent: 40,
      message: 'Pulling',
      timestamp,
    },
    { type: 'service.status', service_id: 'svc_a', status: 'running', health: 'healthy', reason: null, timestamp },
    { type: 'health.changed', service_id: 'svc_a', health: 'unhealthy', timestamp },
    { type: 'host.status', host_id: 'host_a', status: 'offline', timestamp },
  ]);
});

t.test('the progress of a backup is heard by those who may read backups', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_a' });
  http.app.addKey('lsk_reader', ['services.read']);
  const [socket, reader] = [await open(http), await open(http, 'lsk_reader')];
  for (const each of [socket, reader])
    each.say({ type: 'subscribe', types: ['backup.progress'], service_ids: ['svc_a'] });
  await socket.untilType('subscribed');
  t.match(await reader.untilType('error'), { code: 'forbidden', details: 'Needs backups.read' });
  const about = { serviceId: 'svc_a', backupId: 'bkp_a', jobId: 'job_b', kind: 'backup' as const, at: AT };
  http.app.publish({
    type: 'backup.progress',
    ...about,
    state: 'running',
    percent: 12,
    bytesDone: 12,
    totalBytes: 100,
  });
  http.app.publish({ type: 'backup.progress', ...about, state: 'failed', message: 'restic was ended' });
  const timestamp = '2026-03-29T10:00:00.000Z';
  const ids = { service_id: 'svc_a', backup_id: 'bkp_a', job_id: 'job_b' };
  const heard = { type: 'backup.progress', ...ids, kind: 'backup' };
  const unknown = { percent: null, bytes_done: null, total_bytes: null };
  t.strictSame((await settled(http, socket)).slice(1), [
    { ...heard, state: 'running', percent: 12, bytes_done: 12, total_bytes: 100, timestamp },
    { ...heard, state: 'failed', ...unknown, message: 'restic was ended', timestamp },
  ]);
  t.equal((await settled(http, reader)).length, 1);
});

t.test('who subscribes without types gets all it may hear of', async (t) => {
  const http = await startTestHttp(t);
  for (const id of ['svc_a', 'svc_b']) http.app.addService({ id });
  http.app.addKey('lsk_reader', ['services.read']);
  const socket = await open(http, 'lsk_reader');
  socket.say({ type: 'subscribe', service_ids: ['svc_a'] });
  await socket.untilType('subscribed');
  http.app.publish(progress('svc_b', 'b'));
  http.app.publish(progress('svc_a', 'a'));
  t.match((await settled(http, socket)).slice(1), [{ message: 'a' }]);
});

t.test('A32: nobody hears of what they may not see', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_a', customerId: 'cust_a' });
  http.app.addService({ id: 'svc_b', customerId: 'cust_b' });
  http.app.addKey('lsk_a', ['services.read'], { customerId: 'cust_a' });
  const socket = await open(http, 'lsk_a');
  http.app.publish(progress('svc_b', 'not yours'));
  http.app.publish({ type: 'host.status', hostId: 'host_a', status: 'offline', at: AT });
  http.app.publish(progress('svc_a', 'yours'));
  t.match(await settled(http, socket), [{ message: 'yours' }]);
});

t.test('A32: subscribing to a foreign service is answered with not_found', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_b', customerId: 'cust_b' });
  http.app.addKey('lsk_a', ['services.*'], { customerId: 'cust_a' });
  const socket = await open(http, 'lsk_a');
  for (const types of [['service.logs'], ['deploy.progress']])
    socket.say({ type: 'subscribe', types, service_ids: ['svc_b'] });
  const answers = await settled(http, socket);
  t.match(answers, [
    { type: 'error', code: 'not_found' },
    { type: 'error', code: 'not_found' },
  ]);
  http.app.publish(progress('svc_b', 'still not yours'));
  t.equal((await settled(http, socket)).length, 2);
});

t.test('the last news of a service come after it is gone', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_a', customerId: 'cust_a' });
  http.app.addKey('lsk_a', ['services.read'], { customerId: 'cust_a' });
  const socket = await open(http, 'lsk_a');
  http.app.publish(progress('svc_a', 'removing'));
  http.app.entries.delete('svc_a');
  http.app.publish(progress('svc_a', 'removed'));
  t.match(await settled(http, socket), [{ message: 'removing' }, { message: 'removed' }]);
});

t.test('a client chooses by type and service', async (t) => {
  const http = await startTestHttp(t);
  for (const id of ['svc_a', 'svc_b']) http.app.addService({ id });
  const socket = await open(http);
  socket.say({ type: 'subscribe', types: ['deploy.progress'], service_ids: ['svc_a'] });
  const answer = await socket.untilType('subscribed');
  t.strictSame(answer, { type: 'subscribed', types: ['deploy.progress'], service_ids: ['svc_a'] });
  http.app.publish(progress('svc_b', 'b'));
  http.app.publish({ type: 'health.changed', serviceId: 'svc_a', health: 'healthy', at: AT });
  http.app.publish(progress('svc_a', 'a'));
  t.match((await settled(http, socket)).slice(1), [{ message: 'a' }]);
});

t.test('log lines come to those who asked and may read them', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_a' });
  http.frames = async function* () {
    yield Buffer.concat([line(1), line(2)]);
    await new Promise(() => {});
  };
  const socket = await open(http);
  socket.say({ type: 'subscribe', types: ['service.logs'], service_ids: ['svc_a'] });
  const first = await socket.until((message) => message['message'] === 'line 1');
  t.match(first, { type: 'service.logs', service_id: 'svc_a', stream: 'stdout', container: 'a-1' });
  t.match(first?.['timestamp'], /^2026-03-29T14:30:00/);
  http.app.publish(progress('svc_a', 'the other news go on'));
  await socket.untilType('deploy.progress');

  http.app.addKey('lsk_blind', ['services.read']);
  const blind = await open(http, 'lsk_blind');
  blind.say({ type: 'subscribe', types: ['service.logs'], service_ids: ['svc_a'] });
  t.match(await blind.untilType('error'), { code: 'forbidden', details: 'Needs services.logs' });
});

t.test('a log that cannot be followed is an error that names its service', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_a' });
  http.openError = new LongshoreError('host_offline');
  const socket = await open(http);
  socket.say({ type: 'subscribe', types: ['service.logs'], service_ids: ['svc_a'] });
  const failure = await socket.untilType('error');
  t.match(failure, { code: 'host_offline', service_id: 'svc_a' });
});

t.test('A32: over the limit: one socket follows so many services and no more', async (t) => {
  const http = await startTestHttp(t);
  const ids = Array.from({ length: 21 }, (_, i) => `svc_${i}`);
  for (const id of ids) http.app.addService({ id });
  const socket = await open(http);
  socket.say({ type: 'subscribe', types: ['service.logs'], service_ids: ids });
  t.match(await socket.untilType('error'), { code: 'bad_request', details: /^At most 20 services' service.logs/ });
});

t.test('what is no message is answered, and the socket stays', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_a' });
  const socket = await open(http);
  const wrong = ['{bad', '[]', '{"type":"fly"}', '{"type":"subscribe","types":["x"]}', '{"type":"subscribe","a":1}'];
  for (const text of wrong) socket.ws.send(text);
  socket.ws.send(Buffer.from([1, 2, 3]), { binary: true });
  for (const type of ['service.logs', 'service.stats']) socket.say({ type: 'subscribe', types: [type] });
  const answers = await settled(http, socket);
  t.equal(answers.length, wrong.length + 3);
  for (const answer of answers) t.match(answer, { type: 'error', code: 'bad_request', details: /./ });
});

t.test('a listener that fails does not reach the publisher or the others', async (t) => {
  const http = await startTestHttp(t);
  http.app.addKey('lsk_a', ['services.read'], { customerId: 'cust_a' });
  await open(http, 'lsk_a');
  const socket = await open(http);
  const { services } = http.app;
  const require = services.require.bind(services);
  services.require = () => {
    throw new TypeError('broken');
  };
  http.app.publish(progress('svc_a', 'on'));
  services.require = require;
  t.match(await settled(http, socket), [{ message: 'on' }]);
  t.ok(http.logLines.some((text) => text.includes('a live event was not passed on')));
});
