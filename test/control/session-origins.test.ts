// What our own origin is when nobody configured it: the host that was asked for, or what a trusted proxy says it was.
import t, { type Test } from 'tap';
import { openSession, PANEL } from '../support/person.ts';
import { startRealHttp } from '../support/real-http.ts';

/** Status of a write with a session and its token, as a page of `origin` sends it. */
async function startWithoutUrl(t: Test, trustedProxy: string[] = []) {
  const { world, http } = await startRealHttp(t, { config: { trustedProxy } });
  const person = await openSession(world, http);
  const token = { 'x-csrf-token': await person.csrfToken() };
  const write = async (origin: string, more: Record<string, string> = {}) =>
    (await person.send('POST', '/api/auth/tickets', { ...token, origin, ...more })).status;
  return { http, person, write };
}

const SAID_BY_PROXY = { 'x-forwarded-host': 'panel.example.com', 'x-forwarded-proto': 'https' };

t.test('A28: without a public URL our origin is the host that was asked for', async (t) => {
  const { http, write } = await startWithoutUrl(t);
  t.equal(await write(http.url), 201);
  t.equal(await write(PANEL), 403);
  t.equal(await write(http.url.replace('http:', 'https:')), 403);
  t.equal(await write(`http://127.0.0.1:${http.port + 1}`), 403, 'another port is another page');
});

t.test('A28: behind a trusted proxy our origin is what that says', async (t) => {
  const { http, person, write } = await startWithoutUrl(t, ['127.0.0.0/8']);
  t.equal(await write(PANEL, SAID_BY_PROXY), 201);
  t.equal(await write(http.url, SAID_BY_PROXY), 403);
  const upgrade = person.socket('/api/ws', { origin: PANEL, ...SAID_BY_PROXY });
  t.equal(await upgrade.opened, true);
  const foreign = person.socket('/api/ws', { origin: 'https://evil.example', ...SAID_BY_PROXY });
  t.match(await foreign.opened, { status: 403, body: { error: { code: 'csrf' } } });
});

t.test('A28: what anybody else forwards does not make their page ours', async (t) => {
  const { http, person, write } = await startWithoutUrl(t, ['192.0.2.0/24']);
  t.equal(await write(PANEL, SAID_BY_PROXY), 403);
  t.equal(await write(http.url, SAID_BY_PROXY), 201);
  const upgrade = person.socket('/api/ws', { origin: PANEL, ...SAID_BY_PROXY });
  t.match(await upgrade.opened, { status: 403 });
});
