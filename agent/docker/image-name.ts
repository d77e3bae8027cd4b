// Names of images as Docker's API takes them. Pure.

/** Without a tag Docker would pull all of them. */
export const withTag = (reference: string): string =>
  /[@:][^/]*$/.test(reference) ? reference : `${reference}:latest`;

export function splitTag(reference: string): [repo: string, tag: string] {
  const [, repo = reference, tag = 'latest'] = /^(.*?)(?::([^/:@]+))?(?:@.*)?$/.exec(reference) ?? [];
  return [repo, tag];
}
