import t, { type Test } from 'tap';
import { createIdentity } from '#shared/protocol/identity.ts';
import { CLOSE } from '#shared/protocol/limits.ts';
import { systemClock, type Clock } from '#shared/time.ts';
import { startControlServer } from '../support/control-server.ts';
import { eventually } from '../support/eventually.ts';
import { RawAgent, type ProofOptions } from '../support/raw-agent.ts';

/** Real time, but the test may let a minute pass. */
class SkippingClock implements Clock {
  #skippedMs = 0;
  now(): number {
    return systemClock.now() + this.#skippedMs;
  }
  elapsed(): number {
    return systemClock.elapsed() + this.#skippedMs;
  }
  after(delayMs: number, run: () => void): () => void {
    return systemClock.after(delayMs, run);
  }
  skip(ms: number): void {
    this.#skippedMs += ms;
  }
}

async function start(t: Test) {
  const clock = new SkippingClock();
  const control = await startControlServer(t, { clock });
  const identity = createIdentity();
  const enrol = control.registry.addToken();
  const enter = async (options: ProofOptions) => {
    const agent = new RawAgent(control.url, identity);
    t.teardown(() => agent.ws.terminate());
    return { agent, answer: await agent.enter({ identity, enrol, ...options }) };
  };
  return { ...control, clock, enter };
}

const here = { bootId: 'boot-here', instanceId: 'agent-1' };
const clone = { bootId: 'boot-clone', instanceId: 'agent-clone' };

t.test('F16: the same process that comes back takes over from its own old socket at once', async (t) => {
  const { enter, sessions, registry, conflicts } = await start(t);
  const old = await enter({ ...here, connection: 1 });
  old.agent.ws.pause(); // half-open: it answers nothing and never will
  const back = await enter({ ...here, connection: 2 });
  t.match(back.answer, { type: 'welcome', hostId: 'host_1' });
  t.equal(sessions.require('host_1').proof.connection, 2);
  t.strictSame(registry.calls, ['connected host_1', 'disconnected host_1', 'connected host_1'], 'never two at once');
  t.strictSame(conflicts, []);
  old.agent.ws.resume();
  t.match(await old.agent.closed, { code: CLOSE.replaced });
  t.equal(sessions.count, 1, 'the end of the old socket does not end the new session');
});

t.test('a restarted agent on the same boot takes over at once', async (t) => {
  const { enter, sessions } = await start(t);
  const old = await enter(here);
  t.match((await enter({ ...here, instanceId: 'agent-2' })).answer, { type: 'welcome' });
  t.match(await old.agent.closed, { code: CLOSE.replaced });
  t.equal(sessions.require('host_1').proof.instanceId, 'agent-2');
});

t.test('a machine that rebooted takes over from the socket its last boot left behind', async (t) => {
  const { enter, conflicts } = await start(t);
  const old = await enter(here);
  old.agent.ws.pause(); // the machine it belonged to is gone, nobody closed it
  t.match((await enter({ bootId: 'boot-next', instanceId: 'agent-2' })).answer, { type: 'welcome' });
  t.strictSame(conflicts, []);
});

t.test('a connection that was overtaken by a later one of its process is turned away', async (t) => {
  const { enter, sessions } = await start(t);
  await enter({ ...here, connection: 7 });
  const late = await enter({ ...here, connection: 6 });
  t.match(late.answer, { type: 'refusal', error: { code: 'stale' } });
  t.match(await late.agent.closed, { code: CLOSE.replaced });
  t.equal(sessions.require('host_1').proof.connection, 7);
});

t.test('F26: two live machines with one key are both fenced, and one alert says so', async (t) => {
  const { enter, sessions, gateway, conflicts } = await start(t);
  const first = await enter(here);
  const second = await enter(clone);
  t.match(second.answer, { type: 'refusal', error: { code: 'identity_conflict' }, retryAfterS: 60 });
  for (const { agent } of [first, second]) t.match(await agent.closed, { code: CLOSE.fenced });
  t.strictSame(conflicts, [
    { hostId: 'host_1', bootIds: ['boot-here', 'boot-clone'], remoteAddresses: ['127.0.0.1', '127.0.0.1'] },
  ]);
  t.equal(sessions.count, 0);
  t.ok(gateway.isFenced('host_1'));
});

