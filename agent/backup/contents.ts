// What a backup of a service holds, and what it does not. Pure.
import { basename, dirname } from 'node:path';
import { isMap, listOf, textOf } from '#shared/compose/values.ts';
import type { Rendered } from '../deploy/rendered.ts';

/** Data of the service that no backup has: mounts of the host's own folders, volumes it shares with others, nameless ones. */
export function leftOutOf(rendered: Rendered): string[] {
  const volumes = isMap(rendered['volumes']) ? rendered['volumes'] : {};
  const external = Object.entries(volumes).filter(([, volume]) => isMap(volume) && volume['external'] === true);
  const shared = new Map(external.map(([key, volume]) => [key, isMap(volume) ? textOf(volume['name']) || key : key]));
  const found = Object.entries(rendered.services).flatMap(([name, service]) =>
    listOf(service['volumes']).map((mount) => (isMap(mount) ? leftOut(name, mount, shared) : undefined)),
  );
  return [...new Set(found.filter((text) => text !== undefined))];
}

function leftOut(
  service: string,
  { type, source, target }: Record<string, unknown>,
  shared: ReadonlyMap<string, string>,
): string | undefined {
  const [from, to] = [textOf(source), textOf(target)];
  if (type === 'bind') return from === '/var/run/docker.sock' ? undefined : `bind mount ${from}`;
  if (type !== 'volume') return undefined;
  if (from === '') return `the nameless volume of ${service} at ${to}`;
  return shared.has(from) ? `external volume ${shared.get(from)}` : undefined;
}

/** The volumes among a snapshot's paths, by name: Docker keeps one at `…/<name>/_data`. */
export function volumesOf(paths: readonly string[]): { name: string; path: string }[] {
  const folders = paths.filter((path) => basename(path) === '_data').map((path) => dirname(path));
  return folders.map((path) => ({ name: basename(path), path }));
}
