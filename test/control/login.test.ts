// Login by a real OpenID provider, headless: from the first redirect to the logout, and everything that may go wrong.
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { LOGIN_LIFE_MS } from '../../control/app/access/login.ts';
import { ADMIN } from '../support/control-world.ts';
import type { Browser } from '../support/browser.ts';
import type { ErrorBody } from '../support/http-server.ts';
import { startLoginWorld, type LoginWorld } from '../support/login-world.ts';
import { CLIENT } from '../support/oidc.ts';
import { PANEL, SESSION_COOKIE } from '../support/person.ts';
import { startRealHttp } from '../support/real-http.ts';

const LOGIN = `${PANEL}/api/auth/login`;

/** The error a browser is shown at `url`; nobody is logged in by it. */
async function refusal(t: Test, login: LoginWorld, browser: Browser, url: URL | string) {
  const before = countSessions(login);
  const { status, text, headers } = await browser.send(String(url));
  t.equal(countSessions(login), before, 'no session is made');
  t.equal(
    headers.getSetCookie().some((cookie) => cookie.startsWith(SESSION_COOKIE)),
    false,
  );
  return { status, ...(JSON.parse(text) as ErrorBody).error };
}

const countSessions = ({ world }: LoginWorld) => world.stores.sessions.list({ page: 1, perPage: 1 }).total;

const withParameter = (url: URL, name: string, value: string | null): URL => {
  const changed = new URL(url);
  if (value === null) changed.searchParams.delete(name);
  else changed.searchParams.set(name, value);
  return changed;
};

const STATE_INVALID = { status: 400, code: 'oidc_state_invalid' };

t.test('a person logs in at the provider and is sent on to where they wanted to go', async (t) => {
  const login = await startLoginWorld(t);
  const browser = login.browser();
  const begun = await browser.send(`${LOGIN}?return_to=/there`);
  const asked = Object.fromEntries(new URL(begun.headers.get('location') ?? '').searchParams);
  const wanted = { response_type: 'code', code_challenge_method: 'S256', scope: 'openid profile email' };
  t.match(asked, { ...wanted, redirect_uri: `${PANEL}/api/auth/callback`, client_id: CLIENT.id });
  for (const name of ['state', 'nonce', 'code_challenge']) t.match(asked[name], /^[\w-]{43}$/, name);
  const answered = await browser.send((await login.answerFor(browser, 'ada')).href);
  t.equal(answered.status, 302);
  t.equal(answered.headers.get('location'), '/there');
  const person = await login.loggedIn('ada', browser);
  const { status, body } = await person.call('GET', '/api/auth/session');
  const shown = {
    name: 'Name of ada',
    email: 'ada@example.com',
    subject: 'ada',
    permissions: ['*'],
    customer_id: null,
  };
  t.match({ status, ...body }, { status: 200, ...shown, csrf_token: /^[\w-]{43}$/, address: '127.0.0.1' });
  t.match(await person.call('GET', '/api/services'), { status: 200 });
});

t.test('nothing is asked of the provider before somebody logs in', async (t) => {
  const login = await startLoginWorld(t);
  await login.http.get('/api/services', await login.adminKey());
  t.strictSame(login.provider.requests, []);
});

t.test('A24: an answer with a state that is missing, made up or changed opens nothing', async (t) => {
  const login = await startLoginWorld(t);
  const browser = login.browser();
  const callback = await login.answerFor(browser, 'ada');
  for (const state of [null, '', 'x'.repeat(43)])
    t.match(await refusal(t, login, browser, withParameter(callback, 'state', state)), STATE_INVALID, String(state));
  t.equal((await browser.send(callback.href)).status, 302, 'the true one still does');
});

t.test('A24: a state is good for one answer, also when that failed', async (t) => {
  const login = await startLoginWorld(t);
  const browser = login.browser();
  const callback = await login.answerFor(browser, 'ada');
  t.equal((await browser.send(callback.href)).status, 302);
  t.match(await refusal(t, login, browser, callback), STATE_INVALID, 'replayed');
  const spent = await login.answerFor(browser, 'ada');
  t.match(await refusal(t, login, browser, withParameter(spent, 'code', null)), STATE_INVALID);
  t.match(await refusal(t, login, browser, spent), STATE_INVALID, 'the answer without a code was the one');
});

t.test('A24: the answer of one browser opens nothing in another', async (t) => {
  const login = await startLoginWorld(t);
  const [victim, attacker] = [login.browser(), login.browser()];
  const callback = await login.answerFor(attacker, 'ada');
  t.match(await refusal(t, login, victim, callback), STATE_INVALID, 'a browser that began nothing');
  await victim.send(LOGIN);
  const another = await login.answerFor(attacker, 'ada');
  t.match(await refusal(t, login, victim, another), STATE_INVALID, 'a browser that began something else');
});

