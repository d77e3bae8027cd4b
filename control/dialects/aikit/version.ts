// Pure: the version of what runs in a container.

/** Tells images apart, and fits into a column. */
const DIGEST_CHARS = 12;

/** What its image says of itself, else the image's tag; of an image by digest the beginning of that. */
export function toVersion({ version, image }: { version: string | null; image: string }): string {
  if (version !== null) return version;
  const [name = '', digest] = image.split('@sha256:', 2);
  const tag = /:([^:/]+)$/.exec(name)?.[1];
  return tag ?? digest?.slice(0, DIGEST_CHARS) ?? 'latest';
}
