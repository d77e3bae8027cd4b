// Where this agent was installed, and what root's half of an upgrade (systemd/upgrade.mts) says of it there. Root writes
// these files, so they are believed.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { UpgradeProgress } from '#shared/protocol/upgrade-parts.ts';

/** As install.sh lays it out: INSTALL/releases/VERSION/lib. Null: it runs from somewhere else, and nobody upgrades it. */
export const findInstallDir = (ownDir: string): string | null =>
  /^(\/.+)\/releases\/[^/]+\/lib$/.exec(ownDir)?.[1] ?? null;

/** What root says of this order; undefined: nothing. */
export async function readRootWord(installDir: string, orderId: string): Promise<UpgradeProgress | undefined> {
  const outcome = await readNote(join(installDir, 'upgrade.json'));
  const reason = outcome?.['reason'];
  if (outcome?.['id'] === orderId) {
    const phase = outcome['state'] as 'upgraded' | 'reverted' | 'refused';
    return { phase, percent: null, reason: typeof reason === 'string' ? reason : null };
  }
  const upgrading = await readNote(join(installDir, 'upgrading.json'));
  return upgrading?.['id'] === orderId ? { phase: 'restarting', percent: null, reason: null } : undefined;
}

/** Undefined: it is not there. Root replaces it whole. */
async function readNote(path: string): Promise<Record<string, unknown> | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>);
}
