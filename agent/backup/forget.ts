// Removes one backup from its repository. Needs no service: backups outlive it.
import type { JobRun } from '../deploy/job-run.ts';
import { requireBackupId } from './backup.ts';
import type { Repositories } from './repositories.ts';

export type ForgetBackup = (run: Omit<JobRun, 'service'>) => Promise<void>;

export const createForgetBackup =
  (backups: Repositories): ForgetBackup =>
  async ({ offer, steps, signal }) => {
    await steps.run('forget', async () => {
      signal.throwIfAborted();
      const repository = await backups.find(offer.serviceId);
      await repository?.forget(requireBackupId({ offer }), signal);
    });
  };
