// The folder that `npm run build` fills, as hosts see it: the files of one release and nothing else that lies there. Read
// anew for each question, so a new build counts from the moment it is in place.
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import { manifestSchema, RELEASE_FILES, type Manifest } from '#shared/release/manifest.ts';
import { parseSums, verifySums } from '#shared/release/sums.ts';
import type { Releases, ServedFile } from './api/releases.ts';

const HOW_TO_BUILD = 'Run `npm run build` in a checkout; what it writes belongs where the setting dist-dir points';

interface Release {
  manifest: Manifest;
  /** Hex, by file name. */
  sums: Map<string, string>;
}

export class ReleaseFolder implements Releases {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async current(): Promise<Manifest> {
    return (await this.#load()).manifest;
  }

  async require(name: string): Promise<ServedFile> {
    const { manifest, sums } = await this.#load();
    const isPart =
      Object.values(RELEASE_FILES).some((it) => it === name) || manifest.files.some((it) => it.name === name);
    if (!isPart) throw new LongshoreError('not_found', { message: `No file "${name}" in the release` });
    const path = join(this.#dir, name);
    const { size } = await stat(path).catch((cause: unknown) => {
      throw broken(`${name} is missing`, cause);
    });
    const listed = manifest.files.find((it) => it.name === name);
    if (listed && listed.size !== size) throw broken(`${name} has ${size} bytes, not ${listed.size}`);
    return { name, path, size, sha256: sums.get(name) ?? sha256(await readFile(path)) };
  }

  /** Hosts check all of this again; here it tells a half-copied folder from a good one. */
  async #load(): Promise<Release> {
    const text = await this.#read('sums');
    if (!text) throw new LongshoreError('release_missing', { details: HOW_TO_BUILD });
    const [manifest, signature, publicKey] = await Promise.all([
      this.#require('manifest'),
      this.#require('signature'),
      this.#require('publicKey'),
    ]);
    verifySums(text, signature, publicKey);
    const sums = parseSums(text.toString());
    if (sums.get(RELEASE_FILES.manifest) !== sha256(manifest)) throw broken(`${RELEASE_FILES.manifest} was changed`);
    const parsed = parseManifest(manifest);
    const unlisted = parsed.files.find((it) => sums.get(it.name) !== it.sha256);
    if (unlisted) throw broken(`${RELEASE_FILES.sums} and ${RELEASE_FILES.manifest} differ about ${unlisted.name}`);
    return { manifest: parsed, sums };
  }

  async #require(file: keyof typeof RELEASE_FILES): Promise<Buffer> {
    const content = await this.#read(file);
    if (!content) throw broken(`${RELEASE_FILES[file]} is missing`);
    return content;
  }

  #read(file: keyof typeof RELEASE_FILES): Promise<Buffer | undefined> {
    return readFile(join(this.#dir, RELEASE_FILES[file])).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
  }
}

function parseManifest(content: Buffer): Manifest {
  try {
    return manifestSchema.parse(JSON.parse(content.toString()));
  } catch (cause) {
    throw broken(`${RELEASE_FILES.manifest} cannot be read`, cause);
  }
}

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

const broken = (details: string, cause?: unknown): LongshoreError =>
  new LongshoreError('release_invalid', { details: `${details}: build it again`, cause });
