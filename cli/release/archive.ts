// A folder as a tarball whose bytes follow from its files' names, contents and right to be run alone: no time, owner,
// umask or order of the disk is in it.
import { createHash } from 'node:crypto';
import { createReadStream, renameSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Format } from '#shared/release/manifest.ts';
import { runProgram } from './child.ts';

/** 2000-01-01: some versions of tar warn of a date before 1970-01-02. */
const DATE = '@946684800';

const REPRODUCIBLE = [
  '--format=ustar',
  '--sort=name',
  `--mtime=${DATE}`,
  '--owner=0',
  '--group=0',
  '--numeric-owner',
  '--mode=u=rwX,go=rX',
];

/** gzip's best is half a percent smaller and takes three times as long; xz with several threads gives other bytes. */
const COMPRESSORS: Record<Format, string> = { gz: 'gzip -n -6', xz: 'xz -T1 -6' };

/** The folder becomes the only one in the tarball. */
export async function archive(folder: string, file: string, format: Format): Promise<void> {
  const partial = `${file}.partial`;
  const compress = `--use-compress-program=${COMPRESSORS[format]}`;
  await runProgram('tar', ['-c', ...REPRODUCIBLE, compress, '-f', partial, '-C', dirname(folder), basename(folder)]);
  renameSync(partial, file);
}

/** Hex. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

export const sizeOf = (file: string): number => statSync(file).size;
