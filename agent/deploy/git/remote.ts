// A repository as git is let near it: its address judged and pinned, its credentials at hand for as long as the work takes.
//
// A stranger's (a customer's service, an AI deploy) gets less: public addresses only, no redirects to elsewhere, and none
// of the host's own keys.
import { LongshoreError } from '#shared/errors.ts';
import { sshPlaceOf } from '#shared/git-source.ts';
import type { GitSource } from '#shared/model.ts';
import { environmentFor } from './login.ts';
import { pinPublic, pinSsh } from './pin.ts';
import { withSsh } from './ssh.ts';

export interface RemoteAccess {
  /** Whose wish this is decides what git may do. */
  isStranger: boolean;
  /** Who vouches for https hosts. Default: whom the system trusts. */
  caFile?: string | undefined;
  /** For the key, while it is needed: nobody else's folder, and no service's. */
  keyFolder: string;
  /** Of the service: the keys that ssh hosts have shown. */
  knownHostsFile: string;
  searchPath: string;
}

export interface Remote {
  url: string;
  /** Arguments of git, in front of its command. */
  settings: readonly string[];
  /** For the run that talks to the repository's host, and no other. */
  environment: Readonly<Record<string, string>>;
  /** As GIT_ALLOW_PROTOCOL names them. */
  transports: readonly string[];
  /** Whether it takes a git that keeps to the addresses it is told. */
  isPinned: boolean;
}

/** For a source that was checked. Fails with `unsafe_git_url`, `egress_denied`, `git_failed`. */
export async function withRemote<T>(
  source: GitSource,
  access: RemoteAccess,
  work: (remote: Remote) => Promise<T>,
): Promise<T> {
  const { isStranger, caFile } = access;
  const place = sshPlaceOf(source.url);
  if (place) return overSsh(source, place, access, work);
  const { url, settings } = isStranger ? await pinPublic(source.url) : { url: source.url, settings: [] };
  const environment = environmentFor({ ...source, url }, caFile);
  const transports = url.startsWith('file:') ? ['file'] : ['https'];
  return work({ url, settings, environment, transports, isPinned: isStranger });
}

async function overSsh<T>(
  { url, deployKey, knownHosts }: GitSource,
  place: { host: string; port: number },
  { isStranger, keyFolder: folder, knownHostsFile, searchPath }: RemoteAccess,
  work: (remote: Remote) => Promise<T>,
): Promise<T> {
  if (isStranger && deployKey === undefined) throw new LongshoreError('git_failed', { details: NEEDS_KEY });
  const pinned = isStranger ? await pinSsh(place) : undefined;
  return withSsh({ folder, key: deployKey, knownHosts, knownHostsFile, pinned, searchPath }, (environment) =>
    work({ url, settings: [], environment, transports: ['ssh'], isPinned: false }),
  );
}

const NEEDS_KEY = 'By ssh it takes a deploy key: POST /api/services/:id/deploy-key makes one';
