import t from 'tap';
import { planRollout } from '../../control/app/sets/rollout-plan.ts';
import { waveSizeOf, whyPassedOver } from '../../control/app/upgrades/select.ts';
import {
  SETTLE_MS,
  SILENCE_LIMIT_MS,
  STARTING_LIMIT_MS,
  toTargetFacts,
  wellServices,
  type HostNow,
  type ServiceNow,
} from '../../control/app/upgrades/standing.ts';
import type { UpgradeTargetRecord } from '../../control/store/upgrade-records.ts';

const service = (id: string, more: Partial<ServiceNow> = {}): ServiceNow => ({
  id,
  name: id,
  lifecycle: 'running',
  health: 'healthy',
  reason: null,
  isEnabled: true,
  ...more,
});

const target = (more: Partial<UpgradeTargetRecord> = {}): UpgradeTargetRecord => ({
  upgradeId: 'upg',
  hostId: 'a',
  state: 'running',
  wave: 1,
  isRetry: false,
  orderId: 'upg_1',
  fromVersion: '0.1.0',
  phase: 'upgraded',
  percent: null,
  heardAt: 0,
  well: ['db', 'web'],
  reason: null,
  ...more,
});

const host = (more: Partial<HostNow> = {}): HostNow => ({
  standing: 'connected',
  connectedAt: 0,
  services: [service('db'), service('web')],
  isBusy: false,
  now: SETTLE_MS,
  ...more,
});

/** What the planner makes of one host that is at work. */
function judged(targetMore: Partial<UpgradeTargetRecord>, hostMore: Partial<HostNow> = {}): string {
  const facts = toTargetFacts(target(targetMore), host(hostMore));
  const plan = planRollout({ isRemoval: false, isRunning: true, heldBy: null, maxParallel: 2, targets: [facts] });
  const [verdict] = plan.verdicts;
  return verdict ? [verdict.state, verdict.reason].filter((part) => part !== null).join(': ') : plan.step.do;
}

t.test('a host is through when it says so and its services are as well as before', async (t) => {
  t.equal(judged({}), 'succeeded');
  t.equal(judged({}, { now: SETTLE_MS - 1 }), 'wait', 'not before they could turn bad');
  for (const phase of [null, 'downloading', 'handed_over', 'restarting'] as const) t.equal(judged({ phase }), 'wait');
});

t.test('an agent that connected and does not stay halts the upgrade', async (t) => {
  const gone = { standing: 'away', connectedAt: null } as const;
  t.equal(judged({}, gone), 'wait');
  t.equal(judged({}, { connectedAt: 1 }), 'wait', 'one that came anew has its time before it');
  const late = STARTING_LIMIT_MS + 1;
  t.equal(judged({}, { ...gone, now: late }), 'failed: Its new agent does not stay connected');
  t.equal(judged({}, { connectedAt: late - 1, now: late }), 'failed: Its new agent does not stay connected');
  t.equal(judged({}, { connectedAt: late - SETTLE_MS, now: late }), 'succeeded', 'one that was a while away');
});

t.test('a service that was well and is not halts the upgrade', async (t) => {
  const failed = service('web', { lifecycle: 'failed', reason: 'it exited' });
  t.equal(judged({}, { services: [failed] }), 'failed: Service "web" was well before and is not: it exited');
  const unhealthy = service('db', { health: 'unhealthy' });
  t.equal(judged({}, { services: [unhealthy] }), 'failed: Service "db" was well before and is not: unhealthy');
  const starting = service('db', { health: 'starting' });
  t.equal(judged({}, { services: [starting] }), 'wait');
  t.match(judged({}, { services: [starting], now: STARTING_LIMIT_MS + 1 }), /^failed/, 'not for ever');
});

t.test('what somebody stopped, disabled or removed, or was bad before, does not count', async (t) => {
  const bad = { lifecycle: 'failed' as const };
  t.equal(judged({}, { services: [service('db', { lifecycle: 'stopped' })] }), 'succeeded');
  t.equal(judged({}, { services: [service('db', { ...bad, isEnabled: false })] }), 'succeeded');
  t.equal(judged({}, { services: [] }), 'succeeded');
  t.equal(judged({ well: [] }, { services: [service('db', bad)] }), 'succeeded');
  t.strictSame(
    wellServices([
      service('a'),
      service('b', { health: 'unknown' }),
      service('c', { health: 'starting' }),
      service('d', bad),
      service('e', { isEnabled: false }),
      service('f', { lifecycle: 'stopped' }),
    ]),
    ['a', 'b'],
  );
});

t.test('what the host reports as failed has failed, with its reason', async (t) => {
  t.equal(judged({ phase: 'reverted', reason: 'not connected' }), 'failed: not connected');
  t.equal(judged({ phase: 'refused', reason: 'no space' }), 'failed: no space');
  t.equal(judged({ phase: 'failed' }), 'failed: It was failed');
});

t.test('a host that falls silent in its turn is waited for, and has failed in the end', async (t) => {
  const phase = 'restarting';
  t.equal(judged({ phase }, { standing: 'away', now: SILENCE_LIMIT_MS }), 'wait');
  t.equal(
    judged({ phase }, { standing: 'away', now: SILENCE_LIMIT_MS + 1 }),
    'failed: Nothing was heard of it for 5 minutes after "restarting"',
  );
  t.match(judged({ phase: null }, { now: SILENCE_LIMIT_MS + 1 }), /minutes after the order/);
});

t.test('a host that goes away in a later wave holds up the ones after it', async (t) => {
  const targets = [
    toTargetFacts(target({ hostId: 'a', state: 'succeeded' }), host()),
    toTargetFacts(target({ hostId: 'b', wave: 2, phase: 'restarting' }), host({ standing: 'away' })),
    toTargetFacts(target({ hostId: 'c', state: 'pending', wave: null, phase: null }), host()),
  ];
  const { step } = planRollout({ isRemoval: false, isRunning: true, heldBy: null, maxParallel: 1, targets });
  t.strictSame(step, { do: 'wait', reason: 'A wave is under way' });
});

t.test('a host that was revoked in its turn is passed over', async (t) => {
  t.match(judged({ phase: 'restarting' }, { standing: 'closed' }), /^skipped/);
});

t.test('hosts that have the version, or cannot have it, are passed over with a reason', async (t) => {
  const offer = { version: '0.2.0', architectures: ['x64'] };
  const why = (agentVersion: string, arch = 'x64', allowsDowngrade = false) =>
    whyPassedOver({ agentVersion, arch }, offer, allowsDowngrade);
  t.equal(why('0.1.0'), null);
  t.equal(why('0.2.0'), 'It has 0.2.0 already');
  t.equal(why('0.3.0'), 'It has 0.3.0, which is newer');
  t.equal(why('0.3.0', 'x64', true), null);
  t.equal(why('0.1.0', 'arm64'), 'There is no release for arm64');
  t.equal(whyPassedOver(null, offer, false), null, 'one that was never here is asked in its turn');
});

t.test('a wave is a share of the hosts, or a count, and never nobody', async (t) => {
  t.equal(waveSizeOf('10%', 100), 10);
  t.equal(waveSizeOf('10%', 3), 1);
  t.equal(waveSizeOf('34%', 10), 4);
  t.equal(waveSizeOf('10%', 0), 1);
  t.equal(waveSizeOf('5', 100), 5);
  t.equal(waveSizeOf('100%', 1000), 200, 'and never more than can download at once');
});
