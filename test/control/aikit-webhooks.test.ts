// AIKit's webhooks: made by its route, told in its words, signed with the secret that was given.
import { createHmac } from 'node:crypto';
import t from 'tap';
import { Webhook as Verifier } from 'standardwebhooks';
import { ADMIN } from '../support/control-world.ts';
import { reportOf } from '../support/fake-host.ts';
import { startRealHttp } from '../support/real-http.ts';
import { startReceiver } from '../support/webhook-receiver.ts';
import { startWebhooks } from '../support/webhook-world.ts';

const SECRET = 'your-webhook-secret';
const PATH = '/aikit/api/webhooks';

interface Message {
  event: string;
  data: Record<string, unknown>;
}

t.test('its webhooks hear what they asked for, and can tell who calls', async (t) => {
  const { world, http, key } = await startRealHttp(t, { world: startWebhooks(t) });
  const [all, errors] = [await startReceiver(t), await startReceiver(t)];
  const make = (url: string, events: string[]) =>
    http.call<{ data: { id: string } }>('POST', PATH, { key, body: { url, events, secret: SECRET } });
  const made = await make(all.url, ['service:start', 'service:stop', 'service:error']);
  t.match([made.status, made.body], [200, { success: true, data: { url: all.url, events: ['service:start'] } }]);
  t.notMatch(JSON.stringify(made.body), SECRET);
  await make(errors.url, ['service:error']);

  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'shop', { displayName: 'The shop' });
  await all.until(1);
  await host.tell({ kind: 'service.report', report: reportOf(id, { lifecycle: 'stopped' }) });
  await all.until(2);
  await host.tell({ kind: 'service.report', report: reportOf(id, { lifecycle: 'failed', reason: 'it broke' }) });
  await all.until(3);
  const messages = all.received.map(({ body }) => JSON.parse(body) as Message);
  t.same(
    messages.map(({ event }) => event),
    ['service:start', 'service:stop', 'service:error'],
  );
  t.match(messages[2], { data: { id: 'shop', name: 'The shop', status: 'stopped', host: 'one', message: 'it broke' } });
  t.same(
    (await errors.until(1)).map(({ body }) => (JSON.parse(body) as Message).event),
    ['service:error'],
    'nothing else was asked for',
  );
  for (const { body, headers } of all.received) {
    const signature = createHmac('sha256', SECRET).update(body).digest('hex');
    t.equal(headers['x-webhook-signature'], `sha256=${signature}`);
    t.ok(new Verifier(SECRET, { format: 'raw' }).verify(body, headers as Record<string, string>), 'as our own, too');
  }
  const own = world.app.webhooks.require(ADMIN, made.body.data.id);
  t.match(own, { format: 'aikit', url: all.url }, 'it is one of ours');
});

t.test('what is no webhook of its document is refused in its envelope', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const url = 'https://example.com/hook';
  const events = ['service:start'];
  const bodies = [{}, { url }, { url, events: [] }, { url, events: ['deploy.failed'] }, { url, events, secret: '' }, 7];
  for (const body of [...bodies, { url: 'http://127.0.0.1/hook', events }])
    t.match(await http.call('POST', PATH, { key, body }), { status: 400, body: { success: false, error: /./ } });
  const made = await http.call('POST', PATH, { key, body: { url, events } });
  t.match(made.body, { success: true, data: { secret: /^whsec_/ } }, 'without a secret one is made, and shown once');
  const { secret: mute } = await world.app.keys.create(ADMIN, { name: 'k', permissions: ['webhooks.create'] });
  t.equal(
    (await http.call('POST', PATH, { key: mute, body: { url, events } })).status,
    403,
    'no more than it may read',
  );
});
