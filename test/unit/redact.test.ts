import t from 'tap';
import { redactOutcome, redactorOf } from '../../agent/jobs/redact.ts';
import { LongshoreError } from '../../shared/errors.ts';

const redact = redactorOf(['correct-horse', 'correct-horse-battery', '1234', '']);

t.test('secrets are taken out, the longest first', async (t) => {
  t.equal(redact('run --requirepass correct-horse-battery as correct-horse'), 'run --requirepass *** as ***');
});

t.test('what is short or no secret stays readable', async (t) => {
  t.equal(redact('port 1234 in production'), 'port 1234 in production');
  t.equal(redactorOf([])('correct-horse'), 'correct-horse');
});

t.test('an error is told without secrets in any of its texts', async (t) => {
  const error = new LongshoreError('exited', {
    message: 'bad flag correct-horse',
    details: 'argv: correct-horse-battery',
    fields: { 'services.db.command': 'has correct-horse' },
  });
  const told = redactOutcome({ state: 'failed', error, goodRevision: 3 }, redact);
  t.match(told, { state: 'failed', goodRevision: 3 });
  t.notMatch(JSON.stringify('error' in told && told.error.toWire()), /correct/);
  t.match('error' in told && told.error.toWire(), { code: 'exited', message: 'bad flag ***' });
});

t.test('a plan is told without secrets, however the job ended', async (t) => {
  const plan = [{ service: 'web', action: 'recreate' as const, reason: 'image changed a:1 → b:correct-horse' }];
  const told = redactOutcome({ state: 'succeeded', goodRevision: 1, plan }, redact);
  t.same(told.plan, [{ service: 'web', action: 'recreate', reason: 'image changed a:1 → b:***' }]);
});
