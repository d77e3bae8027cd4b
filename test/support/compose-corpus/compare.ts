// Both runs of a compose file, and what differs between them in words.
import { isDeepStrictEqual } from 'node:util';
import type { ExecutorDeps } from '../../../agent/deploy/executor.ts';
import { DeployHost, specFor } from '../deploy-host.ts';
import { uniqueName } from '../docker.ts';
import type { ComposeCase } from './fixture.ts';
import { byCompose, byLongshore, type End } from './sides.ts';

/** One after the other, under a name of their own. */
export async function runBoth(parts: ExecutorDeps, given: ComposeCase): Promise<{ theirs: End; ours: End }> {
  const host = new DeployHost(parts, specFor(uniqueName('corpus')));
  const theirs = await byCompose(host, given);
  return { theirs, ours: await byLongshore(host, given) };
}

/** `where: theirs ≠ ours`, a line for each place. */
export function differences(theirs: unknown, ours: unknown, where = ''): string[] {
  if (isDeepStrictEqual(theirs, ours)) return [];
  if (!isObject(theirs) || !isObject(ours)) return [`${where}: ${JSON.stringify(theirs)} ≠ ${JSON.stringify(ours)}`];
  const keys = [...new Set([...Object.keys(theirs), ...Object.keys(ours)])];
  return keys.flatMap((key) => differences(theirs[key], ours[key], where === '' ? key : `${where}.${key}`));
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