t.test('A24: an answer later than ten minutes opens nothing', async (t) => {
  const login = await startLoginWorld(t);
  const browser = login.browser();
  const [early, late] = [await login.answerFor(browser, 'ada'), await login.answerFor(browser, 'ada')];
  login.world.clock.advance(LOGIN_LIFE_MS - 1);
  t.equal((await browser.send(early.href)).status, 302, 'two tabs may log in at once');
  login.world.clock.advance(1);
  t.match(await refusal(t, login, browser, late), STATE_INVALID);
});

t.test('A24: an ID token with another nonce opens nothing', async (t) => {
  const login = await startLoginWorld(t);
  const browser = login.browser();
  const callback = await login.answerFor(browser, 'ada', (url) => url.searchParams.set('nonce', 'of-another-login'));
  t.match(await refusal(t, login, browser, callback), STATE_INVALID);
});

t.test('A24: a code that was made for another PKCE verifier opens nothing', async (t) => {
  const login = await startLoginWorld(t);
  const [victim, attacker] = [login.browser(), login.browser()];
  const stolen = await login.answerFor(attacker, 'ada');
  const callback = await login.answerFor(victim, 'vera');
  const injected = withParameter(callback, 'code', stolen.searchParams.get('code'));
  t.match(await refusal(t, login, victim, injected), STATE_INVALID);
});

t.test('A24: a code that was used before opens nothing', async (t) => {
  const login = await startLoginWorld(t);
  const browser = login.browser();
  const first = await login.answerFor(browser, 'ada');
  await browser.send(first.href);
  const second = await login.answerFor(browser, 'ada');
  t.match(
    await refusal(t, login, browser, withParameter(second, 'code', first.searchParams.get('code'))),
    STATE_INVALID,
  );
});

t.test('A24: an answer in the name of another issuer opens nothing', async (t) => {
  const login = await startLoginWorld(t);
  const browser = login.browser();
  const callback = await login.answerFor(browser, 'ada');
  t.equal(callback.searchParams.get('iss'), login.provider.issuer);
  const mixedUp = withParameter(callback, 'iss', 'https://evil.example');
  t.match(await refusal(t, login, browser, mixedUp), { status: 502, code: 'oidc_failed' });
});

t.test('A24: neither log nor database shows a code, a state, a token or a secret', async (t) => {
  const login = await startLoginWorld(t);
  const browser = login.browser();
  const callback = await login.answerFor(browser, 'ada');
  const person = await login.loggedIn('ada', browser);
  await browser.send(withParameter(await login.answerFor(browser, 'ada'), 'code', 'wrong').href);
  await browser.send(`${PANEL}/api/nothing${callback.search}`);
  const { state, code } = Object.fromEntries(callback.searchParams);
  const secret = browser.cookie(PANEL, SESSION_COOKIE)?.value;
  const idToken = login.world.stores.sessions.findIdToken((await person.session()).id);
  t.ok(login.providerLog.length > 0, 'a failure at the provider is logged');
  const files = ['control.db', 'control.db-wal'].map((name) => readFileSync(join(login.world.dir, name), 'latin1'));
  const seen = [...login.http.logLines, ...login.providerLog, ...files].join('\n');
  t.ok(seen.includes('Name of ada'), 'what is no secret is found');
  for (const canary of [state, code, secret, idToken, CLIENT.secret]) {
    t.ok(canary !== undefined && canary.length > 20);
    t.notOk(seen.includes(canary ?? ''));
  }
});

t.test('who has no mapped permission is told so and gets no session', async (t) => {
  const login = await startLoginWorld(t);
  const browser = login.browser();
  const callback = await login.answerFor(browser, 'nora');
  const refused = await refusal(t, login, browser, callback);
  t.match(refused, {
    status: 403,
    code: 'forbidden',
    details: 'No value of the claim "groups" stands for a permission here',
  });
});

t.test('permissions come from the claim that is set, and a claim binds to a customer', async (t) => {
  const people = { kim: { realm_access: { roles: ['viewers'] }, tenant: 'cust_k' } };
  const rules = { permissionsClaim: 'realm_access.roles', customerClaim: 'tenant' };
  const login = await startLoginWorld(t, { people, rules });
  const person = await login.loggedIn('kim');
  t.match(await person.session(), { permissions: ['services.read', 'services.logs'], customer_id: 'cust_k' });
  const host = await login.world.joinAndConnect();
  const other = await login.world.app.customers.create(ADMIN, { name: 'Other' });
  const foreign = await login.world.deployed(host, 'theirs', { customerId: other.id });
  t.match(await person.error('GET', `/api/services/${foreign}`), { status: 404 });
  t.match(await person.error('POST', `/api/services/${foreign}/stop`), {
    status: 403,
    details: 'Needs services.update',
  });
});

