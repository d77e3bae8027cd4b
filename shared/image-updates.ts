// What registries have for the images of a service, beside what its containers run: the words of both sides.

/** `fixed`: named by digest or made on the host, so nothing newer can come. */
export const IMAGE_STATES = ['current', 'newer', 'unknown', 'fixed'] as const;
export type ImageState = (typeof IMAGE_STATES)[number];

/** The image of one compose service. */
export interface ImageCheck {
  service: string;
  /** As the compose file names it. */
  image: string;
  state: ImageState;
  /** `sha256:…` of what runs, as its registry knows it; null for one that came from none. */
  currentDigest: string | null;
  /** What the name stands for at the registry now; null where that was not asked or not answered. */
  newestDigest: string | null;
  /** Why it is unknown, in words. */
  reason: string | null;
}

export interface ServiceUpdates {
  serviceId: string;
  images: ImageCheck[];
  /** Milliseconds since the epoch, on the host's clock. */
  checkedAt: number;
}

/** Null: not known, because a registry did not say, or nothing has been looked at. */
export function hasUpdate(images: readonly Pick<ImageCheck, 'state'>[]): boolean | null {
  if (images.some(({ state }) => state === 'newer')) return true;
  return images.length === 0 || images.some(({ state }) => state === 'unknown') ? null : false;
}
