// What suspending and resuming mean for one service, case by case.
import t from 'tap';
import type { JobKind, JobState } from '#shared/jobs.ts';
import type { ServiceReport } from '#shared/model.ts';
import { planResume, planSuspend } from '../../control/app/customers/suspension-plan.ts';
import { reportOf } from '../support/fake-host.ts';

type Service = Parameters<typeof planSuspend>[0];

const service = (more: Partial<Service> = {}): Service => ({
  lifecycle: 'running',
  deployedAt: 1,
  report: reportOf('svc_1'),
  suspendedFrom: null,
  isEnabled: true,
  ...more,
});
const job = (kind: JobKind, state: JobState = 'running', expiresAt: number | null = null) => ({
  kind,
  state,
  expiresAt,
});
const withContainer = (state: 'running' | 'restarting' | 'exited'): ServiceReport =>
  reportOf('svc_1', { containers: [{ state } as ServiceReport['containers'][number]] });

t.test('suspending stops what runs or is being deployed, and notes it', async (t) => {
  const never = { deployedAt: null, report: null, lifecycle: 'deploying' } as const;
  const cases: [string, Service, Parameters<typeof planSuspend>[1], ReturnType<typeof planSuspend>][] = [
    ['runs', service(), [], { from: 'running', action: 'stop' }],
    ['is stopped', service({ lifecycle: 'stopped' }), [], { from: null, action: 'leave' }],
    ['is stopped and backed up', service({ lifecycle: 'stopped' }), [job('backup')], { from: null, action: 'leave' }],
    [
      'lies still in the middle of a restore, which will start it again',
      service({ lifecycle: 'stopped', report: withContainer('exited') }),
      [job('restore')],
      { from: null, action: 'stop' },
    ],
    ['runs and is backed up', service(), [job('backup')], { from: 'running', action: 'stop' }],
    ['has failed', service({ lifecycle: 'failed' }), [], { from: null, action: 'leave' }],
    [
      'has failed, and Docker starts it over and over',
      service({ lifecycle: 'failed', report: withContainer('restarting') }),
      [],
      { from: null, action: 'stop' },
    ],
    [
      'has failed and lies still',
      service({ lifecycle: 'failed', report: withContainer('exited') }),
      [],
      { from: null, action: 'leave' },
    ],
    ['is deployed anew', service({ lifecycle: 'deploying' }), [job('redeploy')], { from: 'deploying', action: 'stop' }],
    [
      'is deployed for the first time',
      service(never),
      [job('deploy', 'offered')],
      { from: 'deploying', action: 'stop' },
    ],
    [
      'was never heard of by its host',
      service(never),
      [job('deploy', 'queued')],
      { from: 'deploying', action: 'call_off' },
    ],
    [
      'is being started',
      service({ lifecycle: 'stopped' }),
      [job('start', 'accepted')],
      { from: 'running', action: 'stop' },
    ],
    ['is being restarted', service(), [job('restart')], { from: 'running', action: 'stop' }],
    [
      'is being stopped by its user, which could expire before the host is back',
      service(),
      [job('stop', 'offered', 99)],
      { from: null, action: 'stop' },
    ],
    ['is being stopped for good', service(), [job('stop', 'queued')], { from: null, action: 'leave' }],
    ['is being removed', service(), [job('remove')], { from: null, action: 'leave' }],
    [
      'cut off before, and being stopped',
      service({ lifecycle: 'deploying' }),
      [job('deploy'), job('stop')],
      { from: null, action: 'leave' },
    ],
  ];
  for (const [name, facts, open, step] of cases) t.strictSame(planSuspend(facts, open), step, name);
});

t.test('resuming starts what ran, deploys what was being deployed, and leaves the rest', async (t) => {
  t.equal(planResume(service({ suspendedFrom: 'running' }), []), 'start');
  t.equal(planResume(service({ suspendedFrom: 'running' }), [job('stop', 'queued')]), 'start');
  t.equal(planResume(service({ suspendedFrom: 'deploying' }), [job('stop')]), 'deploy');
  t.equal(planResume(service(), []), null, 'not marked');
  t.equal(planResume(service({ suspendedFrom: 'running', isEnabled: false }), []), null, 'disabled since');
  t.equal(planResume(service({ suspendedFrom: 'running' }), [job('remove', 'queued')]), null, 'being removed');
});
