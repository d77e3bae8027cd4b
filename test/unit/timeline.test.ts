import t from 'tap';
import type { JobKind, JobResult } from '#shared/model.ts';
import { timelineOf } from '../../agent/jobs/timeline.ts';
import { specOf } from '../support/agent-core.ts';

const resultOf = (over: Partial<JobResult> = {}): JobResult => ({
  jobId: 'job_1',
  serviceId: 'svc_1',
  state: 'succeeded',
  startedAt: 1,
  finishedAt: 2,
  ...over,
});
const linesOf = (kind: JobKind, result: Partial<JobResult> = {}, spec = specOf()) =>
  timelineOf(kind, resultOf(result), spec).map(({ type, status, message }) => `${type} ${status}: ${message}`);

const DONE: [JobKind, string][] = [
  ['deploy', 'deploy success: Deployed from a compose file'],
  ['redeploy', 'deploy success: Redeployed from a compose file'],
  ['start', 'start success: Started'],
  ['stop', 'stop success: Stopped'],
  ['restart', 'restart success: Restarted'],
  ['remove', 'remove success: Removed'],
];
for (const [kind, line] of DONE) {
  t.test(`${kind} → ${line}`, (t) => {
    t.strictSame(linesOf(kind), [line]);
    t.end();
  });
}

t.test('a template is named', (t) => {
  const spec = specOf({ method: 'template', template: { id: 'uptime-kuma', version: 2 } });
  t.strictSame(linesOf('deploy', {}, spec), ['deploy success: Deployed from template uptime-kuma']);
  t.end();
});

t.test('a failure tells the step, the cause and the way back', (t) => {
  const error = { code: 'unhealthy', message: 'The service did not become healthy', details: 'refused' };
  t.strictSame(linesOf('deploy', { state: 'failed', failedStep: 'wait', error, rolledBackTo: 3 }), [
    'deploy failed: wait: The service did not become healthy: refused',
    'rollback success: Put revision 3 back',
  ]);
  t.end();
});

t.test('a cancelled or superseded job says so', (t) => {
  const error = { code: 'superseded', message: 'A newer job took its place' };
  t.strictSame(linesOf('restart', { state: 'superseded', error }), ['restart superseded: A newer job took its place']);
  t.end();
});

t.test('a message stays within the schema', (t) => {
  const error = { code: 'apply_failed', message: 'x'.repeat(10_000) };
  t.ok((linesOf('deploy', { state: 'failed', error })[0] ?? '').length < 4096);
  t.end();
});
