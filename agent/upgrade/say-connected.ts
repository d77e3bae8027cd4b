// The agent's word that control has welcomed it: root, which may just have put this version in place, takes it back
// otherwise (systemd/upgrade.mts).
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toLongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';

/** False: root does not hear it, and may take this version back. `runtimeDir`: null when systemd gave none. */
export async function sayConnected(runtimeDir: string | null, agentVersion: string, log: Logger): Promise<boolean> {
  if (runtimeDir === null) return true;
  try {
    await writeFile(join(runtimeDir, 'connected'), `${agentVersion}\n`);
    return true;
  } catch (error) {
    log.warn({ err: toLongshoreError(error) }, 'could not say that the agent is connected');
    return false;
  }
}
