// Health checks as people type them.
import t from 'tap';
import { parseHealthChecks, printHealthCheck } from '../../cli/health-check.ts';

t.test('a check is a kind and what is known of it', async (t) => {
  t.same(parseHealthChecks(['http', 'tcp service=db port=5432', 'exec -- pg_isready -U app']), [
    { type: 'http' },
    { type: 'tcp', service: 'db', port: 5432 },
    { type: 'exec', command: ['pg_isready', '-U', 'app'] },
  ]);
  const whole =
    'http path=/up?a=b host=shop.test status=204 interval=1m timeout=3s start-period=2m failures=5 passes=2 port=80';
  t.same(parseHealthChecks([whole]), [
    {
      type: 'http',
      path: '/up?a=b',
      host: 'shop.test',
      expect_status: 204,
      interval_s: 60,
      timeout_s: 3,
      start_period_s: 120,
      failure_threshold: 5,
      success_threshold: 2,
      port: 80,
    },
  ]);
});

t.test('an argument with spaces takes a JSON list, as in a Dockerfile', async (t) => {
  t.same(parseHealthChecks(['exec service=db -- ["sh", "-c", "test -e  /up && exit 0"]', 'exec -- test -e -- /up']), [
    { type: 'exec', service: 'db', command: ['sh', '-c', 'test -e  /up && exit 0'] },
    { type: 'exec', command: ['test', '-e', '--', '/up'] },
  ]);
});

t.test('none removes them', async (t) => t.same(parseHealthChecks(['none']), []));

t.test('what is no check is refused by name', async (t) => {
  const odd = [
    '',
    'udp',
    'http /up',
    'http port=x',
    'http what=1',
    'exec',
    'exec --',
    'exec ls',
    'tcp -- ls',
    'tcp constructor=1',
    'exec -- sh -c "exit 0"',
    'exec -- ["sh", 1]',
    'exec -- []',
  ];
  for (const text of odd) {
    t.throws(() => parseHealthChecks([text]), { code: 'bad_request', message: /--health-check/ }, text);
  }
});

t.test('one is shown in a few words', async (t) => {
  t.equal(printHealthCheck({ type: 'http', service: 'web', port: 80, path: '/up' }), 'http web:80/up');
  t.equal(printHealthCheck({ type: 'exec', command: ['pg_isready', '-q'] }), 'exec pg_isready -q');
});
