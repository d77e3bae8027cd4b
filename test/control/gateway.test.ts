import { connect } from 'node:net';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { toLongshoreError } from '#shared/errors.ts';
import { createNonce } from '#shared/protocol/handshake.ts';
import { createIdentity } from '#shared/protocol/identity.ts';
import { CLOSE } from '#shared/protocol/limits.ts';
import { TURNSTILE_LIMITS } from '../../control/agents/turnstile.ts';
import { startControlServer, type ControlOptions } from '../support/control-server.ts';
import { eventually } from '../support/eventually.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RawAgent } from '../support/raw-agent.ts';

async function start(t: Test, options: ControlOptions = {}) {
  const control = await startControlServer(t, options);
  const dial = (identity = createIdentity()) => {
    const agent = new RawAgent(control.url, identity);
    t.teardown(() => agent.ws.terminate());
    return agent;
  };
  /** A host that is in the store already. */
  const join = async () => {
    const identity = createIdentity();
    const agent = dial(identity);
    const welcome = await agent.enter({ identity, enrol: control.registry.addToken() });
    return { agent, identity, hostId: welcome['hostId'] as string };
  };
  return { ...control, dial, join };
}

// ── the way in ───────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('a token lets a new key in, and the key alone lets it in again', async (t) => {
  const { dial, join, sessions } = await start(t);
  const { agent, identity, hostId } = await join();
  t.ok(sessions.require(hostId).peer.isOpen);
  agent.ws.terminate();
  await eventually(() => sessions.count === 0);
  t.match(await dial(identity).enter({ identity }), { type: 'welcome', hostId, epoch: 1, nextEventSeq: 1 });
});

t.test('repeating the same token and key is the same host, also when the token is used up', async (t) => {
  const { dial, registry } = await start(t);
  const [identity, enrol] = [createIdentity(), registry.addToken(1)];
  for (let connection = 1; connection < 4; connection++) {
    t.match(await dial(identity).enter({ identity, enrol, connection }), { type: 'welcome', hostId: 'host_1' });
  }
  t.equal(registry.hosts.size, 1);
});

t.test('control speaks to the host after the welcome, and hears it', async (t) => {
  const { join, sessions } = await start(t);
  const { agent, hostId } = await join();
  const answer = sessions.require(hostId).peer.request('echo', { data: 'down' });
  const { id } = JSON.parse(await agent.next()) as { id: number };
  agent.send({ t: 'res', id, r: { data: 'up' } });
  t.strictSame(await answer, { data: 'up' });
  agent.send({ t: 'req', id: 1, m: 'echo', p: { data: 'x' } });
  t.strictSame(JSON.parse(await agent.next()), { t: 'res', id: 1, r: { data: 'x' } });
});

t.test('a host that is away is `host_offline`, with a time to come back', async (t) => {
  const { sessions } = await start(t);
  t.throws(() => sessions.require('host_9'), { code: 'host_offline', retryAfter: Number });
});

t.test('the session is there while its socket is, and the store hears of both ends once', async (t) => {
  const { join, sessions, registry } = await start(t);
  const seen: string[] = [];
  sessions.onConnect(({ hostId }) => seen.push(`up ${hostId}`));
  sessions.onDisconnect(({ hostId }) => seen.push(`down ${hostId}`));
  const { agent } = await join();
  await eventually(() => seen.length === 1);
  agent.ws.terminate();
  await eventually(() => seen.length === 2);
  t.strictSame(seen, ['up host_1', 'down host_1']);
  t.strictSame(registry.calls, ['connected host_1', 'disconnected host_1']);
});

// ── refused before auth ──────────────────────────────────────────────────────────────────────────────────────────────

t.test('A34: a key that nobody knows gets 4401 without detail, counted', async (t) => {
  const { dial, gateway, sessions } = await start(t);
  const agent = dial();
  t.strictSame(await agent.enter(), {
    type: 'refusal',
    error: { code: 'handshake_failed', message: 'The handshake failed' },
  });
  t.match(await agent.closed, { code: CLOSE.unauthorized });
  t.strictSame(gateway.counters, { accepted: 0, refused: { handshake_failed: 1 } });
  t.equal(sessions.count, 0);
});