t.test('a person who refuses at the provider, or whom it refuses, is not let in', async (t) => {
  const login = await startLoginWorld(t);
  const browser = login.browser();
  const callback = withParameter(await login.answerFor(browser, 'ada'), 'error', 'access_denied');
  t.match(await refusal(t, login, browser, withParameter(callback, 'code', null)), {
    status: 502,
    code: 'oidc_failed',
    details: 'access_denied',
  });
});

type Fault = (request: IncomingMessage, response: ServerResponse) => void;
const AWAY: Record<string, Fault> = {
  'closes the connection': (request) => request.socket.destroy(),
  'says 503': (_, response) => response.writeHead(503).end('down'),
};

for (const [what, fault] of Object.entries(AWAY)) {
  t.test(`a provider that ${what} is a 503, and the next login works`, async (t) => {
    const login = await startLoginWorld(t);
    const browser = login.browser();
    login.provider.answer(fault);
    const away = { status: 503, code: 'unavailable', message: 'The identity provider does not answer' };
    t.match(await refusal(t, login, browser, LOGIN), away);
    login.provider.answer(undefined);
    const callback = await login.answerFor(browser, 'ada');
    login.provider.answer(fault);
    t.match(await refusal(t, login, browser, callback), away, 'between the redirect and the answer');
    login.provider.answer(undefined);
    t.match(await (await login.loggedIn('ada', browser)).session(), { subject: 'ada' });
  });
}

t.test('a provider that is another one than was configured is refused', async (t) => {
  const login = await startLoginWorld(t);
  login.provider.answer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ issuer: 'https://evil.example', authorization_endpoint: 'https://evil.example/' }));
  });
  t.match(await refusal(t, login, login.browser(), LOGIN), { status: 502, code: 'oidc_failed' });
});

t.test('without a configured provider there is no login', async (t) => {
  const { http } = await startRealHttp(t);
  t.match(await http.error('GET', '/api/auth/login', { key: null }), { status: 501, code: 'not_supported' });
  t.match(await http.error('GET', '/api/auth/callback?state=x&code=y', { key: null }), { status: 501 });
});

t.test('after the login a browser goes to a path of ours and nowhere else', async (t) => {
  const login = await startLoginWorld(t);
  for (const place of ['https://evil.example/', '//evil.example', '/\\evil.example', '/.//evil.example', 'x', '']) {
    const { status, text } = await login.browser().send(`${LOGIN}?return_to=${encodeURIComponent(place)}`);
    t.match({ status, ...(JSON.parse(text) as ErrorBody).error }, { status: 400, code: 'invalid_query' }, place);
  }
});

t.test('a logout ends the session here and gives the page that ends it at the provider', async (t) => {
  const login = await startLoginWorld(t);
  const person = await login.loggedIn('ada');
  const { cookie } = person;
  const { status, body, headers } = await person.call<{ logout_url: string }>('POST', '/api/auth/logout');
  t.equal(status, 200);
  const page = new URL(body.logout_url);
  t.equal(page.origin, login.provider.issuer);
  t.equal(page.searchParams.get('post_logout_redirect_uri'), `${PANEL}/`);
  t.match(page.searchParams.get('id_token_hint'), /^eyJ/);
  t.match(headers.getSetCookie()[0], /^__Host-longshore_session=; Max-Age=0; Path=\/;/);
  t.match(await login.http.error('GET', '/api/auth/session', { key: null, headers: { cookie } }), { status: 401 });
});

t.test('the audit log knows who logged in, who was refused and who left', async (t) => {
  const login = await startLoginWorld(t);
  const person = await login.loggedIn('ada');
  const { id } = await person.session();
  await person.call('POST', '/api/auth/logout');
  await login.browser().send((await login.answerFor(login.browser(), 'nora')).href);
  const entries = login.world.app.audit.list(ADMIN, { page: 1, perPage: 9, order: 'asc' }).items;
  const ada = { actorKind: 'session', actorId: id, actorName: 'Name of ada' };
  t.match(
    entries.filter(({ action }) => action.startsWith('auth.')),
    [
      { ...ada, action: 'auth.login', targetId: id, result: 'ok' },
      { ...ada, action: 'auth.logout', result: 'ok' },
      { actorKind: 'anonymous', action: 'auth.login', result: 'refused', code: 'oidc_state_invalid' },
    ],
  );
});

t.test('a logout works when the provider has no page for it', async (t) => {
  const plain = await startLoginWorld(t, {
    provider: { features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: false } } },
  });
  const person = await plain.loggedIn('ada');
  t.match(await person.call('POST', '/api/auth/logout'), { status: 200, body: { logout_url: null } });
  t.equal(countSessions(plain), 0);
});
