// What control makes of a host's word on newer images: the latest counts, and what is new is told once.
import { hasUpdate, type ImageCheck, type ServiceUpdates } from '#shared/image-updates.ts';
import type { ImageUpdatesRecord } from '../../store/image-updates.ts';
import type { ServiceRecord } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';
import { newerOf, newestDigests } from './decide.ts';

/** The most that a line of the timeline names. */
const MAX_NAMED = 3;

/** Call inside a write. An older word than the one that is known changes nothing. */
export function noteUpdates(
  stores: Stores,
  service: ServiceRecord,
  { images, checkedAt }: ServiceUpdates,
  now: number,
): void {
  const { id: serviceId, hostId } = service;
  const before = stores.imageUpdates.find(serviceId);
  const at = Math.min(checkedAt, now);
  if (before && before.checkedAt >= at) return;
  const fresh = newerOf(images).filter(({ image, newestDigest }) => before?.told[image] !== newestDigest);
  const told = { ...before?.told, ...newestDigests(newerOf(images)) };
  stores.imageUpdates.put({ serviceId, images, checkedAt: at, told: onlyOf(images, told) });
  stores.services.setUpdateAvailable(serviceId, hasUpdate(images));
  if (fresh.length === 0) return;
  const message = `Newer images are available: ${nameSome(fresh)}`;
  stores.events.insert({ serviceId, hostId, type: 'update', status: 'available', message, at });
}

/** Nothing is remembered of images that the service no longer has. */
const onlyOf = (images: readonly ImageCheck[], digests: ImageUpdatesRecord['told']): ImageUpdatesRecord['told'] =>
  Object.fromEntries(Object.entries(digests).filter(([name]) => images.some(({ image }) => image === name)));

function nameSome(images: readonly ImageCheck[]): string {
  const names = [...new Set(images.map(({ image }) => image))];
  const rest = names.length - MAX_NAMED;
  return names.slice(0, MAX_NAMED).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

/** What is known of the newest images is not to be taken again by itself, now that `revision` has them or leaves them. */
export function holdUpdates(stores: Stores, serviceId: string, revision: number): void {
  const known = stores.imageUpdates.find(serviceId);
  if (known)
    stores.imageUpdates.hold(
      serviceId,
      onlyOf(known.images, { ...known.held, ...newestDigests(known.images) }),
      revision,
    );
}
