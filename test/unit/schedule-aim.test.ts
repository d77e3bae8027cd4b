// Which services a schedule is for, and which of them it leaves alone.
import t from 'tap';
import type { ScheduleKind, ScheduleSpec } from '#shared/schedule/schedule.ts';
import { aim, type Candidate } from '../../agent/schedule/aim.ts';
import { endOf } from '../../agent/schedule/run.ts';
import { scheduleOf } from '../support/schedules.ts';

const candidate = (over: Partial<Candidate> = {}): Candidate => ({
  id: 'svc_1',
  name: 'web',
  customerId: null,
  labels: {},
  method: 'compose',
  desired: 'running',
  isEnabled: true,
  goodRevision: 1,
  isSetMember: false,
  openJob: undefined,
  ...over,
});

const spec = (kind: ScheduleKind, over: Partial<ScheduleSpec> = {}): ScheduleSpec => scheduleOf({ kind, ...over });

t.test('one service, some, those with all of the labels, or every one; by name; within the customer', async (t) => {
  const all = [
    candidate({ id: 'svc_b', name: 'b', labels: { tier: 'web', zone: 'a' }, customerId: 'cust_1' }),
    candidate({ id: 'svc_a', name: 'a', labels: { tier: 'web' } }),
  ];
  const ids = (over: Partial<ScheduleSpec>) => aim(spec('restart', over), all).map(({ serviceId }) => serviceId);
  t.strictSame(ids({}), ['svc_a', 'svc_b']);
  t.strictSame(ids({ targets: { labels: { tier: 'web', zone: 'a' } } }), ['svc_b']);
  t.strictSame(ids({ targets: { serviceId: 'svc_a' } }), ['svc_a']);
  t.strictSame(ids({ targets: { serviceIds: ['svc_b', 'svc_elsewhere'] } }), ['svc_b']);
  t.strictSame(ids({ customerId: 'cust_1' }), ['svc_b']);
  t.strictSame(ids({ customerId: 'cust_1', targets: { serviceId: 'svc_a' } }), []);
});

const reasons: [kind: ScheduleKind, is: Partial<Candidate>, reason: string | null][] = [
  ['restart', {}, null],
  ['restart', { desired: 'stopped' }, 'it is stopped'],
  ['update', { desired: 'stopped' }, 'it is stopped'],
  ['backup', { desired: 'stopped' }, null],
  ['start', { desired: 'stopped' }, null],
  ['start', { desired: 'stopped', customerId: 'cust_held' }, 'its customer is suspended'],
  ['stop', { desired: 'stopped' }, 'it is stopped already'],
  ['restart', { isEnabled: false }, 'it is disabled'],
  ['backup', { isEnabled: false }, null],
  ['restart', { goodRevision: null }, 'it was never deployed'],
  ['restart', { openJob: 'remove' }, 'it is being removed'],
  ['restart', { openJob: 'redeploy' }, null],
  ['exec', { openJob: 'redeploy' }, 'it is busy: redeploy'],
  ['redeploy', { method: 'ai' }, 'deploys by AI are asked for one by one'],
  ['restart', { method: 'ai' }, null],
  ['redeploy', { isSetMember: true }, 'its set redeploys it'],
  ['update', { isSetMember: true }, 'its set redeploys it'],
  ['restart', { isSetMember: true }, null],
];

t.test('what it leaves alone, and why', async (t) => {
  for (const [kind, is, reason] of reasons) {
    const [found] = aim(spec(kind, { heldCustomers: ['cust_held'] }), [candidate(is)]);
    t.equal(found?.skip, reason, `${kind} ${JSON.stringify(is)}`);
  }
});

t.test('a run is as good as the worst of its targets; of nothing done it is skipped', async (t) => {
  t.equal(endOf([{ state: 'succeeded' }, { state: 'failed' }]), 'failed');
  t.equal(endOf([{ state: 'skipped' }, { state: 'succeeded' }]), 'succeeded');
  t.equal(endOf([{ state: 'skipped' }]), 'skipped');
});
