// Paths in compose files, by their text alone: nothing here touches a disk.
import { posix } from 'node:path';

const DOCKER_SOCKETS = ['/var/run/docker.sock', '/run/docker.sock', '/run/containerd/containerd.sock'];

/** Whether `path`, relative to `base`, lies in `folder` or is it. `~` is somebody's home, so it never does. */
export function isInside(folder: string, path: string, base: string): boolean {
  if (path.startsWith('~')) return false;
  const inner = posix.relative(folder, posix.resolve(base, path));
  return inner !== '..' && !inner.startsWith('../');
}

/** What the agent and Compose read again later: whoever can write it gets anything deployed, unjudged. */
const OWN_FILES = ['', 'compose.yaml', 'judged.yaml', 'override.yaml', 'rendered.json', '.env', 'revisions'];

/** Whether `path`, relative to `base`, is the service's `folder` itself or one of Longshore's own files in it. */
export const holdsOwnFiles = (folder: string, path: string, base = folder): boolean =>
  OWN_FILES.includes(posix.relative(folder, posix.resolve(base, path)).split('/')[0] ?? '');

/** Whether mounting `path` brings the Docker socket along. */
export const dockerSocketIsBelow = (path: string): boolean =>
  DOCKER_SOCKETS.some((socket) => path.startsWith('/') && isInside(posix.resolve(path), socket, '/'));

/** What Compose and BuildKit fetch instead of reading: URLs, `git@…`, and the host they take for git without a scheme. */
export const isRemote = (path: string): boolean =>
  /^([a-z][a-z0-9+.-]*:\/\/|git@|github\.com\/|oci:|docker-image:)/i.test(path);
