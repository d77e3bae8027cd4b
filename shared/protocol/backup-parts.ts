// What is said of how a service is backed up. The rules of schema.ts hold here too: append-only, built on first use.
import * as z from 'zod';
import { CONSISTENCIES, DUMP_KINDS, MAX_DUMPS } from '../backup.ts';

export const repositorySpec = () =>
  z.object({
    id: z.string().max(64),
    url: z.string().max(2_000),
    password: z.string().max(4_096),
    env: z.record(z.string(), z.string()),
    privateKey: z.string().optional(),
    knownHosts: z.string().optional(),
  });

const count = () => z.number().int().min(0).max(10_000);

export const backupSettings = () =>
  z.object({
    consistency: z.enum(CONSISTENCIES),
    dumps: z.union([
      z.literal('auto'),
      z
        .array(
          z.object({
            service: z.string().max(100),
            kind: z.enum(DUMP_KINDS),
            command: z.array(z.string()).min(1).optional(),
          }),
        )
        .max(MAX_DUMPS),
    ]),
    retention: z.object({ last: count(), daily: count(), weekly: count(), monthly: count() }).nullable(),
    beforeDeploy: z.boolean(),
    repository: repositorySpec().nullable(),
  });

/** The service whose backup it is. A part of a path on the host. */
export const backupOrigin = () => z.string().regex(/^svc_[0-9A-Za-z_-]{1,64}$/);
export const backupId = () => z.string().regex(/^bkp_[0-9a-z]{6,40}$/);

/** What is streamed of a backup: all of it as a tar, or one of its dumps. Frames are bytes of that. */
export const backupRequest = () =>
  z.object({
    /** Whose backup it is; may be gone. */
    serviceId: backupOrigin(),
    backupId: backupId(),
    repository: repositorySpec().nullable(),
    /** The compose service whose dump is wanted; null: all but dumps. */
    dump: z.string().max(100).nullable(),
  });

export const backupSummary = () =>
  z.object({
    snapshotId: z.string().max(64),
    files: z.number().int().nonnegative(),
    totalBytes: z.number().nonnegative(),
    addedBytes: z.number().nonnegative(),
    consistency: z.enum(CONSISTENCIES).optional(),
    dumps: z.array(z.string().max(100)).max(MAX_DUMPS).optional(),
  });
