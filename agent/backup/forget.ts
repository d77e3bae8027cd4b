// Removes one backup from its repository. Needs no service: backups outlive it.
import type { JobRun } from '../deploy/job-run.ts';
import { requireBackupId } from './backup-id.ts';
import type { Repositories } from './repositories.ts';

export type ForgetBackup = (run: Omit<JobRun, 'service'>) => Promise<void>;

export const createForgetBackup =
  (backups: Repositories): ForgetBackup =>
  async ({ offer, steps, signal }) => {
    await steps.run('forget', async () => {
      signal.throwIfAborted();
      await using repository = await backups.find(offer.serviceId, offer.repository ?? null);
      await repository?.forget([requireBackupId({ offer })], signal);
    });
  };
