// What stands in a repository for a file that Git LFS keeps elsewhere, and where that is. Pure.
import type { GitSource } from '#shared/model.ts';

/** Longer ones are no pointers (git-lfs's docs/spec.md). */
export const MAX_POINTER_BYTES = 1024;

export interface Pointer {
  /** SHA-256 of the file. */
  oid: string;
  size: number;
}

const POINTER =
  /^version https:\/\/git-lfs\.github\.com\/spec\/v1\n(?:[a-z0-9.-]+ .*\n)*?oid sha256:([0-9a-f]{64})\nsize (\d{1,15})\n$/;

export function pointerIn(text: string): Pointer | undefined {
  const [, oid, size] = POINTER.exec(text) ?? [];
  return oid === undefined ? undefined : { oid, size: Number(size) };
}

/** Where the host of the repository answers for it, as git-lfs's docs/api/server-discovery.md has it. */
export function batchUrlOf({ url }: Pick<GitSource, 'url'>): URL {
  const base = url.replace(/\/+$/, '');
  return new URL(`${base.endsWith('.git') ? base : `${base}.git`}/info/lfs/objects/batch`);
}
