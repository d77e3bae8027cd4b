// What a rollout does next, case by case: the whole plan is compared.
import t from 'tap';
import {
  planRollout,
  REMOVALS_AT_ONCE,
  type RolloutFacts,
  type RolloutPlan,
  type TargetFacts,
} from '../../control/app/sets/rollout-plan.ts';

const WELL = { lifecycle: 'running', health: 'healthy', reason: null } as const;

const target = (hostId: string, more: Partial<TargetFacts> = {}): TargetFacts => ({
  hostId,
  state: 'pending',
  wave: null,
  isRetry: false,
  reason: null,
  host: 'connected',
  job: null,
  jobError: null,
  member: WELL,
  isBusy: false,
  ...more,
});
const running = (hostId: string, more: Partial<TargetFacts> = {}) =>
  target(hostId, { state: 'running', wave: 1, job: 'open', ...more });
const done = (hostId: string, more: Partial<TargetFacts> = {}) =>
  target(hostId, { state: 'succeeded', wave: 1, job: 'succeeded', ...more });

const facts = (targets: TargetFacts[], more: Partial<RolloutFacts> = {}): RolloutFacts => ({
  isRemoval: false,
  isRunning: true,
  heldBy: null,
  maxParallel: 2,
  targets,
  ...more,
});

/** `2: b c (reason)`, `halt b: reason`, `finish`, `wait: reason`; before it, one line for each verdict. */
function print({ verdicts, step }: RolloutPlan): string[] {
  const lines = verdicts.map(
    ({ hostId, state, reason }) => `${hostId} ${state}${reason === null ? '' : `: ${reason}`}`,
  );
  if (step.do === 'start') return [...lines, `wave ${step.wave}: ${step.hostIds.join(' ')} (${step.reason})`];
  if (step.do === 'halt') return [...lines, `halt ${step.hostId}: ${step.reason}`];
  return [...lines, step.do === 'wait' ? `wait: ${step.reason}` : 'finish'];
}

