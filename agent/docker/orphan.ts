// Finds and ends what an agent that was killed left running. Each child of ours carries LONGSHORE_RUN=<the service's
// folder, or one within> in its environment, set at birth and inherited by its own children, so there is no moment at
// which a child runs unrecorded and no process id that could have been given to somebody else since.
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { LongshoreError } from '#shared/errors.ts';

export const RUN_VARIABLE = 'LONGSHORE_RUN';

/** SIGKILL works at once unless the process sits in an uninterruptible call. */
const DEATH_LIMIT_MS = 10_000;
const LOOK_EVERY_MS = 10;

/**
 * Kills every process of an earlier run in this folder and waits until they are gone. Returns how many there were.
 * Must not be called while a run of our own is under way there.
 */
export async function reapOrphans(directory: string): Promise<number> {
  const found = await findRuns(directory);
  for (const pid of found) kill(pid);
  for (let waitedMs = 0; (await findRuns(directory)).length > 0; waitedMs += LOOK_EVERY_MS) {
    if (waitedMs > DEATH_LIMIT_MS) {
      throw new LongshoreError('interrupted', { details: 'a compose process of an earlier attempt does not end' });
    }
    await delay(LOOK_EVERY_MS); // not our child: there is no event to wait for
  }
  return found.length;
}

async function findRuns(directory: string): Promise<number[]> {
  const mark = `\0${RUN_VARIABLE}=${directory}`;
  const pids = (await readdir('/proc')).filter((name) => /^[1-9]\d*$/.test(name)).map(Number);
  const environments = await Promise.all(pids.map(async (pid) => `\0${await readEnvironment(pid)}\0`));
  return pids.filter((_, index) => ['\0', '/'].some((end) => environments[index]?.includes(mark + end)));
}

/** Empty for a zombie, for what is gone meanwhile, and for what is not ours to read. */
const readEnvironment = (pid: number): Promise<string> => readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
