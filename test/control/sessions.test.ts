// Sessions over the real server and the real database: cookies, pages of others, sockets, and every way a session ends.
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { SESSION_IDLE_MS, SESSION_LIFE_MS } from '../../control/app/access/sessions.ts';
import type { Session } from '../../control/app/api/sessions.ts';
import { ADMIN } from '../support/control-world.ts';
import { startLoginWorld } from '../support/login-world.ts';
import { openSession, PANEL, SESSION_COOKIE } from '../support/person.ts';
import { startRealHttp, composeBody } from '../support/real-http.ts';

const startPanel = (t: Test) => startRealHttp(t, { config: { publicUrl: PANEL } });

t.test('A27: the cookie is for this host only, out of reach of scripts and of other sites', async (t) => {
  const login = await startLoginWorld(t);
  const browser = login.browser();
  const answer = await browser.send((await login.answerFor(browser, 'ada')).href);
  const [line = '', ...others] = answer.headers.getSetCookie();
  t.match(line, /^__Host-longshore_session=lss_[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  t.strictSame(others, []);
  t.ok(browser.cookie(PANEL, SESSION_COOKIE), 'a browser keeps it');
});

t.test('A27: a login never adopts a cookie that is there, and ends the session it belonged to', async (t) => {
  const login = await startLoginWorld(t);
  const browser = login.browser();
  const planted = `lss_${'p'.repeat(43)}`;
  browser.setCookie(PANEL, SESSION_COOKIE, planted);
  const first = await login.loggedIn('ada', browser);
  t.notOk(first.cookie.includes(planted));
  t.equal((await login.http.get('/api/services', planted)).status, 401);
  const socket = first.socket();
  t.equal(await socket.opened, true);
  const second = await login.loggedIn('ada', browser);
  t.not(second.cookie, first.cookie);
  t.match(await first.error('GET', '/api/auth/session'), { status: 401 });
  t.match(await socket.closed, { code: 4401 });
  t.equal((await second.call('GET', '/api/auth/session')).status, 200);
});

t.test('A27: after a logout the session is worth nothing at once, and its sockets close', async (t) => {
  const { world, http } = await startPanel(t);
  const [person, other] = [await openSession(world, http), await openSession(world, http)];
  const [socket, kept] = [person.socket(), other.socket()];
  for (const each of [socket, kept]) t.equal(await each.opened, true);
  const { ticket } = (await person.call<{ ticket: string }>('POST', '/api/auth/tickets')).body;
  const out = await person.call('POST', '/api/auth/logout');
  t.match(out, { status: 200, body: { logout_url: null } });
  t.match(out.headers.getSetCookie(), [/^__Host-longshore_session=; Max-Age=0; .*HttpOnly; Secure; SameSite=Lax$/]);
  t.match(await person.error('GET', '/api/auth/session'), { status: 401, code: 'unauthorized' });
  t.match(await socket.closed, { code: 4401, reason: 'the API key or session ended' });
  t.match(await http.socket(`/api/ws?ticket=${ticket}`, { key: null }).opened, { status: 401 });
  t.equal(kept.ws.readyState, WebSocket.OPEN, "the person's other browser is still there");
});

t.test('A27: a session ends when it is left alone, and in any case after 12 hours', async (t) => {
  const { world, http } = await startPanel(t);
  const [idle, busy] = [await openSession(world, http), await openSession(world, http)];
  const sockets = [idle.socket(), busy.socket()];
  for (const { opened } of sockets) t.equal(await opened, true);
  const use = () => busy.call('GET', '/api/auth/session');
  for (let used = 0; used < SESSION_LIFE_MS; used += SESSION_IDLE_MS / 2) {
    t.equal((await use()).status, 200);
    world.clock.advance(SESSION_IDLE_MS / 2);
    await world.app.sessions.noteUses();
    await world.app.sessions.endExpired();
    if (used > 0) t.match(await idle.error('GET', '/api/auth/session'), { status: 401 });
  }
  for (const { closed } of sockets) t.match(await closed, { code: 4401 });
  t.equal((await use()).status, 401);
  t.equal(world.stores.sessions.list({ page: 1, perPage: 1 }).total, 0, 'nothing is left of them');
});

t.test('A27: when a session was used is known after a crash', async (t) => {
  const { world, http } = await startPanel(t);
  const person = await openSession(world, http);
  world.clock.advance(SESSION_IDLE_MS - 1);
  t.equal((await person.call('GET', '/api/auth/session')).status, 200);
  await world.app.sessions.noteUses();
  world.clock.advance(1);
  const secret = person.cookie.slice(SESSION_COOKIE.length + 1);
  t.ok(world.crash().app.sessions.identify(secret));
});

t.test('A27: cookies that are broken, unknown or come twice open nothing they should not', async (t) => {
  const { world, http } = await startPanel(t);
  const { cookie } = await openSession(world, http);
  const status = async (text: string) =>
    (await http.call('GET', '/api/services', { key: null, headers: { cookie: text } })).status;
  const weaker = cookie.replace('__Host-', '');
  for (const text of ['=;;%E0%A4%A', `${SESSION_COOKIE}=`, `${SESSION_COOKIE}=%`, `${SESSION_COOKIE}=lss_x`, weaker])
    t.equal(await status(text), 401, text);
  t.equal(await status(`${SESSION_COOKIE}=lss_x; ${cookie}`), 401, 'the first of two counts');
  t.equal(await status(`theme=dark; ${cookie}; lang=de`), 200);
});

t.test('A28: a write with a cookie needs our own origin and the token', async (t) => {
  const { world, http } = await startPanel(t);
  await world.joinAndConnect();
  const person = await openSession(world, http);
  const token = { 'x-csrf-token': await person.csrfToken() };
  const create = (headers: Record<string, string>) =>
    person.send('POST', '/api/services', headers, composeBody('evil'));
  const refused: Record<string, Record<string, string>> = {
    'a form of another site': { origin: 'https://evil.example', 'content-type': 'text/plain' },
    'another site with a token': { ...token, origin: 'https://evil.example' },
    'a neighbour under the same domain': { ...token, origin: 'https://shop.example.com' },
    'our name over http': { ...token, origin: 'http://panel.example.com' },
    'another port': { ...token, origin: `${PANEL}:8443` },
    'a sandboxed frame': { ...token, origin: 'null' },
    'no origin': token,
    'no origin, from elsewhere': { ...token, 'sec-fetch-site': 'same-site' },
    'no origin, typed': { ...token, 'sec-fetch-site': 'none' },
    'an origin that says it is ours': { ...token, origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
    'our origin without a token': { origin: PANEL },
    "our origin with another session's token": {
      origin: PANEL,
      'x-csrf-token': await (await openSession(world, http)).csrfToken(),
    },
    'text/plain without a token': { origin: PANEL, 'content-type': 'text/plain' },
  };
  for (const [what, headers] of Object.entries(refused))
    t.match(await create(headers), { status: 403, body: { error: { code: 'csrf' } } }, what);
  t.equal((await http.get('/api/services', await adminKey(world))).body['total'], 0);
  t.equal((await create({ ...token, origin: PANEL })).status, 201);
  const sameSite = { ...token, 'sec-fetch-site': 'same-origin' };
  t.equal((await person.send('DELETE', '/api/services/svc_no', sameSite)).status, 404, 'a browser without Origin');
});

const adminKey = async (world: Awaited<ReturnType<typeof startPanel>>['world']): Promise<string> =>
  (await world.app.keys.create(ADMIN, { name: 'k', permissions: ['*'] })).secret;

t.test('A28: every write that a route takes asks for it', async (t) => {
  const { world, http } = await startPanel(t);
  const person = await openSession(world, http);
  const { body: document } = await http.get<{ paths: Record<string, object> }>('/api/openapi.json', null);
  for (const [path, methods] of Object.entries(document.paths))
    for (const method of Object.keys(methods).filter((name) => !['get', 'parameters'].includes(name))) {
      const answer = await person.send(method.toUpperCase(), path.replaceAll(/\{\w+\}/g, 'x'), { origin: PANEL });
      t.match(answer, { status: 403, body: { error: { code: 'csrf' } } }, `${method} ${path}`);
    }
});

t.test('A28: a call with a key is exempt, wherever it comes from and whatever cookie comes along', async (t) => {
  const { world, http, key } = await startPanel(t);
  const person = await openSession(world, http, { permissions: ['services.read'] });
  const headers = { authorization: `Bearer ${key}`, origin: 'https://evil.example' };
  t.equal((await person.send('POST', '/api/auth/tickets', headers)).status, 201);
  t.match(await person.send('GET', '/api/auth/me', { authorization: `Bearer ${key}` }), { body: { name: 'admin' } });
  const wrong = await person.send('GET', '/api/services', { authorization: 'Bearer lsk_wrong' });
  t.equal(wrong.status, 401, 'the cookie does not stand in for a key that is wrong');
});

t.test('A29: an upgrade with a cookie from another origin is refused before it happens', async (t) => {
  const { world, http, key } = await startPanel(t);
  // oxlint-disable-next-line eslint/require-yield -- a log without lines
  http.frames = async function* () {
    await new Promise(() => {});
  };
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const person = await openSession(world, http);
  const foreign = { status: 403, body: { error: { code: 'csrf' } } };
  for (const path of ['/api/ws', `/api/services/${id}/logs?follow=true`]) {
    for (const origin of ['https://evil.example', 'null', 'http://panel.example.com', 'https://shop.example.com'])
      t.match(await person.socket(path, { origin }).opened, foreign, `${path} ${origin}`);
    t.match(await person.socket(path, {}).opened, foreign, `${path} without an origin`);
    t.match(await person.socket(path, { 'sec-fetch-site': 'same-origin' }).opened, foreign);
    t.equal(await person.socket(path).opened, true, path);
  }
  const explicit = person.socket(`/api/ws?api_key=${key}`, { origin: 'https://evil.example' });
  t.equal(await explicit.opened, true, 'a key in the URL counts before the cookie');
});

t.test('/api/ws opens by cookie, by header, by a key in the URL and by a ticket', async (t) => {
  const { world, http, key } = await startPanel(t);
  const person = await openSession(world, http);
  const ticketOf = async (answer: Promise<{ body: { ticket: string } }>) => (await answer).body.ticket;
  const own = await ticketOf(person.call('POST', '/api/auth/tickets'));
  const ofKey = await ticketOf(http.call('POST', '/api/auth/tickets', { key }));
  const sockets = [
    person.socket(),
    http.socket('/api/ws', { key: null, headers: { authorization: `Bearer ${key}` } }),
    http.socket('/api/ws', { key }),
    http.socket(`/api/ws?ticket=${ofKey}`, { key: null }),
    http.socket(`/api/ws?ticket=${own}`, { key: null, headers: { origin: 'https://dashboard.example' } }),
  ];
  for (const { opened } of sockets) t.equal(await opened, true);
  t.match(await http.socket('/api/ws', { key: null }).opened, { status: 401 });
  await world.app.sessions.revoke(ADMIN, (await person.session()).id);
  t.match(await sockets[4]?.closed, { code: 4401 }, 'a ticket lives no longer than the session it came from');
});

t.test('a page opens its socket with the cookie and hears what the person may see', async (t) => {
  const { world, http } = await startPanel(t);
  const host = await world.joinAndConnect();
  const { id: customerId } = await world.app.customers.create(ADMIN, { name: 'One' });
  const person = await openSession(world, http, { permissions: ['services.read'], customerId });
  const socket = person.socket();
  t.equal(await socket.opened, true);
  await world.deployed(host, 'theirs');
  const own = await world.deployed(host, 'own', { customerId });
  await socket.until(({ type, status }) => type === 'service.status' && status === 'running');
  t.ok(socket.messages.every((message) => message['service_id'] === own));
});

t.test('a person sees and ends their own sessions, and those of all with the permissions for keys', async (t) => {
  const { world, http, key } = await startPanel(t);
  const read = { permissions: ['services.read' as const] };
  const one = await openSession(world, http, read);
  world.clock.advance(1);
  const two = await openSession(world, http, read);
  const other = await openSession(world, http, { subject: 'bob', ...read });
  const list = async (who: typeof one) =>
    (await who.call<{ data: (Session & { is_current: boolean })[] }>('GET', '/api/auth/sessions')).body.data;
  const seen = await list(one);
  t.strictSame(
    seen.map(({ subject, is_current: isCurrent }) => [subject, isCurrent]),
    [
      ['ada', false],
      ['ada', true],
    ],
    'the newest first',
  );
  t.notOk(JSON.stringify(seen).includes('lss_'));
  const idOf = async (who: typeof one) => (await who.session()).id;
  const bob = await idOf(other);
  t.match(await one.error('DELETE', `/api/auth/sessions/${bob}`), { status: 404, code: 'not_found' });
  t.equal((await one.call('DELETE', `/api/auth/sessions/${await idOf(two)}`)).status, 204);
  t.match(await two.error('GET', '/api/auth/session'), { status: 401 });
  t.match(await http.get('/api/auth/sessions', key), { status: 200, body: { total: 2 } });
  const socket = other.socket();
  t.equal(await socket.opened, true);
  t.equal((await http.call('DELETE', `/api/auth/sessions/${bob}`, { key })).status, 204);
  t.match(await socket.closed, { code: 4401 });
  t.match(await http.error('GET', '/api/auth/session', { key }), { status: 401, message: /There is no session/ });
  t.match(await http.error('POST', '/api/auth/logout', { key }), { status: 401 });
});

t.test('whoever is bound to a customer sees and ends no sessions of others', async (t) => {
  const { world, http } = await startPanel(t);
  const theirs = await openSession(world, http, { subject: 'eve', customerId: 'cust_b' });
  const admin = await openSession(world, http, { subject: 'root' });
  const bound = { name: 'b', permissions: ['*' as const] };
  const keys = [
    await world.app.keys.create(ADMIN, { ...bound, customerId: await world.customer('a') }),
    await world.app.keys.create(ADMIN, { ...bound, hostLabels: { zone: 'eu' } }),
  ];
  for (const { secret: key } of keys) {
    t.match(await http.get('/api/auth/sessions', key), { body: { total: 0, data: [] } });
    for (const who of [theirs, admin]) {
      const path = `/api/auth/sessions/${(await who.session()).id}`;
      t.match(await http.error('DELETE', path, { key }), { status: 404 });
    }
  }
});

t.test('a session is counted, limited and remembered like a key', async (t) => {
  const limited = { publicUrl: PANEL, rateLimits: { anonymous: 100, authenticated: 6, deploy: 1 } };
  const { world, http } = await startRealHttp(t, { config: limited });
  await world.joinAndConnect();
  const person = await openSession(world, http);
  const create = () => person.call('POST', '/api/services', { 'idempotency-key': 'once' }, composeBody('web'));
  const made = await create();
  t.match([made.status, made.headers.get('x-ratelimit-limit')], [201, '1']);
  t.match(await create(), { status: 429, body: { error: { code: 'rate_limited' } } });
  t.match((await person.call('GET', '/api/auth/session')).headers.get('x-ratelimit-remaining'), '3');
});

t.test('a key or session that ends during the handshake gets no socket that lives', async (t) => {
  const { world, http } = await startPanel(t);
  const person = await openSession(world, http);
  const { id } = await person.session();
  const isLive = world.app.sessions.isLive.bind(world.app.sessions);
  let asked = 0;
  // The first question comes after the upgrade: by then it was revoked.
  world.app.sessions.isLive = (it) => (asked++, isLive(it) && it !== id);
  const socket = person.socket();
  t.match(await socket.closed, { code: 4401 });
  t.equal(asked, 1);
});
