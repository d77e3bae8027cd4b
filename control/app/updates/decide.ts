// Whether a service takes its newer images now, by itself. Pure: facts in, decision and reason out.
import { createHash } from 'node:crypto';
import type { ImageCheck } from '#shared/image-updates.ts';
import type { AutoUpdate, MaintenanceWindow } from '#shared/auto-update.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { DeployMethod } from '#shared/model.ts';
import type { ServiceRecord } from '../../store/records.ts';
import type { Digests, ImageUpdatesRecord } from '../../store/image-updates.ts';
import { openingAt } from './window.ts';

export interface UpdateFacts {
  service: Pick<ServiceRecord, 'id' | 'autoUpdate' | 'lifecycle' | 'isEnabled' | 'setId'>;
  updates: Pick<ImageUpdatesRecord, 'images' | 'held' | 'heldRevision'>;
  /** The newest revision that was deployed well; null before the first. */
  goodRevision: number | null;
  isBusy: boolean;
  now: number;
}

export type UpdateDecision = { act: 'update' } | { act: 'wait'; why: string };

/** Services whose windows open at the same time begin over this long, or half the window where that is shorter. */
const SPREAD_MS = 30 * 60_000;

export function decideUpdate({ service, updates, goodRevision, isBusy, now }: UpdateFacts): UpdateDecision {
  if (service.autoUpdate === null) return wait('nobody has asked for it');
  if (service.setId !== null) return wait('it is a member of a set, whose redeploy goes in waves');
  if (newerOf(updates.images).length === 0) return wait('there is no newer image');
  if (service.lifecycle !== 'running' || !service.isEnabled) return wait('it does not run');
  if (isBusy) return wait('a job is under way');
  if (isHeld(updates, goodRevision)) return wait('these images were tried before, or rolled back from');
  if (!isItsTurn(service.id, service.autoUpdate.window, now)) return wait('its window is closed, or its turn is later');
  return { act: 'update' };
}

const wait = (why: string): UpdateDecision => ({ act: 'wait', why });

export const newerOf = (images: readonly ImageCheck[]): ImageCheck[] => images.filter(({ state }) => state === 'newer');

/** What each image's name stands for now, as far as it is known. */
export const newestDigests = (images: readonly ImageCheck[]): Digests =>
  Object.fromEntries(
    images.flatMap(({ image, newestDigest }) => (newestDigest === null ? [] : [[image, newestDigest]])),
  );

/** A good deploy after the one that had them means that somebody changed something: they get another chance. */
function isHeld({ images, held, heldRevision }: UpdateFacts['updates'], goodRevision: number | null): boolean {
  if (heldRevision === null || (goodRevision ?? 0) > heldRevision) return false;
  return newerOf(images).every(({ image, newestDigest }) => held[image] === newestDigest);
}

/** Each service has a turn of its own, the same at every opening. */
export function isItsTurn(serviceId: string, window: MaintenanceWindow, now: number): boolean {
  const opening = openingAt(window, now);
  if (!opening) return false;
  const spreadMs = Math.min(SPREAD_MS, (opening.closesAt - opening.opensAt) / 2);
  return now >= opening.opensAt + shareOf(serviceId) * spreadMs;
}

/** In [0, 1), by the id alone. */
const shareOf = (serviceId: string): number =>
  createHash('sha256').update(serviceId).digest().readUInt32BE(0) / 2 ** 32;

/** A redeploy of a repository brings its newest commit as well, and nobody has asked for that. */
export function requireUpdatable(method: DeployMethod, autoUpdate: AutoUpdate | null | undefined): void {
  if (!autoUpdate || method === 'compose' || method === 'template') return;
  const problem = 'is for services from a compose file or a template: a redeploy would bring newer commits, too';
  throw new LongshoreError('validation_error', { fields: { auto_update: problem } });
}