t.test('A34: a proof recorded on one connection is worth nothing on another', async (t) => {
  const { dial, join, gateway } = await start(t);
  const { agent: old, identity } = await join();
  const recorded = old.proof({ identity });
  const replay = dial();
  await replay.hello(JSON.parse(old.helloText) as object); // the hello as well, byte for byte
  t.equal(replay.helloText, old.helloText);
  replay.send(recorded);
  t.match(JSON.parse(await replay.next()), {
    type: 'refusal',
    error: { code: 'handshake_failed', details: undefined },
  });
  t.match(await replay.closed, { code: CLOSE.unauthorized });
  t.equal(gateway.counters.refused.handshake_failed, 1);
});

t.test('A34: a signature over an old nonce, another hello or another challenge is refused', async (t) => {
  const { dial, join, gateway } = await start(t);
  const { identity } = await join();
  const faults: Record<string, (agent: RawAgent) => void> = {
    'an old nonce': (agent) => {
      agent.challengeText = JSON.stringify({ ...(JSON.parse(agent.challengeText) as object), nonce: createNonce() });
    },
    'another hello': (agent) => void (agent.helloText = agent.helloText.replace('[1]', '[1,2]')),
    'a lower version than control chose': (agent) => {
      agent.challengeText = agent.challengeText.replace('"version":1', '"version":0');
    },
    'nothing at all': (agent) => {
      agent.challengeText = '';
      agent.helloText = '';
    },
  };
  for (const [name, tamper] of Object.entries(faults)) {
    const agent = dial();
    await agent.hello();
    tamper(agent); // what it now signs is not what was said
    agent.send(agent.proof({ identity }));
    t.match(JSON.parse(await agent.next()), { error: { code: 'handshake_failed', details: undefined } }, name);
    t.match(await agent.closed, { code: CLOSE.unauthorized }, name);
  }
  t.equal(gateway.counters.refused.handshake_failed, 4);
});

t.test('A34: a host cannot sign for another, nor for itself with a key of another kind', async (t) => {
  const { dial, join, gateway } = await start(t);
  const [a, b] = [await join(), await join()];
  const asOther = dial();
  await asOther.hello();
  asOther.send({ ...asOther.proof({ identity: a.identity }), agentKey: b.identity.publicKey });
  t.match(await asOther.closed, { code: CLOSE.unauthorized });

  const noKey = dial();
  await noKey.hello();
  noKey.send({ ...noKey.proof(), agentKey: 'AAAA' });
  t.match(await noKey.closed, { code: CLOSE.unauthorized });
  t.equal(gateway.counters.refused.handshake_failed, 2);
  t.ok(a.agent.ws.readyState === 1 && b.agent.ws.readyState === 1, 'the real ones stay');
});

t.test('one key has one host, however its base64 is written', async (t) => {
  const { dial, join, registry } = await start(t);
  const { identity } = await join();
  const agent = dial();
  await agent.hello();
  const padded = Buffer.from(identity.publicKey, 'base64url').toString('base64');
  agent.send({ ...agent.proof({ identity, connection: 2 }), agentKey: padded });
  t.match(JSON.parse(await agent.next()), { type: 'welcome', hostId: 'host_1' });
  t.equal(registry.hosts.size, 1);
});

t.test('an unknown token, a wrong secret and a used-up token get the same words', async (t) => {
  const { dial, registry } = await start(t);
  const [good, used] = [registry.addToken(), registry.addToken()];
  await dial().enter({ enrol: used });
  const answers = [
    await dial().enter({ enrol: { tokenId: 'jtk_none', secret: good.secret } }),
    await dial().enter({ enrol: { tokenId: good.tokenId, secret: used.secret } }),
    await dial().enter({ enrol: used }),
  ];
  t.match(answers[0], { type: 'refusal', error: { code: 'token_invalid' } });
  t.strictSame(answers, [answers[0], answers[0], answers[0]]);
  t.equal(registry.hosts.size, 1);
});

t.test('a mac seen on the way enrols nobody else and not twice', async (t) => {
  const { dial, registry } = await start(t);
  const enrol = registry.addToken(2);
  const victim = dial();
  await victim.hello();
  const { enrol: seen } = victim.proof({ enrol }); // a relay that keeps it to itself…
  const thief = dial();
  await thief.hello();
  thief.send({ ...thief.proof(), enrol: seen }); // …and uses it with its own key
  t.match(JSON.parse(await thief.next()), { error: { code: 'token_invalid' } });
  t.equal(registry.hosts.size, 0);
});

