// Whom Caddy asks before it wants a certificate. Everybody on the host may ask there.
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startAskServer } from '../../agent/ingress/ask-server.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';

const OURS = ['a.example.com', 'b.example.com', 'broken.example.com'];

async function start(t: Test, mayIssue: (hostname: string) => Promise<boolean>) {
  const clock = new ManualClock();
  const ours = new Set(OURS);
  const portFile = join(makeFolder(t, 'agent'), 'edge/ask-port');
  const server = await startAskServer({ isOurs: (hostname) => ours.has(hostname), mayIssue, portFile, clock });
  t.teardown(() => server.close());
  const ask = async (hostname: string) => (await fetch(`${server.url}?domain=${hostname}`)).status;
  return { clock, ours, portFile, server, ask };
}

t.test('yes, no, and no answer at all', async (t) => {
  const { ask } = await start(t, async (hostname) => {
    if (hostname === 'broken.example.com') throw new TypeError('no');
    return hostname === 'a.example.com';
  });
  t.same([await ask('a.example.com'), await ask('b.example.com'), await ask('broken.example.com')], [200, 403, 503]);
});

t.test('an answer is kept for a while', async (t) => {
  const asked: string[] = [];
  const { clock, ask } = await start(t, async (hostname) => {
    asked.push(hostname);
    return hostname === 'a.example.com';
  });
  for (const name of ['a.example.com', 'b.example.com', 'a.example.com', 'b.example.com']) await ask(name);
  t.same(asked, ['a.example.com', 'b.example.com']);
  clock.advance(11_000);
  for (const name of ['a.example.com', 'b.example.com']) await ask(name);
  t.same(asked, ['a.example.com', 'b.example.com', 'b.example.com'], 'a no for a shorter one');
});

t.test('a name that is new is no stranger any more, however often it was asked for', async (t) => {
  const { ours, ask } = await start(t, async () => true);
  t.equal(await ask('new.example.com'), 403);
  ours.add('new.example.com');
  t.equal(await ask('new.example.com'), 200);
});

t.test('its port stays over a restart, unless somebody else has it by then', async (t) => {
  const { server, portFile } = await start(t, async () => true);
  const again = () =>
    startAskServer({ isOurs: () => true, mayIssue: async () => true, portFile, clock: new ManualClock() });
  const beside = await again();
  t.not(beside.url, server.url, 'taken');
  await beside.close();
  const later = await again();
  t.equal(later.url, beside.url);
  await later.close();
});

t.test('what is no question is answered, and harms nobody', async (t) => {
  const { server, ask } = await start(t, async () => true);
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.write('GET // HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  const [reply] = (await once(socket, 'data')) as [Buffer];
  t.match(reply.toString(), /^HTTP\/1\.1 403 /);
  t.equal(await ask('a.example.com'), 200);
});
