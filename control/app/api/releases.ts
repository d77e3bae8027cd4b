// The release that this control plane gives to its hosts.
import type { Manifest } from '#shared/release/manifest.ts';

export interface Releases {
  /** Throws `release_missing` where nothing was built, `release_invalid` where what lies there does not fit together. */
  current(): Promise<Manifest>;
  /** A file of it by name; throws as above, and `not_found` for a name that is no file of it. */
  require(name: string): Promise<ServedFile>;
}

export interface ServedFile {
  name: string;
  path: string;
  size: number;
  /** Hex. */
  sha256: string;
}
