// Which of a scope's registry logins a service is given: no more than its images can need.
import { serverOf } from '#shared/compose/image-name.ts';
import { parseCompose } from '#shared/compose/parse.ts';
import { isMap, textOf, type ComposeMap } from '#shared/compose/values.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { RegistryLogin } from '#shared/model.ts';

/** The logins whose server an image of the compose text names; all of them where the text alone cannot tell. */
export function loginsFor(compose: string, scope: readonly RegistryLogin[]): RegistryLogin[] {
  if (scope.length === 0) return [];
  const servers = serversOf(compose);
  return scope.filter(({ server }) => servers?.has(server) ?? true);
}

/** Undefined when only the host finds out: base images of a build, other files, a server that is a variable. */
function serversOf(compose: string): Set<string> | undefined {
  const document = parse(compose);
  if (!document || document.root['include'] !== undefined) return undefined;
  const images = Object.values(document.services).map(imageOf);
  if (images.includes(undefined)) return undefined;
  return new Set(images.map((image) => serverOf(image ?? '')));
}

/** A service from Git has no text here, and what is broken is for the host to refuse. */
function parse(compose: string): ReturnType<typeof parseCompose> | undefined {
  try {
    return parseCompose(compose);
  } catch (error) {
    if (error instanceof LongshoreError) return undefined;
    throw error;
  }
}

function imageOf({ image, build, extends: base }: ComposeMap): string | undefined {
  const name = textOf(image);
  const isElsewhere = build !== undefined || (isMap(base) && base['file'] !== undefined);
  return isElsewhere || name === '' || VARIABLE_SERVER.test(name) ? undefined : name;
}

/** A dollar before the first slash; in a name without any, before the tag. */
const VARIABLE_SERVER = /^[^/]*\$[^/]*\/|^[^/:@]*\$/;
