// Many downloads at once, and readers that take nothing: over real sockets, with limits that a test can reach.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Fastify from 'fastify';
import t, { type Test } from 'tap';
import { toLongshoreError } from '#shared/errors.ts';
import { Downloads } from '../../control/http/downloads.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';

/** More than the buffers of two sockets on this machine hold. */
const LARGE_BYTES = 64 << 20;

async function serve(t: Test, limits: { atOnce?: number; stallMs?: number }) {
  const path = join(makeFolder(t, 'downloads'), 'large.bin');
  writeFileSync(path, Buffer.alloc(LARGE_BYTES));
  const downloads = new Downloads(limits);
  const http = Fastify({ forceCloseConnections: true });
  http.setErrorHandler((error, _request, reply) => {
    const { status, code, retryAfter } = toLongshoreError(error);
    return reply.code(status).send({ code, retryAfter });
  });
  const file = { name: 'large.bin', path, size: LARGE_BYTES, sha256: 'a' };
  http.get('/', (request, reply) => downloads.send(file, request, reply));
  const url = await http.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(() => http.close());
  return url;
}

/** Asks for the file, and after the first bytes takes nothing more. */
async function startReading(t: Test, url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'readable');
  socket.read(1);
  return socket;
}

t.test('so many read at once; the next comes later, and HEAD at any time', async (t) => {
  const url = await serve(t, { atOnce: 2 });
  const first = await startReading(t, url);
  await startReading(t, url);
  const refused = await fetch(url);
  t.equal(refused.status, 503);
  t.match(await refused.json(), { code: 'unavailable', retryAfter: 10 });
  t.equal((await fetch(url, { method: 'HEAD' })).status, 200);

  first.destroy();
  const isFree = async () => {
    const answer = await fetch(url);
    const { byteLength } = await answer.arrayBuffer();
    return answer.status === 200 && byteLength === LARGE_BYTES;
  };
  t.ok(await eventually(isFree), 'the next has all of it');
});

t.test('a reader that takes nothing is let go', async (t) => {
  const url = await serve(t, { atOnce: 1, stallMs: 100 });
  await startReading(t, url);
  await eventually(async () => {
    const answer = await fetch(url);
    await answer.body?.cancel();
    return answer.status === 200;
  });
  t.pass('its place is free');
});