t.test('F26: clones that share a boot id, as containers of one machine do, are told by who comes back', async (t) => {
  const { enter, clock, conflicts } = await start(t);
  const twin = { ...here, instanceId: 'agent-twin' };
  const first = await enter(here);
  const second = await enter(twin);
  t.match(second.answer, { type: 'welcome' }, 'as an agent that was started anew');
  t.match(await first.agent.closed, { code: CLOSE.replaced });
  const back = await enter({ ...here, connection: 2 });
  t.match(back.answer, { type: 'refusal', error: { code: 'identity_conflict' } });
  for (const { agent } of [second, back]) t.match(await agent.closed, { code: CLOSE.fenced });
  t.equal(conflicts.length, 1);
  clock.skip(60_000);
  t.match((await enter({ ...here, connection: 3 })).answer, { type: 'welcome' }, 'then whoever is alone gets in');
});

t.test('one that had to make way gets in again when the other is gone', async (t) => {
  const { enter, conflicts } = await start(t);
  await enter(here);
  const second = await enter({ ...here, instanceId: 'agent-2' });
  second.agent.ws.pause(); // nobody answers there
  t.match((await enter({ ...here, connection: 2 })).answer, { type: 'welcome' });
  t.strictSame(conflicts, []);
});

t.test('F26: a fenced pair stays out for a minute, and coming back does not alert again', async (t) => {
  const { enter, clock, gateway, conflicts } = await start(t);
  await enter(here);
  await enter(clone);
  for (const who of [here, clone]) {
    t.match((await enter(who)).answer, { error: { code: 'identity_conflict' }, retryAfterS: 60 });
  }
  clock.skip(60_000);
  t.notOk(gateway.isFenced('host_1'));
  t.match((await enter(clone)).answer, { type: 'welcome' }, 'then whoever is alone gets in');
  t.match((await enter(here)).answer, { error: { code: 'identity_conflict' } });
  t.equal(conflicts.length, 1);
});

t.test('F26: a third machine is another alert', async (t) => {
  const { enter, clock, conflicts } = await start(t);
  await enter(here);
  await enter(clone);
  clock.skip(60_000);
  await enter(here);
  await enter({ bootId: 'boot-third', instanceId: 'agent-third' });
  t.strictSame(
    conflicts.map(({ bootIds }) => bootIds),
    [
      ['boot-here', 'boot-clone'],
      ['boot-here', 'boot-third'],
    ],
  );
});

t.test('F26: what was told of is told of again once it was settled', async (t) => {
  const { enter, gateway, conflicts } = await start(t);
  await enter(here);
  await enter(clone);
  gateway.unfence('host_1');
  t.match((await enter(here)).answer, { type: 'welcome' });
  t.match((await enter(clone)).answer, { error: { code: 'identity_conflict' } });
  t.equal(conflicts.length, 2);
});

t.test('many connections of one host at once leave exactly one session, the newest', async (t) => {
  const { enter, sessions, registry } = await start(t);
  await enter({ ...here, connection: 1 });
  const rest = await Promise.all(Array.from({ length: 20 }, (_, i) => enter({ ...here, connection: i + 2 })));
  await eventually(() => rest.filter(({ agent }) => agent.ws.readyState === 1).length, { until: (open) => open === 1 });
  t.equal(sessions.count, 1);
  t.equal(sessions.require('host_1').proof.connection, 21);
  const [up, down] = ['connected', 'disconnected'].map(
    (word) => registry.calls.filter((call) => call.startsWith(`${word} `)).length,
  );
  t.equal(up, (down ?? 0) + 1);
});
