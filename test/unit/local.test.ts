// What is asked over the socket of a host, and how what is known there reads. Pure.
import t from 'tap';
import type { AgentEventBody } from '#shared/protocol/schema.ts';
import { ACTS_AT_ONCE, ActBudget } from '../../agent/local/act-budget.ts';
import { toEventView } from '../../agent/local/event-view.ts';
import { routeOf } from '../../agent/local/routes.ts';
import { toJobDetail, toServiceView } from '../../agent/local/views.ts';
import { dataDirsOf } from '../../cli/local-client.ts';
import { specOf } from '../support/agent-core.ts';
import { ManualClock } from '../support/manual-clock.ts';

t.test('each question has one path and one method', async (t) => {
  t.strictSame(routeOf('GET', '/status'), { name: 'status' });
  t.strictSame(routeOf('GET', '/services'), { name: 'services' });
  t.strictSame(routeOf('POST', '/services/web/stop'), { name: 'act', service: 'web', verb: 'stop' });
  t.strictSame(routeOf('GET', '/services/we%2Fb/logs'), { name: 'logs', service: 'we/b' });
  t.strictSame(routeOf('GET', '/jobs'), { name: 'jobs' });
  t.strictSame(routeOf('GET', '/jobs/job_1'), { name: 'job', id: 'job_1' });
  t.strictSame(routeOf('GET', '/events'), { name: 'events' });
});

t.test('another method is method_not_allowed, another path not_found', async (t) => {
  for (const [method, path] of [
    ['POST', '/status'],
    ['GET', '/services/web/stop'],
    ['DELETE', '/jobs/job_1'],
  ] as const) {
    t.throws(() => routeOf(method, path), { code: 'method_not_allowed' }, `${method} ${path}`);
  }
  for (const path of [
    '/',
    '',
    '/services/',
    '/services/web',
    '/services/a/b/stop',
    '/services/web/remove',
    '/jobs/%ZZ/x',
  ]) {
    t.throws(() => routeOf('POST', path), { code: 'not_found' }, path);
  }
});

t.test('a broken escape is a name that nobody has', async (t) => {
  t.strictSame(routeOf('GET', '/jobs/%ZZ'), { name: 'job', id: '%ZZ' });
});

t.test('the folder of an agent: the given one, or that of a `longshore up` in it, or the usual places', async (t) => {
  t.strictSame(dataDirsOf('/srv/data'), ['/srv/data', '/srv/data/agent']);
  t.strictSame(dataDirsOf(undefined), ['./data/agent', '/var/lib/longshore']);
});

const record = {
  spec: specOf(),
  desired: 'stopped',
  isEnabled: false,
  goodRevision: 3,
  failure: null,
  forgetRevision: null,
  report: null,
  drift: null,
} as unknown as Parameters<typeof toServiceView>[0];

t.test('a service nobody has seen has no status, and says so', async (t) => {
  t.strictSame(toServiceView(record, null, 'backup'), {
    id: 'svc_1',
    name: 'web',
    status: null,
    health: 'unknown',
    reason: null,
    enabled: false,
    wanted: 'stopped',
    revision: 3,
    failure_count: 0,
    restart_count: 0,
    last_restart_at: null,
    job: 'backup',
    containers: [],
    seen_at: null,
  });
});

t.test('a job shows who gave it, how far it is and why it failed', async (t) => {
  const error = { code: 'exited', message: 'gone' };
  const result = {
    jobId: 'job_1',
    serviceId: 'svc_1',
    state: 'failed',
    error,
    failedStep: 'start',
    startedAt: 0,
    finishedAt: 1,
  };
  const job = {
    id: 'job_1',
    serviceId: 'svc_1',
    kind: 'start',
    state: 'failed',
    cause: 'local',
    startedAt: 0,
    finishedAt: 1,
  };
  t.strictSame(
    toJobDetail({ ...job, result } as Parameters<typeof toJobDetail>[0], 'web', [
      { step: 'start', state: 'failed', intentAt: 0, at: 1 },
    ]),
    {
      id: 'job_1',
      service_id: 'svc_1',
      service_name: 'web',
      kind: 'start',
      state: 'failed',
      cause: 'local',
      error,
      started_at: '1970-01-01T00:00:00.000Z',
      finished_at: '1970-01-01T00:00:00.001Z',
      failed_step: 'start',
      steps: [{ step: 'start', state: 'failed', at: '1970-01-01T00:00:00.001Z' }],
    },
  );
});

t.test('events in words, with names where the host has them', async (t) => {
  const names = {
    service: (id: string) => (id === 'svc_1' ? 'web' : undefined),
    jobKind: () => 'stop',
    schedule: () => undefined,
  };
  const view = (body: object) => toEventView({ seq: 7, at: 0, isTold: false, body: body as AgentEventBody }, names);
  const ids = { jobId: 'job_1', serviceId: 'svc_1' };
  t.strictSame(view({ kind: 'job.local', job: { ...ids, kind: 'stop', cause: 'local', at: 0 } }), {
    seq: 7,
    at: '1970-01-01T00:00:00.000Z',
    kind: 'job.local',
    service_id: 'svc_1',
    service_name: 'web',
    message: 'stop begun (local)',
    told: false,
  });
  const messages = [
    { kind: 'job.finished', result: { ...ids, state: 'succeeded' } },
    { kind: 'job.finished', result: { ...ids, state: 'failed', error: { code: 'exited', message: 'it is gone' } } },
    { kind: 'service.report', report: { serviceId: 'svc_2', lifecycle: 'failed', health: 'unknown', reason: 'why' } },
    { kind: 'service.event', serviceId: 'svc_1', message: 'Health check passed' },
    { kind: 'schedule.run', run: { scheduleId: 'sch_1', state: 'running' } },
    { kind: 'gap', counts: { 'service.event': 3, 'job.step': 40 } },
  ].map((body) => view(body).message);
  t.strictSame(messages, [
    'stop succeeded',
    'stop failed: it is gone',
    'failed, unknown: why',
    'Health check passed',
    'schedule sch_1: running',
    'dropped: 3 service.event, 40 job.step',
  ]);
});

t.test('acts: many at once, then one every few seconds, and never more than many', async (t) => {
  const clock = new ManualClock();
  const budget = new ActBudget(clock);
  const act = () => {
    budget.require();
    budget.spend();
  };
  const actAll = () => {
    for (let i = 0; i < ACTS_AT_ONCE; i++) act();
  };
  actAll();
  clock.advance(2_500);
  t.throws(act, { code: 'rate_limited', retryAfter: 4 });
  clock.advance(3_500);
  act();
  t.throws(act, { code: 'rate_limited', retryAfter: 6 });
  clock.advance(3_600_000);
  actAll();
  t.throws(act, { code: 'rate_limited' });
});
