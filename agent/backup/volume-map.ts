// Which volume of one service stands for which of another: those that their compose files call the same. Pure.
import { isMap, textOf } from '#shared/compose/values.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { Rendered } from '../deploy/rendered.ts';

export interface VolumePair {
  /** What the compose files call it. */
  key: string;
  /** Docker's names: in the backup, and on this host. */
  from: string;
  to: string;
}

/** `held`: names of the volumes that a backup has. Throws `state_conflict` for one that the other service has not got. */
export function pairVolumes(held: readonly string[], from: Rendered, to: Rendered): VolumePair[] {
  const [theirs, ours] = [namesOf(from), namesOf(to)];
  return held.map((name) => {
    const key = [...theirs].find(([, one]) => one === name)?.[0];
    const here = key === undefined ? undefined : ours.get(key);
    if (key !== undefined && here !== undefined) return { key, from: name, to: here };
    throw new LongshoreError('state_conflict', {
      message: `Service "${to.name}" has no volume for "${key ?? name}" of the backup`,
      details: 'Its compose file must declare the volumes of the one that was backed up.',
    });
  });
}

/** By what the file calls them; those that others made are not the service's own. */
function namesOf({ volumes }: Rendered): Map<string, string> {
  const declared = Object.entries(isMap(volumes) ? volumes : {}).filter(
    ([, one]) => isMap(one) && one['external'] !== true,
  );
  return new Map(declared.map(([key, one]) => [key, isMap(one) ? textOf(one['name']) || key : key]));
}
