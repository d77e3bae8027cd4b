// Which work each kind of job means. Loaded with the first job; what most agents never do is loaded when they do it.
import type { JobKind } from '#shared/jobs.ts';
import { backup } from '../backup/backup.ts';
import { restore } from '../backup/restore.ts';
import { deploy } from './deploy.ts';
import type { JobOutcome } from './job-run.ts';
import { restart, start, stop } from './operate.ts';
import { remove } from './remove.ts';
import { rollback } from './revisions/rollback.ts';
import type { Task } from './task.ts';

/** Work that leaves the good revision as it is. */
const keepingRevision =
  (work: (task: Task) => Promise<void>) =>
  async (task: Task): Promise<JobOutcome> => {
    await work(task);
    return { state: 'succeeded', goodRevision: task.run.service.goodRevision };
  };

export const WORK: Record<Exclude<JobKind, 'forget_backup'>, (task: Task) => Promise<JobOutcome>> = {
  deploy,
  redeploy: deploy,
  rollback,
  adopt: async (task) => {
    const { adopt } = await import('./adoption/adopt.ts');
    return adopt(task);
  },
  revert: async (task) => {
    const { revert } = await import('./drift/revert.ts');
    return revert(task);
  },
  accept: async (task) => {
    const { accept } = await import('./drift/accept.ts');
    return accept(task);
  },
  propose: async (task) => {
    const { propose } = await import('./plan/propose.ts');
    return propose(task);
  },
  start: keepingRevision(start),
  stop: keepingRevision(stop),
  restart: keepingRevision(restart),
  remove: async (task) => {
    await remove(task);
    return { state: 'succeeded', goodRevision: null };
  },
  backup,
  restore: keepingRevision(restore),
  drill: async (task) => {
    const { drill } = await import('../backup/drill.ts');
    return drill(task);
  },
};
