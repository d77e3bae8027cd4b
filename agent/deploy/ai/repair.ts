// A proposal that does not build or does not become healthy goes back with what was said, and the next one is tried, at
// most twice. Anything else that ends a job (the policy, the disk, a port that is taken) is no matter of wording.
import { LongshoreError, type ErrorCode } from '#shared/errors.ts';
import type { JobStep } from '#shared/jobs.ts';
import { FAILURE_LOG_CHARS } from '#shared/protocol/ai-parts.ts';
import { createMask, secretsOf } from '../../secrets/mask.ts';
import type { Task } from '../task.ts';
import { hideSecrets } from './hide-secrets.ts';
import { proposalsOf } from './advice.ts';
import type { AiFailure } from './question.ts';

const MAX_REPAIRS = 2;
const STEPS: readonly (JobStep | null)[] = ['normalise', 'pull', 'build', 'apply', 'wait'];
const CODES: readonly ErrorCode[] = [
  'compose_invalid',
  'image_unavailable',
  'build_failed',
  'apply_failed',
  'unhealthy',
  'exited',
  'timed_out',
];
/** What a container said last, of a few that are there. */
const LOG_LINES = 40;
const LOGGED_CONTAINERS = 5;
const MESSAGE_CHARS = 2_000;

/** `work` begins anew after a failure that the AI may mend. Fails as its last attempt does. */
export async function withRepairs(task: Task, work: () => Promise<void>): Promise<void> {
  for (let left = MAX_REPAIRS; ; left--) {
    try {
      return await work();
    } catch (error) {
      const { advice } = task;
      if (!advice || task.run.signal.aborted || !(error instanceof LongshoreError)) throw error;
      const isItsFault = STEPS.includes(task.currentStep) && CODES.includes(error.code);
      // What was approved is deployed or not: another proposal has to be reviewed, too.
      if (!isItsFault || left === 0 || task.approved) {
        if (isItsFault || error.code === 'compose_policy') await forgetProposal(task);
        throw error;
      }
      advice.failure = await failureOf(task, error);
    }
  }
}

async function forgetProposal(task: Task): Promise<void> {
  if (task.checkout) await proposalsOf(task).forget(task.checkout.commit);
}

async function failureOf(task: Task, error: LongshoreError): Promise<AiFailure> {
  const { code, message, details = '' } = error;
  const hasStarted = task.currentStep === 'apply' || task.currentStep === 'wait';
  const logs = hasStarted ? await readLogs(task).catch(() => []) : []; // Docker may be what is gone
  const mask = createMask(secretsOf(task.run.service.spec));
  const clean = (text: string) => hideSecrets(mask?.text(text) ?? text);
  const log = clean([details, ...logs].join('\n')).slice(-FAILURE_LOG_CHARS);
  return { code, message: clean(message).slice(0, MESSAGE_CHARS), log };
}

async function readLogs({ deps: { engine }, workspace }: Task): Promise<string[]> {
  const containers = (await engine.listProject(workspace.name)).slice(0, LOGGED_CONTAINERS);
  const tails = await Promise.all(containers.map(({ id }) => engine.tailLogs(id, LOG_LINES)));
  return containers.flatMap(({ service }, index) => (tails[index] ?? []).map((line) => `${service} | ${line}`));
}
