// Which registry an image name means, as Docker itself reads names. Both sides use it: control to tell which logins a
// service needs, the agent to tell which one a pull takes.
import type { RegistryLogin } from '../model.ts';

/** The registry of names that tell none. */
export const DOCKER_HUB = 'docker.io';
/** What people and tools also call it. */
const HUB_NAMES: readonly string[] = [DOCKER_HUB, 'index.docker.io', 'registry-1.docker.io'];

/**
 * The part before the first slash where it has a dot, a colon or an upper-case letter or is `localhost`; empty otherwise
 * (distribution/reference, splitDockerDomain).
 */
function serverIn(image: string): string {
  const first = image.slice(0, Math.max(0, image.indexOf('/')));
  return /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase() ? first : '';
}

/** Docker Hub for a name that tells no registry. */
export function serverOf(image: string): string {
  const server = serverIn(image).toLowerCase();
  return server === '' || HUB_NAMES.includes(server) ? DOCKER_HUB : server;
}

/** What the registry calls it: without server, tag and digest, and `library/nginx` for Docker Hub's `nginx`. */
export function pathOf(image: string): string {
  const server = serverIn(image);
  const path = repositoryOf(server === '' ? image : image.slice(server.length + 1));
  return serverOf(image) === DOCKER_HUB && !path.includes('/') ? `library/${path}` : path;
}

const SERVER = /^(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*)(:\d{1,5})?$/;
const HUB_PATH = /^\/v[12]\/?$/;

/**
 * `host[:port]` as image names have it, from what people write: a URL, Docker Hub's names, capitals. Undefined for what
 * no image name can start with: a path, a name without dot or port.
 */
export function toServer(text: string): string | undefined {
  const [, host = '', path = ''] = /^(?:https?:\/\/)?([^/]*)(\/.*)?$/.exec(text.trim().toLowerCase()) ?? [];
  if (HUB_NAMES.includes(host)) return path === '' || path === '/' || HUB_PATH.test(path) ? DOCKER_HUB : undefined;
  if (!SERVER.test(host) || (path !== '' && path !== '/')) return undefined;
  return serverOf(`${host}/x`) === host ? host : undefined;
}

export const findLogin = (logins: readonly RegistryLogin[], image: string): RegistryLogin | undefined =>
  logins.find(({ server }) => server === serverOf(image));

/** Without tag and digest. */
export const repositoryOf = (image: string): string => image.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