t.test('a revoked host gets 4403, with its key and with its old token', async (t) => {
  const { dial, registry } = await start(t);
  const [identity, enrol] = [createIdentity(), registry.addToken(5)];
  await dial(identity).enter({ identity, enrol });
  registry.revoke('host_1');
  for (const options of [{ identity }, { identity, enrol }]) {
    const agent = dial(identity);
    t.match(await agent.enter(options), { type: 'refusal', error: { code: 'revoked' } });
    t.match(await agent.closed, { code: CLOSE.revoked });
  }
});

t.test('F48: revoking a connected host closes its socket with 4403 at once', async (t) => {
  const { join, sessions, registry } = await start(t);
  const { agent, hostId } = await join();
  registry.revoke(hostId);
  sessions.revoke(hostId);
  t.equal(sessions.count, 0);
  t.match(await agent.closed, { code: CLOSE.revoked, reason: 'revoked' });
});

t.test('a host that is revoked while it comes in does not get in', async (t) => {
  const { dial, join, sessions, registry } = await start(t);
  const { agent: first, identity, hostId } = await join();
  first.ws.terminate();
  await eventually(() => sessions.count === 0);
  registry.whileConnecting = () => registry.revoke(hostId);
  const agent = dial(identity);
  t.match(await agent.enter({ identity }), { type: 'refusal', error: { code: 'revoked' } });
  t.match(await agent.closed, { code: CLOSE.revoked });
  t.equal(sessions.count, 0);
  t.strictSame(registry.calls.slice(-2), [`connected ${hostId}`, `disconnected ${hostId}`]);
});

t.test('a caller that leaves while the store is asked leaves no session behind', async (t) => {
  const { dial, sessions, registry } = await start(t);
  const asked = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  registry.whileConnecting = () => (asked.resolve(), goOn.promise);
  const agent = dial();
  void agent.enter({ enrol: registry.addToken() });
  await asked.promise;
  agent.ws.terminate();
  await agent.closed;
  goOn.resolve();
  await eventually(() => registry.calls.includes('disconnected host_1'));
  t.equal(sessions.count, 0);
});

// ── over the limit ───────────────────────────────────────────────────────────────────────────────────────────────────

t.test('A32: who says nothing for 10 s gets 4408', async (t) => {
  const clock = new ManualClock();
  const { dial, gateway } = await start(t, { clock });
  const [silent, slow] = [dial(), dial()];
  await once(silent.ws, 'open');
  await slow.hello();
  await eventually(() => clock.pending === 2);
  clock.advance(9999);
  t.equal(silent.ws.readyState, 1);
  clock.advance(1);
  for (const agent of [silent, slow]) t.match(await agent.closed, { code: CLOSE.timeout }, 'one limit for all of it');
  t.equal(gateway.counters.refused.timed_out, 2);
});

/** The code of what is thrown. */
function fullness(ask: () => void): string | undefined {
  try {
    ask();
    return undefined;
  } catch (error) {
    return toLongshoreError(error).code;
  }
}

t.test('an address has 256 unfinished handshakes at most; the rest is told when to come back', async (t) => {
  const { dial, gateway, registry } = await start(t);
  const waiting = Array.from({ length: TURNSTILE_LIMITS.unfinishedPerAddress }, () => dial());
  await Promise.all(waiting.map((agent) => once(agent.ws, 'open')));
  const isFull = () => fullness(() => gateway.requireRoom('127.0.0.1')) === 'unavailable';
  await eventually(isFull);
  t.doesNotThrow(() => gateway.requireRoom('192.0.2.1'), 'another address is not concerned');
  const late = dial();
  t.match(JSON.parse(await late.next()), { type: 'refusal', error: { code: 'unavailable' }, retryAfterS: Number });
  t.match(await late.closed, { code: CLOSE.overloaded });
  waiting[0]?.ws.terminate();
  await eventually(() => !isFull());
  t.match(await dial().enter({ enrol: registry.addToken() }), { type: 'welcome' });
});

t.test('finished handshakes do not count', async (t) => {
  const { join, gateway } = await start(t, { limits: { unfinishedPerAddress: 1 } });
  for (let i = 0; i < 5; i++) await join();
  t.doesNotThrow(() => gateway.requireRoom('127.0.0.1'));
});

t.test('A31: a frame of 2 MiB closes with 1009', async (t) => {
  const { join } = await start(t);
  const { agent } = await join();
  agent.ws.send(Buffer.alloc(2 << 20));
  t.match(await agent.closed, { code: 1009 });
});

