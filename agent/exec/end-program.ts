// Ends a program that was run inside a container and is not wanted any more. Docker cannot do that (its API starts such
// programs and lets go of them), and the agent may not signal processes of others; so it is done from the inside, by the
// shell of the container and as the same user. A container without a shell leaves it to the agent where that is root.
//
// The program leads a session and a group of its own, so its children are in the group unless they left it.
import { readFile } from 'node:fs/promises';
import { sleep, type Clock } from '#shared/time.ts';
import type { Engine } from '../docker/engine.ts';
import type { ExecState, RunningExec } from '../docker/running-exec.ts';

export interface Program {
  exec: RunningExec;
  containerId: string;
  user: string | undefined;
  /** Its session ends as when a terminal is closed. */
  hasTerminal: boolean;
}

export interface EndDeps {
  engine: Pick<Engine, 'startExec'>;
  clock: Clock;
}

/** For a program to tidy up. */
const GRACE_MS = 1_000;
const LOOK_EVERY_MS = 50;
/** Ours, and the same for everybody: a signal and a number. Both dash and busybox take it in this form only. */
const KILL_GROUP = 'kill "-$1" "-$2"';

/** Whether it has ended. Never rejects. */
export async function endProgram(program: Program, deps: EndDeps): Promise<boolean> {
  const { exec, hasTerminal } = program;
  try {
    const { isRunning, pid } = await exec.inspect();
    if (!isRunning) return true;
    for (const signal of [hasTerminal ? 'HUP' : 'TERM', 'KILL']) {
      const isSent = await signalInside(program, pid, signal, deps);
      if (isSent && !(await lastState(exec, deps.clock, GRACE_MS)).isRunning) return true;
    }
    if (await isInside(pid, program.containerId)) killFromOutside(pid);
    return !(await lastState(exec, deps.clock, LOOK_EVERY_MS)).isRunning;
  } catch {
    return false; // Docker does not answer
  }
}

/** As soon as it has ended, or as it is when the time is over. */
export async function lastState(exec: RunningExec, clock: Clock, withinMs: number): Promise<ExecState> {
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    const state = await exec.inspect();
    if (!state.isRunning || waitedMs >= withinMs) return state;
    await sleep(clock, LOOK_EVERY_MS);
  }
}

/** Whether it was sent. */
async function signalInside(
  { containerId, user }: Program,
  pid: number,
  signal: string,
  { engine, clock }: EndDeps,
): Promise<boolean> {
  const innerPid = await findInnerPid(pid, containerId);
  if (innerPid === undefined) return false;
  const command = ['sh', '-c', KILL_GROUP, 'sh', signal, innerPid];
  try {
    const kill = await engine.startExec(containerId, { command, user });
    for await (const _ of kill.output); // a container without a shell says so
    return (await lastState(kill, clock, GRACE_MS)).exitCode === 0;
  } catch {
    return false; // the container went away, and the program with it
  }
}

/** As the container's own processes know it: the last of its numbers (proc(5), NSpid). */
async function findInnerPid(pid: number, containerId: string): Promise<string | undefined> {
  if (!(await isInside(pid, containerId))) return undefined;
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return /^NSpid:.*\t([1-9]\d*)$/m.exec(status)?.[1];
}

/** Another may have the number by now, or Docker may count from elsewhere than we do. Its cgroup tells whose it is. */
async function isInside(pid: number, containerId: string): Promise<boolean> {
  return (await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')).includes(containerId);
}

function killFromOutside(pid: number): void {
  try {
    if (pid > 1) process.kill(-pid, 'SIGKILL');
  } catch {
    // ended just now, or not ours to signal
  }
}
