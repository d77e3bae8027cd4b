// Which addresses stand for a registry on this host, as Docker's settings have it: mirrors of Docker Hub, registries
// whose certificate nobody vouches for, and plain HTTP for those and for loopback. Pure.
import { isWithin } from '#shared/address.ts';
import { DOCKER_HUB } from '#shared/compose/image-name.ts';
import { apiHostOf } from './reference.ts';

/** `RegistryConfig` of Docker's `/info`, as far as it counts here. */
export interface RegistrySettings {
  insecureRanges: readonly string[];
  insecureServers: readonly string[];
  mirrors: readonly string[];
}

export interface Endpoint {
  /** With a slash at its end. */
  url: URL;
  /** Takes any certificate. */
  isTrusting: boolean;
  /** Not the registry itself: it is asked without a login, and any failure leads on to the next. */
  isMirror: boolean;
}

/** In the order they are tried. `addresses`: of the server, for Docker's ranges of insecure ones. */
export function endpointsOf(server: string, addresses: readonly string[], settings: RegistrySettings): Endpoint[] {
  const { mirrors, insecureServers, insecureRanges } = settings;
  const own = { isTrusting: false, isMirror: false };
  const secure = { ...own, url: new URL(`https://${apiHostOf(server)}/`) };
  if (server === DOCKER_HUB) return [...mirrors.flatMap(toMirror), secure];
  const isInsecure = insecureServers.includes(server) || addresses.some((one) => isWithin(one, insecureRanges));
  if (!isInsecure) return [secure];
  return [
    { ...secure, isTrusting: true },
    { ...own, url: new URL(`http://${server}/`) },
  ];
}

function toMirror(text: string): Endpoint[] {
  const url = URL.canParse(text) ? new URL(text.endsWith('/') ? text : `${text}/`) : undefined;
  return url && /^https?:$/.test(url.protocol) ? [{ url, isTrusting: false, isMirror: true }] : [];
}
