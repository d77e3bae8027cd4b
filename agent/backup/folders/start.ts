// Who works on the folders of volumes on this host.
import { toLongshoreError } from '#shared/errors.ts';
import type { Scope } from '#shared/lifecycle.ts';
import { RestoreContainers, type ContainedDeps } from './contained-folders.ts';
import { ownFolders } from './own-folders.ts';
import type { OpenFolders } from './volume-folders.ts';

export interface FoldersDeps extends ContainedDeps {
  untilDockerAnswers: (signal: AbortSignal) => Promise<void>;
}

/** By the agent itself where it is root. */
export function startFolders(deps: FoldersDeps, scope: Scope): OpenFolders {
  if (process.geteuid?.() === 0) return () => ownFolders;
  const containers = new RestoreContainers(deps);
  scope.run('containers of restores', async (signal) => {
    const swept = deps.untilDockerAnswers(signal).then(() => containers.sweep());
    await swept.catch((error: unknown) => {
      deps.log.warn({ err: toLongshoreError(error) }, 'what restores have left was not looked for');
    });
  });
  return containers.open;
}
