// Patterns of template variables: how long one may take, and whose time counts.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { matchesWhole } from '../../control/templates/match-pattern.ts';

t.test('a pattern takes the whole value or none of it', async (t) => {
  t.equal(matchesWhole('[a-z]+|[0-9]+', 'abc'), true);
  t.equal(matchesWhole('[a-z]+|[0-9]+', 'abc1'), false);
});

t.test('a pattern that comes to no end is stopped', async (t) => {
  t.equal(matchesWhole('(a+)+b', 'a'.repeat(60)), undefined);
});

t.test('a machine that runs something else meanwhile is no fault of the pattern', async (t) => {
  const child = fork(fileURLToPath(new URL('../support/match-slowly.ts', import.meta.url)));
  t.teardown(() => child.kill('SIGKILL'));
  const answers: unknown[] = [];
  child.on('message', (answer) => answers.push(answer));
  await once(child, 'message');
  for (let stops = 0; stops < 30; stops++) {
    child.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 60)); // longer than a round may take
    child.kill('SIGCONT');
    await once(child, 'message');
  }
  t.strictSame([...new Set(answers)], [false]);
});
