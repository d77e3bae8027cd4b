// What a service keeps on its host, as its compose file says. Pure.
import { mountOf } from '#shared/compose/judge-mounts.ts';
import { parseCompose } from '#shared/compose/parse.ts';
import { listOf } from '#shared/compose/values.ts';

/** Volumes by their names in the file, folders of the host as they are written. */
export interface ServiceData {
  volumes: string[];
  folders: string[];
}

/** Null: the file is in a repository, or cannot be read here. A volume without a name is called `(unnamed)`. */
export function dataOf(compose: string): ServiceData | null {
  const services = servicesOf(compose);
  if (!services) return null;
  const mounts = services.flatMap((service) => listOf(service['volumes']).flatMap((value) => mountOf(value) ?? []));
  const named = (type: string) => mounts.filter((mount) => mount.type === type);
  return {
    volumes: distinct(named('volume').map(({ source }) => source ?? '(unnamed)')),
    folders: distinct(named('bind').map(({ source }) => source ?? '')),
  };
}

const distinct = (texts: readonly string[]): string[] => [...new Set(texts)].toSorted();

function servicesOf(compose: string) {
  if (compose === '') return null;
  try {
    return Object.values(parseCompose(compose).services);
  } catch {
    return null;
  }
}
