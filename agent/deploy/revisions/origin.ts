// Which containers were made from which revision. Pure: by Compose's own hash of their configuration, and by image.
import { CONFIG_HASH_LABEL } from '../../docker/container-view.ts';
import type { Container } from '../../docker/engine.ts';
import type { Rendered } from '../rendered.ts';
import type { Revision, RevisionMeta } from './revisions.ts';

export const isOf = (
  { service, labels, imageId }: Container,
  { hashes, images }: Pick<RevisionMeta, 'hashes' | 'images'>,
): boolean => (labels[CONFIG_HASH_LABEL] ?? '') === hashes[service] && imageId === images[service]?.id;

/**
 * What the containers that are there were made from. `last`, which was handed to Compose last, may never have got as far
 * as its containers: those that still are the good revision's own were made from that.
 */
export function madeOf(
  last: Rendered | undefined,
  good: Pick<Revision, 'meta' | 'rendered'> | undefined,
  containers: readonly Container[],
): Rendered | undefined {
  if (!good) return last;
  const { rendered, meta } = good;
  const own = containers.filter((one) => isOf(one, meta)).map(({ service }) => service);
  const ofGood = Object.entries(rendered.services).filter(([name]) => own.includes(name));
  if (ofGood.length === 0) return last;
  const services = { ...last?.services, ...Object.fromEntries(ofGood) };
  return { ...last, ...rendered, services };
}
