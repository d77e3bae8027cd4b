// Where an image name leads: the registry, its repository and the tag, as Docker reads names. Pure.
import { DOCKER_HUB, pathOf, serverOf } from '#shared/compose/image-name.ts';
import { splitTag } from '../docker/image-name.ts';

export interface Place {
  /** As image names and logins have it; `docker.io` for Docker Hub. */
  server: string;
  /** `library/nginx`. */
  repository: string;
  tag: string;
}

/** The API of Docker Hub is not where its name says. */
const HUB_API = 'registry-1.docker.io';

/** Undefined for a name that always means the same image: with a digest, or an id. */
export function placeOf(image: string): Place | undefined {
  if (image.includes('@') || /^(sha256:)?[0-9a-f]{64}$/.test(image)) return undefined;
  const [, tag] = splitTag(image);
  return { server: serverOf(image), repository: pathOf(image), tag };
}

/** `docker.io/library/nginx`: the same for all spellings of one repository. */
export const canonicalOf = (image: string): string => `${serverOf(image)}/${pathOf(image)}`;

/** `host[:port]` of the registry's API. */
export const apiHostOf = (server: string): string => (server === DOCKER_HUB ? HUB_API : server);
