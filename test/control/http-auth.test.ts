// Who may call what, and where a key may stand.
import t from 'tap';
import { Tickets, TICKET_LIFE_MS } from '../../control/http/tickets.ts';
import { FakeApp } from '../support/fake-app.ts';
import { startTestHttp, type ErrorBody } from '../support/http-server.ts';

t.test('A16: a missing, malformed, unknown or revoked key gets the same answer', async (t) => {
  const http = await startTestHttp(t);
  const revoked = http.app.addKey('lsk_gone', ['*']);
  await http.app.keys.revoke(revoked, revoked.keyId);
  const long = `Bearer ${'x'.repeat(5000)}`;
  const headers = [undefined, 'Bearer', 'Basic bHNrOg==', 'Bearer a b', 'Bearer lsk_no', long, 'Bearer lsk_gone'];
  for (const header of headers) {
    const answer = await http.call<ErrorBody>('GET', '/api/services', {
      key: null,
      ...(header !== undefined && { headers: { authorization: header } }),
    });
    t.equal(answer.status, 401);
    const error = { code: 'unauthorized', message: 'Missing or invalid API key', request_id: '' };
    t.strictSame({ ...answer.body.error, request_id: '' }, error, header?.slice(0, 20) ?? 'none');
    t.equal(answer.headers.get('www-authenticate'), 'Bearer');
  }
});

t.test('who may not call is told so before the body is read', async (t) => {
  const http = await startTestHttp(t);
  t.match(await http.error('POST', '/api/services', { key: null, body: '{bad' }), { status: 401 });
  http.app.addKey('lsk_reader', ['services.read']);
  t.match(await http.error('POST', '/api/services', { key: 'lsk_reader', body: '{bad' }), { status: 403 });
});

t.test('a key shows its secret once and can be revoked', async (t) => {
  const http = await startTestHttp(t);
  const body = { name: 'ci', permissions: ['services.read'] };
  const made = await http.post<{ id: string; secret: string }>('/api/auth/api-keys', body);
  t.match(made, { status: 201, body: { ...body, secret: /^lsk_/ } });
  t.notOk((await http.get('/api/auth/api-keys')).text.includes('secret'));
  const wrong = { name: 'x', permissions: ['services.fly', '*'] };
  const refused = await http.error('POST', '/api/auth/api-keys', { body: wrong });
  t.match(refused, { status: 422, fields: { 'permissions.0': /Not a permission/ } });
  t.equal((await http.call('DELETE', `/api/auth/api-keys/${made.body.id}`)).status, 204);
});

t.test('A20: a key in the URL of a REST call is refused, and no log line holds it', async (t) => {
  const http = await startTestHttp(t);
  for (const query of ['api_key=lsk_admin', 'a=1&api%5Fkey=lsk_admin', 'ticket=lst_secret', 'api_key='])
    for (const key of [null, 'lsk_admin']) {
      const refused = await http.error('GET', `/api/services?${query}`, { key });
      t.match(refused, { status: 400, code: 'credential_in_url' }, query);
    }
  const socket = http.socket('/api/ws');
  t.equal(await socket.opened, true);
  socket.ws.close();
  await socket.closed;
  await http.get('/api/nothing?api_key=lsk_admin');
  await http.get('/api/services/%zz?api_key=lsk_admin');
  t.ok(http.logLines.length > 0);
  t.notOk(http.logLines.some((line) => /lsk_admin|lst_secret/.test(line)));
});

t.test('A20: a ticket opens one WebSocket, once, for as long as its key lives', async (t) => {
  const http = await startTestHttp(t);
  const caller = http.app.addKey('lsk_page', ['services.read']);
  const makeTicket = async () =>
    (await http.call<{ ticket: string }>('POST', '/api/auth/tickets', { key: 'lsk_page' })).body.ticket;
  const ticket = await makeTicket();
  const first = http.socket(`/api/ws?ticket=${ticket}`, { key: null });
  t.equal(await first.opened, true);
  const second = http.socket(`/api/ws?ticket=${ticket}`, { key: null });
  t.match(await second.opened, { status: 401, body: { error: { code: 'unauthorized' } } });
  const late = await makeTicket();
  await http.app.keys.revoke(caller, caller.keyId);
  t.match(await http.socket(`/api/ws?ticket=${late}`, { key: null }).opened, { status: 401 });
  t.match(await first.closed, { code: 4401 });
});

t.test('A20: a ticket is worth nothing after 30 seconds', async (t) => {
  let now = 0;
  const tickets = new Tickets({ elapsed: () => 0, now: () => now, after: () => () => {} });
  const caller = new FakeApp().addKey('k', ['*']);
  const [early, late] = [tickets.issue(caller), tickets.issue(caller)];
  now = TICKET_LIFE_MS - 1;
  t.equal(tickets.redeem(early.ticket), caller);
  now = TICKET_LIFE_MS;
  t.equal(tickets.redeem(late.ticket), undefined);
});

t.test('a key holds at most 100 open tickets; the oldest goes', async (t) => {
  const tickets = new Tickets({ elapsed: () => 0, now: () => 0, after: () => () => {} });
  const caller = new FakeApp().addKey('k', ['*']);
  const issued = Array.from({ length: 101 }, () => tickets.issue(caller).ticket);
  t.equal(tickets.redeem(issued[0] as string), undefined);
  t.equal(tickets.redeem(issued[1] as string), caller);
});
