// A process that carries out one job about a backup as an agent would, to be killed in the middle of it: forked with the job
// in its first argument, ends with 0 when the job has succeeded.
import type { JobStep } from '#shared/jobs.ts';
import type { ServiceSpec } from '#shared/model.ts';
import { backupsIn } from './backups.ts';
import { DeployHost, partsIn, StepLog } from './deploy-host.ts';
import { foldersBy, type Worker } from './volume-folders.ts';

export interface BackupRole {
  dataDir: string;
  spec: ServiceSpec;
  kind: 'backup' | 'restore';
  backupId: string;
  /** Who works on the volumes. */
  worker: Worker;
  /** Steps that an attempt before has begun and not ended. */
  interrupted: JobStep[];
}

const { dataDir, spec, kind, backupId, worker, interrupted } = JSON.parse(process.argv[2] ?? '') as BackupRole;
const parts = partsIn(dataDir, new AbortController().signal);
const backups = backupsIn(dataDir, {}, new Map(), [spec.id]);
const openFolders = foldersBy(worker, parts.engine, dataDir);
const host = new DeployHost({ ...parts, backups, openFolders }, spec);
host.goodRevision = spec.revision;
const steps = new StepLog(Object.fromEntries(interrupted.map((step) => [step, 1])));
steps.onStep = (step) => process.send?.({ step });
const outcome = await host.run({ kind, backupId, steps });
if (outcome.state !== 'succeeded') process.send?.({ error: outcome.error.message, details: outcome.error.details });
process.exit(outcome.state === 'succeeded' ? 0 : 1);
