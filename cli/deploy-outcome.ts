// From a job that was started to what the command says about it in the end.
import type { FollowedJob } from './follow-job.ts';
import { followJob } from './follow-job.ts';
import { JobFailedError } from './failures.ts';
import { progressView } from './progress-view.ts';
import type { JobKind } from '#shared/jobs.ts';
import type { JobDetail } from './api-types.ts';
import type { Session } from './command.ts';

/** Shows the job's steps until it ends; throws JobFailedError for every end but a good one. */
export async function watchJob({ world, client, output }: Session, job: FollowedJob): Promise<JobDetail> {
  using view = progressView(world);
  const ended = await followJob(client, world.clock, job, output.isJson ? { progress: () => {} } : view);
  if (ended.state !== 'succeeded') throw failureOf(ended);
  return ended;
}

/** What a job that went well has come to; `done`: in a word, for one that did what was asked for. */
export function inWords({ service_name: name, kind, unchanged }: JobDetail, done: string): string {
  if (kind === 'propose')
    return `${name}: a proposal waits for review; \`longshore services proposal ${name}\` shows it`;
  return `${name}: ${unchanged ? 'nothing had to change' : done}`;
}

function failureOf(job: JobDetail): JobFailedError {
  const where = job.failed_step === null ? '' : ` at step ${job.failed_step}`;
  const putBack = job.rolled_back_to === null ? '' : `revision ${job.rolled_back_to} was put back; `;
  const hint = `${putBack}\`longshore jobs log ${job.id}\` shows every step`;
  const title = `The ${nounOf(job.kind)} of "${job.service_name}" ${job.state}${where}`;
  return JobFailedError.from(title, job.error, hint);
}

/** The kinds that are no nouns; `restore` and the like will do. */
const NOUNS: Partial<Record<JobKind, string>> = {
  remove: 'removal',
  forget_backup: 'removal of a backup',
  propose: 'proposal for a deploy',
  adopt: 'adoption',
  accept: 'acceptance',
};

const nounOf = (kind: JobKind): string => NOUNS[kind] ?? kind;
