// Whom the end of a program may reach. Real containers: test/e2e/exec.test.ts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { endProgram } from '../../agent/exec/end-program.ts';
import type { RunningExec } from '../../agent/docker/running-exec.ts';
import { systemClock } from '#shared/time.ts';
import { FakeExec } from '../support/fake-exec.ts';

t.test('a process that is not of the container is left alone, whatever number Docker names', async (t) => {
  const stranger = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
  t.teardown(() => stranger.kill('SIGKILL'));
  await once(stranger, 'spawn');
  const pid = stranger.pid as number;
  const exec: RunningExec = new FakeExec('c0ffee', { command: ['sleep'] });
  exec.inspect = () => Promise.resolve({ isRunning: true, exitCode: null, pid });
  const asked: unknown[] = [];
  const engine = {
    startExec: (_container: string, { command }: { command: readonly string[] }) => {
      asked.push(command);
      return Promise.reject(new Error('no shell'));
    },
  };
  const program = { exec, containerId: 'c0ffee', user: undefined, hasTerminal: false };
  t.equal(await endProgram(program, { engine, clock: systemClock }), false);
  t.same(asked, [], 'nor is its number used inside');
  t.ok(stranger.kill(0), 'it lives');
});
