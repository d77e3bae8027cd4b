// What a release is: the files in its folder, their names, and manifest.json, which lists its tarballs. Written by
// `npm run build`, served by control, read by hosts that upgrade.
import * as z from 'zod';
import { isVersion } from './version.ts';

export const ARCHITECTURES = ['x64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

export const FORMATS = ['gz', 'xz'] as const;
export type Format = (typeof FORMATS)[number];

/** The files of a release beside its tarballs. */
export const RELEASE_FILES = {
  manifest: 'manifest.json',
  installer: 'install.sh',
  sums: 'SHA256SUMS',
  signature: 'SHA256SUMS.sig',
  publicKey: 'release.pub',
} as const;

const NAME = /^longshore-[\w.+-]+\.tar\.(gz|xz)$/;

const fileSchema = z.strictObject({
  name: z.string().regex(NAME),
  arch: z.enum(ARCHITECTURES),
  format: z.enum(FORMATS),
  size: z.int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/** A later version may say more than this one reads. */
export const manifestSchema = z.object({
  version: z.string().refine(isVersion),
  /** The newest protocol that it speaks. */
  protocol: z.int().positive(),
  files: z.array(fileSchema).min(1),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type ReleaseFile = Manifest['files'][number];

/** Also the name of the only folder inside. */
export const folderName = (version: string): string => `longshore-${version}`;

export const tarballName = (version: string, arch: Architecture, format: Format): string =>
  `${folderName(version)}-linux-${arch}.tar.${format}`;
