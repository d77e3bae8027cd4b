import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { Scope } from '#shared/lifecycle.ts';
import { silentLogger } from '#shared/log.ts';
import { parseJoinToken } from '#shared/protocol/identity.ts';
import { systemClock } from '#shared/time.ts';
import { controlExitCode, loadControlConfig, startControl, type ControlDeps } from '../../control/main.ts';
import { LongshoreError } from '#shared/errors.ts';
import { ADMIN } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { faultCode } from '../support/fault-code.ts';
import { makeFolder } from '../support/folder.ts';
import { TestSocket } from '../support/http-server.ts';
import { CLIENT, startProvider } from '../support/oidc.ts';
import { PANEL } from '../support/person.ts';
import { WebSocket } from 'ws';

// The first teardown of a test comes before a testdir made after it is removed: nobody writes there any more by then.
t.beforeEach((t) => t.teardown(() => undefined));

async function start(t: Test, dir: string, deps: Partial<ControlDeps> = {}, flags: string[] = []) {
  const scope = new Scope(silentLogger());
  t.teardown(() => scope.stop());
  const config = loadControlConfig(['--data-dir', dir, '--listen', '127.0.0.1:0', ...flags], {});
  const control = await startControl(config, { clock: systemClock, log: silentLogger(), ...deps }, scope);
  const key = readFileSync(control.adminKeyFile, 'utf8').trim();
  const get = (path: string) => fetch(control.url + path, { headers: { authorization: `Bearer ${key}` } });
  return { control, scope, get, key };
}

t.test('a fresh control plane answers, and its first key opens it', async (t) => {
  const { control, get } = await start(t, makeFolder(t, 'control'));
  t.equal((await fetch(`${control.url}/healthz`)).status, 200);
  t.equal((await fetch(`${control.url}/readyz`)).status, 200);
  t.equal((await fetch(`${control.url}/api/services`)).status, 401);
  t.same(await (await get('/api/services')).json(), { data: [], total: 0, page: 1, per_page: 20 });
});

t.test('after a restart the key and the rows are the same', async (t) => {
  const dir = makeFolder(t, 'control');
  const first = await start(t, dir);
  const { id } = await first.control.app.joinTokens.create(ADMIN, {});
  await first.scope.stop();
  const second = await start(t, dir);
  t.equal(second.key, first.key);
  t.equal((await second.get('/api/hosts')).status, 200);
  t.match(id, /^jtk_/);
});

t.test('one control plane a data directory; a stopped one gives it back', async (t) => {
  const dir = makeFolder(t, 'control');
  const first = await start(t, dir);
  t.equal(await faultCode(start(t, dir)), 'state_conflict');
  await first.scope.stop();
  await start(t, dir);
});

t.test('for `up` it is ready when the agent of this machine is', async (t) => {
  const { control } = await start(t, makeFolder(t, 'control'), { awaitsLocalAgent: true });
  const answer = await fetch(`${control.url}/readyz`);
  t.equal(answer.status, 503);
  t.equal((await fetch(`${control.url}/healthz`)).status, 200);
});

t.test('a token for this machine names the address this machine reaches', async (t) => {
  const { control } = await start(t, makeFolder(t, 'control'));
  t.equal(parseJoinToken(await control.createLocalJoinToken()).url, control.url);
});

t.test('A16: the sockets of a key that expires are cut within seconds', async (t) => {
  const { control } = await start(t, makeFolder(t, 'control'));
  const expiresAt = Date.now() + 200;
  const { secret } = await control.app.keys.create(ADMIN, { name: 'brief', permissions: ['*'], expiresAt });
  const socket = new TestSocket(new WebSocket(`${control.url.replace('http', 'ws')}/api/ws?api_key=${secret}`));
  t.equal(await socket.opened, true);
  t.match(await socket.closed, { code: 4401 });
});

const loginFlags = (issuer: string) => [
  '--oidc-issuer',
  issuer,
  '--oidc-client-id',
  CLIENT.id,
  '--oidc-permissions',
  'a=*',
  '--public-url',
  PANEL,
];

t.test('the settings of the login reach the provider', async (t) => {
  const { issuer } = await startProvider(t, {});
  const { control } = await start(t, makeFolder(t, 'control'), {}, loginFlags(issuer));
  const answer = await fetch(`${control.url}/api/auth/login`, { redirect: 'manual' });
  t.equal(answer.status, 302);
  const page = new URL(answer.headers.get('location') ?? '');
  t.equal(page.origin, issuer);
  t.equal(page.searchParams.get('redirect_uri'), `${PANEL}/api/auth/callback`);
  t.match(answer.headers.getSetCookie(), [/^__Host-longshore_login=.*HttpOnly; Secure; SameSite=Lax$/]);
});

t.test('a provider that is away keeps nobody from starting', async (t) => {
  const { control, get } = await start(t, makeFolder(t, 'control'), {}, loginFlags('http://127.0.0.1:1'));
  t.equal((await get('/api/services')).status, 200);
  const answer = await fetch(`${control.url}/api/auth/login`, { redirect: 'manual' });
  t.equal(answer.status, 503);
  t.match(answer.headers.get('retry-after'), /^\d+$/);
});

t.test('what a restart does not mend exits 78', async (t) => {
  t.equal(controlExitCode(new LongshoreError('config_invalid')), 78);
  t.equal(controlExitCode(new LongshoreError('schema_too_new')), 78);
  t.equal(controlExitCode(new Error('anything')), 1);
});

t.test('what the control plane logs as trouble is there to read', async (t) => {
  const { control } = await start(t, makeFolder(t, 'control'));
  const socket = new WebSocket(`${control.url.replace('http', 'ws')}/agent/v1`);
  t.teardown(() => socket.terminate());
  socket.on('error', () => undefined);
  socket.on('open', () => socket.send('nonsense'));
  const troubles = async () => (await control.app.system.findHealth(ADMIN, 'control_plane'))?.troubles ?? [];
  const isTold = (it: Awaited<ReturnType<typeof troubles>>) => it.length > 0;
  t.match(await eventually(troubles, { until: isTold }), [{ level: 'warning', message: /^refused an agent: / }]);
});
