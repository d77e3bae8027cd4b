// An upgrade of a host's agent, as control orders it and the host tells of it. The rules of schema.ts hold here too.
import * as z from 'zod';
import { isVersion } from '../release/version.ts';
import { lazy } from './parts.ts';

/*
 * downloading ─▶ handed_over ─▶ restarting ─▶ upgraded | reverted      (root has it from handed_over on)
 *      └─▶ failed     └─▶ refused
 */
export const UPGRADE_PHASES = [
  'downloading',
  'handed_over',
  'restarting',
  'upgraded',
  'reverted',
  'refused',
  'failed',
] as const;
export type UpgradePhase = (typeof UPGRADE_PHASES)[number];

/** A repeat of an order begins nothing: it asks how it stands. */
export const upgradeOrder = lazy(() =>
  z.object({
    id: z.string().regex(/^upg_[0-9a-z]{6,40}$/),
    version: z.string().refine(isVersion),
    /** An older version than the one that runs is wanted. */
    allowsDowngrade: z.boolean(),
  }),
);
export type UpgradeOrder = z.infer<ReturnType<typeof upgradeOrder>>;

export const upgradeProgress = lazy(() =>
  z.object({
    /** One that a newer host has reads as under way. */
    phase: z.enum(UPGRADE_PHASES).catch('handed_over'),
    /** Of the download. */
    percent: z.number().int().min(0).max(100).nullable(),
    /** Why it was reverted, refused or failed. */
    reason: z.string().max(4096).nullable(),
  }),
);
export type UpgradeProgress = z.infer<ReturnType<typeof upgradeProgress>>;