const CASES: Record<string, [RolloutFacts, string[]]> = {
  'the first wave is one host': [facts([target('a'), target('b')]), ['wave 1: a (one host first)']],
  'a wave is waited for': [facts([running('a'), target('b')]), ['wait: A wave is under way']],
  'after the first success as many as may be': [
    facts([running('a', { job: 'succeeded' }), target('b'), target('c'), target('d')]),
    ['a succeeded', 'wave 2: b c (at most 2 at a time)'],
  ],
  'one of a wave that is done does not open the next': [
    facts([done('a'), running('b', { job: 'succeeded', wave: 2 }), running('c', { wave: 2 }), target('d')]),
    ['b succeeded', 'wait: A wave is under way'],
  ],
  'what was not started of a wave follows, within its size': [
    facts([done('a'), running('b', { wave: 2 }), target('c', { wave: 2 }), target('d', { wave: 2 })]),
    ['wave 2: c (the rest of its wave)'],
  ],
  'a job that succeeded is not enough: its member must be well': [
    facts([running('a', { job: 'succeeded', member: { ...WELL, health: 'starting' } }), target('b')]),
    ['wait: A wave is under way'],
  ],
  'a member that is unhealthy when its job is done halts it': [
    facts([running('a', { job: 'succeeded', member: { ...WELL, health: 'unhealthy' } }), target('b')]),
    ['a failed: It was unhealthy when its deploy was done', 'halt a: It was unhealthy when its deploy was done'],
  ],
  'a member that turns bad before the next wave halts it, with what is said of it': [
    facts([done('a', { member: { lifecycle: 'failed', health: 'unknown', reason: 'web exited (1)' } }), target('b')]),
    ['a failed: web exited (1)', 'halt a: web exited (1)'],
  ],
  'a member that its user has stopped since is no fault': [
    facts([done('a', { member: { ...WELL, lifecycle: 'stopped' } }), target('b')]),
    ['wave 2: b (at most 2 at a time)'],
  ],
  'a member without a health check runs, which is all there is to know': [
    facts([running('a', { job: 'succeeded', member: { ...WELL, health: 'unknown' } })]),
    ['a succeeded', 'finish'],
  ],
  'a failed job halts it, whatever else is under way': [
    facts([done('a'), running('b', { wave: 2, job: 'failed', jobError: 'web did not become healthy' }), running('c')]),
    ['b failed: web did not become healthy', 'halt b: web did not become healthy'],
  ],
  'a cancelled or expired job is a failure': [
    facts([running('a', { job: 'cancelled' })]),
    ['a failed: Its job was cancelled', 'halt a: Its job was cancelled'],
  ],
  'a job that is not known any more is a failure': [
    facts([running('a', { job: null })]),
    ['a failed: Its job was lost', 'halt a: Its job was lost'],
  ],
  'a job that gave way to another is done again when its member is free': [
    facts([running('a', { job: 'superseded', isBusy: true }), target('b')]),
    ['a pending', 'wave 1: b (one host first)'],
  ],
  'what could not be started halts it': [
    facts([target('a', { state: 'failed', reason: 'The name is taken' }), target('b')]),
    ['halt a: The name is taken'],
  ],
  'a halted one starts nothing and still learns how its jobs end': [
    facts([target('a', { state: 'failed' }), running('b', { job: 'succeeded' }), target('c')], { isRunning: false }),
    ['b succeeded', 'wait: It is not running'],
  ],
  'one that is over does not try again what gave way': [
    facts([running('a', { job: 'superseded' })], { isRunning: false }),
    ['a skipped', 'wait: It is not running'],
  ],
  'after a resume the ones that failed go first, and one alone until it is proven': [
    facts([target('a'), target('b', { isRetry: true }), target('c')]),
    ['wave 1: b (one host first)'],
  ],
  'after a resume with successes behind it the failed ones lead the wave': [
    facts([done('a'), target('b'), target('c'), target('d', { isRetry: true })]),
    ['wave 2: d b (at most 2 at a time)'],
  ],
  'a host that is away is passed over': [
    facts([done('a'), target('b', { host: 'away' }), target('c')]),
    ['wave 2: c (at most 2 at a time)'],
  ],
  'a host that went away with its job does not hold up the others': [
    facts([done('a'), running('b', { wave: 2, host: 'away' }), target('c')]),
    ['wave 3: c (at most 2 at a time)'],
  ],
  'a link that broke a moment ago does': [
    facts([done('a'), running('b', { wave: 2, host: 'unsure' }), target('c')]),
    ['wait: A wave is under way'],
  ],
  'a host that is away is no success': [facts([done('a'), target('b', { host: 'away' })]), ['wait: Hosts are away']],
  'without any success a first wave that its host never heard of is tried elsewhere': [
    facts([running('a', { host: 'away', job: 'unsent' }), target('b'), target('c')]),
    ['wave 2: b (one host first)'],
  ],
  'without any success a host that fell silent at its work is waited for: the work may have silenced it': [
    facts([running('a', { host: 'away' }), target('b'), target('c')], { maxParallel: 5 }),
    ['wait: The first host went away at its work'],
  ],
  'when no host is connected the first job waits for its host, and only that': [
    facts([target('a', { host: 'away' }), target('b', { host: 'away' })]),
    ['wave 1: a (no host is connected: the first waits for its own)'],
  ],
  'and no second one': [
    facts([running('a', { host: 'away', job: 'unsent' }), target('b', { host: 'away' })]),
    ['wait: Hosts are away'],
  ],
  'a member with another job under way is passed over': [
    facts([done('a'), target('b', { isBusy: true }), target('c')]),
    ['wave 2: c (at most 2 at a time)'],
  ],
  'and waited for when it is the last': [
    facts([done('a'), target('b', { isBusy: true })]),
    ['wait: Other jobs of members are under way'],
  ],
  'a revoked host is skipped, whether its turn has come or not': [
    facts([done('a'), running('b', { host: 'closed', job: 'failed' }), target('c', { host: 'closed', member: null })]),
    [
      'b skipped: The host was revoked or has other labels now',
      'c skipped: The host was revoked or has other labels now',
      'finish',
    ],
  ],
  'a member that was removed meanwhile is skipped': [
    facts([done('a'), running('b', { job: 'succeeded', member: null })]),
    ['b skipped: The member was removed', 'finish'],
  ],
  'what holds it is said, and nothing is started': [
    facts([done('a'), target('b')], { heldBy: 'The customer is suspended' }),
    ['wait: The customer is suspended'],
  ],
  'all in': [facts([done('a'), done('b')]), ['finish']],
  'without any host': [facts([]), ['finish']],
  'a removal tells every host at once, also those that are away': [
    facts([target('a', { host: 'away' }), target('b', { host: 'closed' })], { isRemoval: true }),
    ['wave 1: a b (every host is told)'],
  ],
  'a removal waits for all, and then halts for one that failed': [
    facts([running('a'), running('b', { job: 'failed', jobError: 'Docker refused' })], { isRemoval: true }),
    ['b failed: Docker refused', 'wait: Hosts are at it'],
  ],
  'a removal that is in': [
    facts([running('a', { job: 'succeeded', member: null })], { isRemoval: true }),
    ['a succeeded', 'finish'],
  ],
};

for (const [name, [given, expected]] of Object.entries(CASES)) {
  t.test(name, async (t) => {
    t.strictSame(print(planRollout(given)), expected);
    t.strictSame(print(planRollout(given)), expected, 'asked again');
  });
}

t.test('a large removal is told in parts', async (t) => {
  const many = Array.from({ length: 100 }, (_, i) => target(`h${i}`));
  const { step } = planRollout(facts(many, { isRemoval: true }));
  t.equal(step.do === 'start' && step.hostIds.length, REMOVALS_AT_ONCE);
});

t.test('never more than may be at a time, never two waves at once, and every host has its turn', async (t) => {
  const targets = new Map(Array.from({ length: 30 }, (_, i) => [`h${i}`, target(`h${i}`)]));
  const sizes: number[] = [];
  for (;;) {
    const { verdicts, step } = planRollout(facts([...targets.values()], { maxParallel: 7 }));
    for (const { hostId, state } of verdicts) targets.set(hostId, { ...target(hostId), state, wave: 1 });
    if (step.do !== 'start') {
      t.strictSame(step, { do: 'finish' });
      break;
    }
    sizes.push(step.hostIds.length);
    for (const hostId of step.hostIds) targets.set(hostId, running(hostId, { job: 'succeeded', wave: step.wave }));
  }
  t.strictSame(sizes, [1, 7, 7, 7, 7, 1]);
});
