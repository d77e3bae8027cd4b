// How a real journal and a link that is down look to systemd.
import Database from 'better-sqlite3';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { silentLogger } from '#shared/log.ts';
import { Breaker } from '../../agent/docker/breaker.ts';
import { startEventHub } from '../../agent/docker/events.ts';
import { watchStanding } from '../../agent/standing-facts.ts';
import { openState } from '../../agent/state/open.ts';
import { eventually } from '../support/eventually.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';

function start(t: Test) {
  const clock = new ManualClock();
  const dir = makeFolder(t, 'agent');
  const state = openState(dir, clock);
  t.teardown(() => state.close());
  let isAnswering = true;
  const breaker = new Breaker({ ask: () => Promise.resolve(isAnswering), clock });
  const engine = new FakeEngine();
  const over = new AbortController();
  t.teardown(() => over.abort());
  const hub = startEventHub({ engine, breaker, clock, log: silentLogger() }, over.signal);
  const lastError = new LongshoreError('unavailable', { message: 'Cannot reach the control plane' });
  const link = { current: undefined, since: clock.now(), lastError, onUp: () => undefined, onDown: () => undefined };
  const watch = watchStanding({
    state,
    client: { breaker, overdueCalls: 0 },
    hub,
    link,
    controlUrl: 'https://panel',
    clock,
  });
  const hang = () => {
    isAnswering = false;
    breaker.doubt();
  };
  return { dir, state, clock, engine, watch, hang };
}

t.test('what control has not got is counted', async (t) => {
  const { state, clock, watch } = start(t);
  t.match(watch.standing(), {
    status: /^offline since .*Z \(Cannot reach the control plane\); 0 events kept; 0 services/,
  });
  const event = { kind: 'service.event', serviceId: 'svc_1', type: 'health', status: 'healthy', message: '' } as const;
  state.transact(() => state.outbox.append({ ...event, at: clock.now() }));
  t.match(watch.standing(), { status: /; 1 event kept; /, fault: null });
});

t.test('another program that holds the journal is told, and gone it is forgotten', async (t) => {
  const { dir, watch } = start(t);
  const backup = new Database(join(dir, 'agent.db'));
  t.teardown(() => backup.close());
  backup.exec('BEGIN IMMEDIATE');
  t.match(watch.standing(), { status: /; another program holds the database$/, fault: null });
  backup.exec('ROLLBACK');
  t.match(watch.standing(), { status: /; Docker answers$/, fault: null });
});

t.test('F12: Docker that hangs is told as soon as it is known', async (t) => {
  const { watch, hang } = start(t);
  let told = 0;
  watch.onStandingChange(() => (told += 1));
  hang();
  await eventually(() => told === 1);
  t.match(watch.standing(), { status: /; Docker has not answered since .*Z$/, fault: null });
});

t.test('Docker that is gone is told as well, and its return', async (t) => {
  const { watch, engine, clock } = start(t);
  engine.goAway();
  await eventually(() => watch.standing().status.includes('; Docker has not answered since 20'));
  engine.isAway = false;
  clock.advance(5_000);
  await eventually(() => watch.standing().status.endsWith('; Docker answers'));
});

t.test('F29: a host that lives on its reserve says so', async (t) => {
  const { state, watch } = start(t);
  state.reserve.release();
  t.match(watch.standing(), { status: /; the disk is full: no new jobs$/, fault: null });
});
