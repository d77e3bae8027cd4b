import { readdirSync, readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { ExecuteJob } from '../../agent/deploy/job-run.ts';
import { eventually } from '../support/eventually.ts';
import { containerOf, offerOf, specOf, startCore } from '../support/agent-core.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';

const succeed: ExecuteJob = async ({ offer, steps }) => {
  await steps.run('apply', () => Promise.resolve());
  return { state: 'succeeded', goodRevision: offer.spec?.revision ?? null };
};
const hang: ExecuteJob = ({ signal }) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

const start = (t: Test, execute = succeed, clock = new ManualClock()) =>
  startCore(t, { dir: makeFolder(t, 'agent'), execute, clock });
const codes = ({ refused }: { refused: { seq: number; error: { code: string } }[] }) =>
  refused.map(({ seq, error }) => `${seq} ${error.code}`);

t.test('an accepted job is in the journal when its command is acknowledged', (t) => {
  const core = start(t, hang);
  const offer = offerOf('deploy');
  t.strictSame(core.offer(offer), { acked: 1, refused: [] });
  t.match(core.state.journal.findOpen(offer.jobId), { offer, state: 'accepted' });
  t.equal(core.state.services.find('svc_1')?.spec.revision, 1);
  t.end();
});

t.test('A35: a repeated command is acknowledged again and does nothing', async (t) => {
  const core = start(t);
  const command = { seq: 1, body: { kind: 'job.offer', offer: offerOf('deploy') } };
  core.inbox.deliver({ commands: [command] });
  await eventually(() => core.results().length === 1);
  t.strictSame(core.inbox.deliver({ commands: [command] }), { acked: 1, refused: [] });
  t.equal(core.state.outbox.last, core.events().length);
  t.equal(core.results().length, 1);
});

t.test('A35: a hole in the sequence is refused and nothing of the batch is taken', (t) => {
  const core = start(t);
  const commands = [1, 3].map((seq) => ({ seq, body: { kind: 'job.offer', offer: offerOf('deploy') } }));
  t.throws(() => core.inbox.deliver({ commands }), { code: 'protocol_violation' });
  t.equal(core.state.commands.last, 0);
  t.strictSame(core.state.journal.openIds(), []);
  t.end();
});

t.test('A35: a number that was another command before is refused', (t) => {
  const core = start(t);
  core.offer(offerOf('deploy'));
  const other = { seq: 1, body: { kind: 'job.offer', offer: offerOf('deploy') } };
  t.throws(() => core.inbox.deliver({ commands: [other] }), { code: 'protocol_violation' });
  t.end();
});

t.test('A35: a command without a number or a kind is refused', (t) => {
  const core = start(t);
  for (const command of [
    null,
    'x',
    {},
    { seq: 0, body: { kind: 'job.cancel' } },
    { seq: 1, body: null },
    { seq: 1.5 },
  ]) {
    t.throws(() => core.inbox.deliver({ commands: [command] }), { code: 'protocol_violation' });
  }
  t.equal(core.state.commands.last, 0);
  t.end();
});

t.test('A38: an unknown command or job kind is refused as unsupported and takes its number', (t) => {
  const core = start(t);
  const commands = [
    { seq: 1, body: { kind: 'host.reboot' } },
    { seq: 2, body: { kind: 'job.offer', offer: { ...offerOf('deploy'), kind: 'teleport' } } },
  ];
  const answer = core.inbox.deliver({ commands });
  t.strictSame(codes(answer), ['1 unsupported', '2 unsupported']);
  t.equal(answer.acked, 2);
  t.strictSame(core.state.journal.openIds(), []);
  t.end();
});

t.test('A38: a known command that does not follow its schema is refused', (t) => {
  const core = start(t);
  const offer = { ...offerOf('deploy'), spec: { ...specOf(), name: '../etc' } };
  const commands = [{ seq: 1, body: { kind: 'job.offer', offer } }];
  t.strictSame(codes(core.inbox.deliver({ commands })), ['1 protocol_violation']);
  t.equal(core.state.services.find('svc_1'), undefined);
  t.end();
});

t.test('A38: an expired job is refused', (t) => {
  const core = start(t);
  t.strictSame(codes(core.offer(offerOf('deploy', { expiresAt: core.clock.now() }))), ['1 expired']);
  t.equal(core.state.services.find('svc_1'), undefined, 'and leaves no trace');
  t.end();
});

t.test('A38: a job of a lower epoch than the host has seen is stale', (t) => {
  const core = start(t, hang);
  core.offer(offerOf('deploy', { epoch: 5 }));
  t.strictSame(codes(core.offer(offerOf('restart', { epoch: 4 }))), ['2 stale']);
  t.strictSame(codes(core.offer(offerOf('restart', { epoch: 5 }))), []);
  t.end();
});

t.test('A38: a job with an older revision than the host has is stale', (t) => {
  const core = start(t, hang);
  core.offer(offerOf('deploy', { spec: specOf({ revision: 3 }) }));
  t.strictSame(codes(core.offer(offerOf('deploy', { spec: specOf({ revision: 2 }) }))), ['2 stale']);
  t.strictSame(codes(core.offer(offerOf('deploy', { spec: specOf({ revision: 3 }) }))), []);
  t.equal(core.state.services.find('svc_1')?.spec.revision, 3);
  t.end();
});

t.test('A38: work on a service the host does not know is refused, its removal is not', async (t) => {
  const core = start(t);
  t.strictSame(codes(core.offer(offerOf('restart'))), ['1 not_found']);
  const removal = offerOf('remove');
  t.strictSame(codes(core.offer(removal)), []);
  await eventually(() => core.results().length === 1);
  t.match(core.results(), [{ jobId: removal.jobId, state: 'succeeded', unchanged: true }]);
});

t.test('a repeat of a refused command hears the same refusal', (t) => {
  const core = start(t);
  const command = { seq: 1, body: { kind: 'job.offer', offer: offerOf('restart') } };
  const first = core.inbox.deliver({ commands: [command] });
  t.strictSame(core.inbox.deliver({ commands: [command] }), first);
  t.strictSame(codes(first), ['1 not_found']);
  t.end();
});

t.test('a new offer of a job that has ended is answered with its result and runs nothing', async (t) => {
  let runs = 0;
  const core = start(t, (run) => {
    runs += 1;
    return succeed(run);
  });
  const offer = offerOf('deploy');
  core.offer(offer);
  await eventually(() => core.results().length === 1);
  t.strictSame(core.offer({ ...offer, epoch: 2 }), { acked: 2, refused: [] });
  t.equal(core.results().length, 2);
  t.strictSame(core.results()[0], core.results()[1]);
  t.equal(runs, 1);
});

t.test('a new offer of a job under way is answered with its step', async (t) => {
  const core = start(t, ({ steps, signal }) => steps.run('pull', () => hang({ signal } as Parameters<ExecuteJob>[0])));
  const offer = offerOf('deploy');
  core.offer(offer);
  await eventually(() => core.events().length === 1);
  core.offer(offer);
  t.match(core.events(), [
    { kind: 'job.step', progress: { step: 'pull', state: 'running' } },
    { kind: 'job.step', progress: { step: 'pull', state: 'running' } },
  ]);
});

t.test('a tombstone is honoured once Docker has nothing of the service', async (t) => {
  const core = start(t);
  core.offer(offerOf('deploy'));
  await eventually(() => core.results().length === 1);
  core.docker.projects.set('web', [containerOf()]);
  core.send({ kind: 'service.forget', serviceId: 'svc_1', revision: 1 });
  core.clock.advance(1000);
  await eventually(() => core.events().some(({ kind }) => kind === 'service.report'));
  t.ok(core.state.services.find('svc_1'), 'containers are left: it is kept');
  core.docker.projects.delete('web');
  core.docker.happened('web');
  core.clock.advance(1000);
  await eventually(() => core.state.services.find('svc_1') === undefined);
});

t.test('a tombstone of an older revision is ignored', async (t) => {
  const core = start(t);
  core.offer(offerOf('deploy', { spec: specOf({ revision: 4 }) }));
  await eventually(() => core.results().length === 1);
  core.send({ kind: 'service.forget', serviceId: 'svc_1', revision: 3 });
  t.equal(core.state.services.find('svc_1')?.forgetRevision, null);
});

t.test('variables are not readable in the database file', (t) => {
  const dir = makeFolder(t, 'agent');
  const core = startCore(t, { dir, execute: hang });
  core.offer(offerOf('deploy'));
  core.state.transact(() => core.state.outbox.prune());
  for (const file of readdirSync(dir)) t.notOk(readFileSync(`${dir}/${file}`).includes('canary-3f9a'), file);
  t.end();
});
