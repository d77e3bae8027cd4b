// A release from a checkout: the tarballs, what lists them, and the signature over all. The folder is filled beside the
// last release and takes its place in one step, so that control never serves half of one.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import { PROTOCOL_VERSIONS } from '#shared/protocol/limits.ts';
import {
  RELEASE_FILES,
  tarballName,
  type Architecture,
  type Format,
  type Manifest,
  type ReleaseFile,
} from '#shared/release/manifest.ts';
import { formatSums, signSums } from '#shared/release/sums.ts';
import { archive, sha256Of, sizeOf } from './archive.ts';
import { readInstaller } from './installer.ts';
import type { SigningKey } from './signing-key.ts';
import { stampInstaller } from './stamp.ts';
import { writeLib, writeTree } from './tree.ts';

export interface BuildOptions {
  /** A checkout with its packages installed. */
  root: string;
  version: string;
  /** A release that is there is replaced; throws `state_conflict` for anything else. */
  outDir: string;
  architectures: readonly Architecture[];
  formats: readonly Format[];
  key: SigningKey;
  say: (line: string) => void;
}

export async function buildRelease(options: BuildOptions): Promise<Manifest> {
  const { version, outDir } = options;
  requireOwn(outDir);
  const work = `${outDir}.${process.pid}`;
  const release = join(work, 'release');
  mkdirSync(release, { recursive: true });
  try {
    const files = await writeTarballs({ ...options, work, release });
    const manifest: Manifest = { version, protocol: Math.max(...PROTOCOL_VERSIONS), files };
    await writeFacts(release, manifest, options);
    replaceFolder(outDir, release, join(work, 'before'));
    return manifest;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

type Work = BuildOptions & { work: string; release: string };

async function writeTarballs({ root, work, release, version, architectures, formats, say }: Work) {
  const lib = join(work, 'lib');
  say(`bundling Longshore ${version}`);
  await writeLib({ root, version, outDir: lib });
  const files: ReleaseFile[] = [];
  for (const arch of architectures) {
    const folder = await writeTree({ root, version, arch, lib, parent: join(work, arch) });
    for (const format of formats) {
      const name = tarballName(version, arch, format);
      say(`writing ${name}`);
      const file = join(release, name);
      await archive(folder, file, format);
      files.push({ name, arch, format, size: sizeOf(file), sha256: await sha256Of(file) });
    }
  }
  return files;
}

/** The small files, the signature last. */
async function writeFacts(release: string, manifest: Manifest, { root, key }: BuildOptions): Promise<void> {
  const path = (file: keyof typeof RELEASE_FILES) => join(release, RELEASE_FILES[file]);
  writeFileSync(
    path('installer'),
    stampInstaller(readInstaller(root), { version: manifest.version, publicKey: key.publicKey }),
  );
  chmodSync(path('installer'), 0o755);
  writeFileSync(path('manifest'), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(path('publicKey'), key.publicPem);
  const sums = new Map(manifest.files.map(({ name, sha256 }) => [name, sha256]));
  for (const file of ['installer', 'manifest'] as const) sums.set(RELEASE_FILES[file], await sha256Of(path(file)));
  const text = formatSums(sums);
  writeFileSync(path('sums'), text);
  writeFileSync(path('signature'), signSums(Buffer.from(text), key.privatePem));
}

/** What is there goes: it has to be a release, or nothing. */
function requireOwn(outDir: string): void {
  const names = existsSync(outDir) ? readdirSync(outDir) : [];
  if (names.length === 0 || names.includes(RELEASE_FILES.sums)) return;
  const message = `Cannot build into "${outDir}": other things are in that folder`;
  throw new LongshoreError('state_conflict', { message, details: 'Name another one, which need not be there.' });
}

function replaceFolder(outDir: string, release: string, before: string): void {
  mkdirSync(dirname(outDir), { recursive: true });
  if (existsSync(outDir)) renameSync(outDir, before);
  renameSync(release, outDir);
}

/** What package.json says. */
export const readVersion = (root: string): string =>
  (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
