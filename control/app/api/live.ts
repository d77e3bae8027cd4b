// Live events: what the bus carries.
import type { BackupKind } from '#shared/backup.ts';
import type { JobState, JobStep, StepState } from '#shared/jobs.ts';
import type { Health, Lifecycle } from '#shared/model.ts';
import type { Host } from './hosts.ts';

export const LIVE_TYPES = [
  'deploy.progress',
  'service.status',
  'service.logs',
  'service.stats',
  'backup.progress',
  'host.status',
  'health.changed',
] as const;
export type LiveType = (typeof LIVE_TYPES)[number];

/** What the bus carries, before a socket turns it into the documented message. */
export type LiveEvent =
  | {
      type: 'deploy.progress';
      serviceId: string;
      jobId: string;
      step: JobStep | 'job';
      /** For step `job`: how the job ended. */
      state: StepState | JobState;
      percent?: number | undefined;
      message?: string | undefined;
      at: number;
    }
  | {
      type: 'service.status';
      serviceId: string;
      lifecycle: Lifecycle;
      health: Health;
      reason: string | null;
      at: number;
    }
  | { type: 'health.changed'; serviceId: string; health: Health; at: number }
  | {
      type: 'backup.progress';
      serviceId: string;
      backupId: string;
      jobId: string;
      kind: BackupKind;
      /** `running`, then how the job ended. */
      state: JobState;
      percent?: number | undefined;
      bytesDone?: number | undefined;
      totalBytes?: number | undefined;
      /** At the end. */
      message?: string | undefined;
      at: number;
    }
  | { type: 'host.status'; hostId: string; status: Host['status']; at: number };

export interface Bus {
  publish(event: LiveEvent): void;
  subscribe(listener: (event: LiveEvent) => void): () => void;
}