/** A client that writes WebSocket frames byte by byte, because ws refuses to send wrong ones. */
async function wireTo(port: number) {
  const socket = connect(port, '127.0.0.1');
  socket.write(
    'GET /agent/v1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  await once(socket, 'data');
  const received: Buffer[] = [];
  socket.on('data', (chunk) => received.push(chunk));
  /** The code of the close frame control sends. */
  const closeCode = async () => {
    await once(socket, 'end');
    const bytes = Buffer.concat(received);
    return bytes.readUInt16BE(bytes.indexOf(0x88) + 2);
  };
  return { socket, closeCode };
}

const NO_MASK = [0, 0, 0, 0];

t.test('A31: invalid UTF-8 closes with 1007', async (t) => {
  const { port } = await start(t);
  const { socket, closeCode } = await wireTo(port);
  socket.write(Buffer.from([0x81, 0x82, ...NO_MASK, 0xc3, 0x28]));
  t.equal(await closeCode(), 1007);
});

t.test('A31: an unmasked frame closes with 1002', async (t) => {
  const { port } = await start(t);
  const { socket, closeCode } = await wireTo(port);
  socket.write(Buffer.from([0x81, 0x02, 0x7b, 0x7d]));
  t.equal(await closeCode(), 1002);
});

t.test('A31: 20 000 empty fragments close with 1008', async (t) => {
  const { port } = await start(t);
  const { socket, closeCode } = await wireTo(port);
  const empty = Buffer.from([0x00, 0x80, ...NO_MASK]);
  socket.write(Buffer.concat([Buffer.from([0x01, 0x80, ...NO_MASK]), ...Array.from({ length: 20_000 }, () => empty)]));
  t.equal(await closeCode(), 1008);
});

t.test('A35: malformed words before the welcome close with 4400 and say nothing of why', async (t) => {
  const { dial, gateway } = await start(t);
  const words: (string | Buffer)[] = ['', 'hello', '[]', '{"type":"hello"}', '{"type":"proof"}', Buffer.from('{}')];
  for (const word of words) {
    const agent = dial();
    await once(agent.ws, 'open');
    agent.ws.send(word);
    t.strictSame(JSON.parse(await agent.next()), {
      type: 'refusal',
      error: { code: 'protocol_violation', message: 'The message breaks the protocol' },
    });
    t.match(await agent.closed, { code: CLOSE.protocol });
  }
  t.equal(gateway.counters.refused.protocol_violation, words.length);
});

t.test('A35: malformed words after the welcome close with 4400 and end the session', async (t) => {
  const { join, sessions } = await start(t);
  const { agent } = await join();
  agent.ws.send('{"t":"res","id":99,"r":{}}');
  t.match(await agent.closed, { code: CLOSE.protocol });
  await eventually(() => sessions.count === 0);
});

// ── versions ─────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('F40: an agent one version behind and one ahead speak the highest common one', async (t) => {
  const old = await start(t, { versions: [2, 1] });
  t.match(await old.dial().hello({ type: 'hello', versions: [1], nonce: createNonce() }), { version: 1 });
  const young = await start(t, { versions: [2, 1] });
  t.match(await young.dial().hello({ type: 'hello', versions: [3, 2], nonce: createNonce(), later: true }), {
    version: 2,
  });
});

t.test('F40: without a common version 4426 says what to upgrade', async (t) => {
  const { dial } = await start(t, { versions: [3, 2] });
  for (const [versions, hint] of [
    [[1], 'Upgrade the agent on this host'],
    [[5, 4], 'Upgrade the control plane'],
  ] as const) {
    const agent = dial();
    t.match(await agent.hello({ type: 'hello', versions, nonce: createNonce() }), {
      type: 'refusal',
      error: { code: 'unsupported', details: hint },
    });
    t.match(await agent.closed, { code: CLOSE.upgradeNeeded });
  }
});

// ── stopped mid-work ─────────────────────────────────────────────────────────────────────────────────────────────────

t.test('F08: closing the gateway closes links with 1012 and turns newcomers away', async (t) => {
  const { dial, join, gateway, sessions, registry } = await start(t);
  const { agent } = await join();
  const waiting = dial();
  await waiting.hello();
  await gateway.close();
  t.match(await agent.closed, { code: CLOSE.restart, reason: 'restart; retry_after=2' });
  t.equal(sessions.count, 0);
  waiting.send(waiting.proof({ enrol: registry.addToken() }));
  t.match(await waiting.closed, { code: CLOSE.overloaded });
  t.match(await dial().closed, { code: CLOSE.overloaded });
});
