// Where an image name leads: the registry, its repository and the tag, as Docker reads names. Pure.
import { DOCKER_HUB, pathOf, serverOf, toServer } from '#shared/compose/image-name.ts';
import { splitTag } from '../docker/image-name.ts';
import { DIGEST } from './registry-answers.ts';

export interface Place {
  /** As image names and logins have it; `docker.io` for Docker Hub. */
  server: string;
  /** `library/nginx`. */
  repository: string;
  /** Or a digest, where one is asked for. */
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

/** Names as the distribution spec has them: nothing else becomes part of a URL. */
const REPOSITORY = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;

/**
 * Where the manifest of a name is that no pull has proved yet, or the one with `digest` of the same repository. Undefined
 * for what Docker would not pull either.
 */
export function manifestPlaceOf(image: string, digest = /@(.*)$/.exec(image)?.[1]): Place | undefined {
  const place = { server: serverOf(image), repository: pathOf(image), tag: digest ?? splitTag(image)[1] };
  const isName = toServer(place.server) === place.server && REPOSITORY.test(place.repository);
  return isName && (digest === undefined ? TAG : DIGEST).test(place.tag) ? place : undefined;
}

/** `docker.io/library/nginx`: the same for all spellings of one repository. */
export const canonicalOf = (image: string): string => `${serverOf(image)}/${pathOf(image)}`;

/** `host[:port]` of the registry's API. */
export const apiHostOf = (server: string): string => (server === DOCKER_HUB ? HUB_API : server);
