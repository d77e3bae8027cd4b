import t from 'tap';
import type { Container } from '../../agent/docker/engine.ts';
import { NEW_RECORD, withKnown } from '../../agent/healing/record.ts';
import { healthChangeOf, isSameReport, reportOf } from '../../agent/report.ts';
import type { ServiceRecord } from '../../agent/state/services.ts';
import { containerOf, specOf } from '../support/agent-core.ts';

const recordOf = (over: Partial<ServiceRecord> = {}) => ({
  spec: specOf(),
  desired: 'running' as const,
  goodRevision: 1,
  failure: null,
  drift: null,
  healing: null,
  ...over,
});
const report = (record: Partial<ServiceRecord>, containers: Container[], isDeploying = false) =>
  reportOf({ record: recordOf(record), containers, isDeploying, nowMs: 10_000 });

const CRASHED = containerOf({ state: 'exited', exitCode: 1 });
const GIVEN_UP = withKnown(NEW_RECORD, 'c1', { gaveUp: { at: 1, reason: 'flaps' } });

const CASES: [
  string,
  Partial<ServiceRecord>,
  Container[],
  { lifecycle: string; health: string; reason: string | null },
][] = [
  ['a healthy container runs', {}, [containerOf()], { lifecycle: 'running', health: 'healthy', reason: null }],
  [
    'stopped by the user',
    { desired: 'stopped' },
    [containerOf({ state: 'exited', exitCode: 137 })],
    { lifecycle: 'stopped', health: 'unknown', reason: null },
  ],
  [
    'one that was never deployed waits, for its review',
    { goodRevision: null },
    [],
    { lifecycle: 'stopped', health: 'unknown', reason: null },
  ],
  [
    'a failed deploy shows its reason',
    { failure: 'no image' },
    [],
    { lifecycle: 'failed', health: 'unknown', reason: 'no image' },
  ],
  [
    'a failed deploy whose containers are not healthy',
    { failure: 'late' },
    [containerOf({ health: 'unhealthy' })],
    { lifecycle: 'failed', health: 'unhealthy', reason: 'late' },
  ],
  [
    'a failed deploy proven wrong by its containers',
    { failure: 'late' },
    [containerOf()],
    { lifecycle: 'running', health: 'healthy', reason: null },
  ],
  [
    'stopped after a failed deploy',
    { failure: 'late', desired: 'stopped' },
    [],
    { lifecycle: 'stopped', health: 'unknown', reason: null },
  ],
  [
    'one that waits for its restart says when',
    { healing: withKnown(NEW_RECORD, 'c1', { dueAt: 20_000 }) },
    [CRASHED],
    {
      lifecycle: 'failed',
      health: 'unknown',
      reason: 'web-web-1 exited with code 1; next restart at 1970-01-01T00:00:20.000Z',
    },
  ],
  [
    'one that was stopped by hand has not failed',
    { healing: withKnown(NEW_RECORD, 'c1', { stoppedAt: 5 }) },
    [CRASHED],
    { lifecycle: 'stopped', health: 'unknown', reason: 'web-web-1 was stopped by hand' },
  ],
  [
    'one that was given up, beside what runs',
    { healing: GIVEN_UP },
    [containerOf({ id: 'c2' }), CRASHED],
    { lifecycle: 'failed', health: 'healthy', reason: 'flaps' },
  ],
  [
    'one that was given up and exited well once it was stopped',
    { healing: GIVEN_UP },
    [containerOf({ id: 'c2' }), containerOf({ state: 'exited', exitCode: 0 })],
    { lifecycle: 'failed', health: 'healthy', reason: 'flaps' },
  ],
  [
    'one that was given up and started by hand',
    { healing: GIVEN_UP },
    [containerOf()],
    { lifecycle: 'running', health: 'healthy', reason: null },
  ],
  [
    'one that was given up and stopped by its user',
    { healing: GIVEN_UP, desired: 'stopped' },
    [CRASHED],
    { lifecycle: 'stopped', health: 'unknown', reason: null },
  ],
];
for (const [what, record, containers, expected] of CASES) {
  t.test(`${what}: ${expected.lifecycle}, ${expected.health}`, (t) => {
    t.match(report(record, containers), expected);
    t.end();
  });
}

t.test('under a deploy the lifecycle is deploying, whatever the containers do', (t) => {
  t.match(report({}, [containerOf({ state: 'exited', exitCode: 1 })], true), { lifecycle: 'deploying', reason: null });
  t.end();
});

t.test('what stays inside the host does not travel', (t) => {
  const text = JSON.stringify(
    report({}, [containerOf({ labels: { secret: 'canary-3f9a' }, probeOutput: 'canary-3f9a' })]),
  );
  t.notMatch(text, /canary-3f9a/);
  t.end();
});

t.test('the same report at another time says nothing new', (t) => {
  const now = report({}, [containerOf()]);
  t.ok(isSameReport({ ...now, at: 1 }, now));
  t.notOk(isSameReport(null, now));
  t.notOk(isSameReport(report({}, [containerOf({ id: 'other' })]), now));
  // Each health check changes these; a report that is sent for each would never end.
  t.ok(isSameReport(report({}, [containerOf({ failingStreak: 2, probedAt: 5, pid: 7 })]), now));
  t.end();
});

t.test('only becoming healthy or unhealthy is a line on the timeline', (t) => {
  const healthy = report({}, [containerOf()]);
  const unhealthy = report({}, [containerOf({ health: 'unhealthy' })]);
  const starting = report({}, [containerOf({ health: 'starting' })]);
  t.strictSame(healthChangeOf(starting, healthy), { status: 'healthy', message: 'Health check passed' });
  t.strictSame(healthChangeOf(healthy, unhealthy), { status: 'unhealthy', message: 'Health check failed: web-web-1' });
  t.equal(healthChangeOf(healthy, healthy), null);
  t.equal(healthChangeOf(healthy, starting), null);
  t.strictSame(healthChangeOf(null, healthy), { status: 'healthy', message: 'Health check passed' });
  t.end();
});
