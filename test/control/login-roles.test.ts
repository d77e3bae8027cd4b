// What a login says of sessions that are open already: the provider has the last word on what a person may do.
import t from 'tap';
import { startLoginWorld } from '../support/login-world.ts';
import { openSession } from '../support/person.ts';

t.test('a login that gives less ends the sessions that may more', async (t) => {
  const people = { kim: { groups: ['admins', 'viewers'] }, ada: { groups: ['admins'] } };
  const login = await startLoginWorld(t, { people });
  const [before, other] = [await login.loggedIn('kim'), await login.loggedIn('ada')];
  const socket = before.socket();
  t.equal(await socket.opened, true);
  people.kim.groups = ['viewers'];
  const after = await login.loggedIn('kim');
  t.match(await before.error('GET', '/api/auth/session'), { status: 401 });
  t.match(await socket.closed, { code: 4401 });
  t.match(await after.session(), { permissions: ['services.read', 'services.logs'] });
  t.match(await other.session(), { subject: 'ada' });
});

t.test('a login that gives as much or more leaves the others alone', async (t) => {
  const people = { kim: { groups: ['viewers'] } };
  const login = await startLoginWorld(t, { people });
  const first = await login.loggedIn('kim');
  const second = await login.loggedIn('kim');
  people.kim.groups = ['viewers', 'admins'];
  const third = await login.loggedIn('kim');
  for (const person of [first, second, third]) t.match(await person.session(), { subject: 'kim' });
});

t.test('a login for another customer ends the sessions for the one before', async (t) => {
  const people = { kim: { groups: ['viewers'], tenant: 'cust_a' } };
  const login = await startLoginWorld(t, { people, rules: { customerClaim: 'tenant' } });
  const before = await login.loggedIn('kim');
  people.kim.tenant = 'cust_b';
  await login.loggedIn('kim');
  t.match(await before.error('GET', '/api/auth/session'), { status: 401 });
});

t.test('who is refused keeps no session from when they were not', async (t) => {
  const people = { kim: { groups: ['admins'] } };
  const login = await startLoginWorld(t, { people });
  const before = await login.loggedIn('kim');
  const namesake = await openSession(login.world, login.http, { subject: 'kim' }); // at another issuer
  people.kim.groups = [];
  const browser = login.browser();
  t.equal((await browser.send((await login.answerFor(browser, 'kim')).href)).status, 403);
  t.match(await before.error('GET', '/api/auth/session'), { status: 401 });
  t.match(await namesake.session(), { subject: 'kim' });
});
