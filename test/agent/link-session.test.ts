// The loop alone: connections come from the test, time is moved by hand.
import t, { type Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { Scope } from '#shared/lifecycle.ts';
import { silentLogger } from '#shared/log.ts';
import { createIdentity } from '#shared/protocol/identity.ts';
import { createPeer } from '#shared/protocol/peer.ts';
import { CLOSE } from '#shared/protocol/limits.ts';
import type { Connection, ConnectOptions } from '../../agent/link/connection.ts';
import { startLink } from '../../agent/link/session.ts';
import { eventually } from '../support/eventually.ts';
import { hostReport } from '../support/host-report.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { noHandlers } from '../support/peer-pair.ts';
import { settle, socketPair, type MemorySocket } from '../support/socket-pair.ts';

interface Attempt {
  options: ConnectOptions;
  succeed(): MemorySocket;
  fail(error: Error): void;
}

const welcome = { type: 'welcome', hostId: 'host_1', epoch: 1, nextEventSeq: 1 } as const;

function start(t: Test) {
  const clock = new ManualClock();
  const scope = new Scope(silentLogger());
  const attempts: Attempt[] = [];
  const connect = (options: ConnectOptions) => {
    const connection = Promise.withResolvers<Connection>();
    options.signal.addEventListener('abort', () => connection.reject(options.signal.reason));
    attempts.push({
      options,
      fail: connection.reject,
      succeed() {
        const [socket, farSocket] = socketPair();
        const handlers = noHandlers();
        connection.resolve({ welcome, peer: createPeer({ socket, handlers, clock, log: silentLogger() }) });
        return farSocket;
      },
    });
    return connection.promise;
  };
  const link = startLink(
    {
      destination: { url: 'http://control', controlPin: 'pin', enrol: { tokenId: 'jtk_1', secret: 's' } },
      identity: createIdentity(),
      instanceId: 'agent-1',
      describe: () => Promise.resolve(hostReport()),
      handlers: noHandlers(),
      clock,
      log: silentLogger(),
      random: () => 1,
      connect,
    },
    scope,
  );
  const seen: string[] = [];
  link.onUp((_, { hostId }) => seen.push(`up ${hostId}`));
  link.onDown(({ code }) => seen.push(`down ${code}`));
  link.onRevoked(() => seen.push('revoked'));
  t.teardown(() => scope.stop());
  /** The newest attempt, once there are `count` of them. */
  const attempt = async (count: number): Promise<Attempt> => {
    await eventually(() => attempts.length, { until: (length) => length === count });
    return attempts[count - 1] as Attempt;
  };
  return { clock, scope, link, seen, attempts, attempt };
}

t.test('the link says when it is up and when it is down', async (t) => {
  const { link, seen, attempt } = start(t);
  t.equal(link.state, 'connecting');
  const far = (await attempt(1)).succeed();
  await eventually(() => link.state === 'up');
  t.ok(link.current?.isOpen);
  far.close(1001, '');
  await eventually(() => link.state === 'waiting');
  t.equal(link.current, undefined);
  t.equal(link.lastError?.code, 'link_closed');
  t.strictSame(seen, ['up host_1', 'down link_closed']);
});

t.test('it tries for ever, in growing windows', async (t) => {
  const { clock, attempts, attempt, link } = start(t);
  for (const [i, windowS] of [1, 2, 4, 8, 16, 32, 64, 64, 64].entries()) {
    (await attempt(i + 1)).fail(new LongshoreError('unavailable'));
    await eventually(() => link.state === 'waiting');
    await settle();
    clock.advance(windowS * 1000 - 1);
    await settle();
    t.equal(attempts.length, i + 1, `not before ${windowS} s`);
    clock.advance(1);
  }
  await attempt(10);
});

t.test(
  'a link that stood for 60 s starts with the shortest window, one that did not goes on where it was',
  async (t) => {
    const { clock, attempts, attempt, link } = start(t);
    const lose = async (count: number, afterMs: number) => {
      const far = (await attempt(count)).succeed();
      await eventually(() => link.state === 'up');
      clock.advance(afterMs);
      await settle();
      far.terminate();
      await eventually(() => link.state === 'waiting');
      await settle();
    };
    await lose(1, 59_999);
    clock.advance(1000);
    await lose(2, 59_999);
    clock.advance(1999);
    await settle();
    t.equal(attempts.length, 2, 'the second window is 2 s');
    clock.advance(1);
    await lose(3, 60_000);
    clock.advance(1000);
    await attempt(4);
  },
);

t.test('`retryAfter` is honoured', async (t) => {
  const { clock, attempts, attempt, link } = start(t);
  (await attempt(1)).fail(new LongshoreError('unavailable', { retryAfter: 30 }));
  await eventually(() => link.state === 'waiting');
  await settle();
  clock.advance(30_999);
  await settle();
  t.equal(attempts.length, 1);
  clock.advance(1);
  await attempt(2);
});

t.test('F48: a revoked host stops taking commands and asks again every five minutes', async (t) => {
  const { clock, attempts, attempt, link, seen } = start(t);
  const far = (await attempt(1)).succeed();
  await eventually(() => link.state === 'up');
  far.close(CLOSE.revoked, 'revoked');
  await eventually(() => link.state === 'revoked');
  t.equal(link.current, undefined);
  t.equal(link.lastError?.code, 'revoked');
  t.strictSame(seen, ['up host_1', 'down revoked', 'revoked']);
  await settle();
  clock.advance(300_000);
  await settle();
  t.equal(attempts.length, 1);
  clock.advance(1000);
  (await attempt(2)).fail(new LongshoreError('revoked'));
  await eventually(() => seen.length === 4);
  t.equal(seen.at(-1), 'revoked', 'told also at the door');
  await settle();
  clock.advance(302_000);
  (await attempt(3)).succeed();
  await eventually(() => link.state === 'up');
});

t.test('connections are counted, and the token is not shown again after the first welcome', async (t) => {
  const { clock, attempt, link } = start(t);
  (await attempt(1)).fail(new LongshoreError('unavailable'));
  await eventually(() => link.state === 'waiting');
  await settle();
  clock.advance(1000);
  const second = await attempt(2);
  t.match(second.options, { connection: 2, instanceId: 'agent-1', destination: { enrol: { tokenId: 'jtk_1' } } });
  second.succeed().terminate();
  await eventually(() => link.state === 'waiting');
  await settle();
  clock.advance(2000);
  const third = await attempt(3);
  t.equal(third.options.connection, 3);
  t.equal(third.options.destination.enrol, undefined);
});

t.test('stopping ends the link with 1001, and an attempt or a wait at once', async (t) => {
  const up = start(t);
  const far = (await up.attempt(1)).succeed();
  await eventually(() => up.link.state === 'up');
  const closed = new Promise((resolve) => far.onClose(resolve));
  await up.scope.stop();
  t.equal(await closed, CLOSE.goingAway);
  await eventually(() => up.link.state === 'stopped');

  const connecting = start(t);
  await connecting.attempt(1);
  await connecting.scope.stop();
  await eventually(() => connecting.link.state === 'stopped');

  const waiting = start(t);
  (await waiting.attempt(1)).fail(new LongshoreError('unavailable'));
  await eventually(() => waiting.link.state === 'waiting');
  await waiting.scope.stop();
  await eventually(() => waiting.link.state === 'stopped');
  t.equal(waiting.attempts.length, 1);
});
