// What a snapshot from a repository elsewhere must not hold: whoever can write there could otherwise leave this host's files
// changed, or its disk full. Judged on restic's own list before anything is written. Pure.
import { LongshoreError } from '#shared/errors.ts';

/** One line of `restic ls --json`, as far as we read it. */
export interface ArchiveNode {
  path: string;
  type: string;
  size: number;
  /** As Go writes it: the permission bits, and its own for setuid and setgid. */
  mode: number;
}

export interface ArchiveLimits {
  /** What may be written: the free space of the disk, less what must stay. */
  bytes: number;
  entries: number;
}

/** The most files a volume may have: each costs an inode, and a line here. */
export const MAX_ENTRIES = 5_000_000;

const KNOWN_TYPES: ReadonlySet<string> = new Set(['file', 'dir', 'symlink', 'fifo', 'socket']);
/** fs.ModeSetuid and fs.ModeSetgid (Go, io/fs). */
const SETUID = 0x0080_0000;
const SETGID = 0x0040_0000;

export class ArchiveJudge {
  readonly #root: string;
  readonly #limits: ArchiveLimits;
  /** Hashes of paths would do for less memory, and take a collision for a duplicate. */
  readonly #seen = new Set<string>();
  /** Folders and everything else: a file below a symlink would be written where that points. */
  readonly #folders = new Set<string>();
  #bytes = 0;

  /** `root`: the folder in the snapshot that is restored; nothing outside of it may be listed. */
  constructor(root: string, limits: ArchiveLimits) {
    this.#root = root;
    this.#limits = limits;
    this.#folders.add(root);
  }

  /** In the order of the list, folders before what is in them. Throws `archive_rejected`. */
  add(node: ArchiveNode): void {
    const problem = this.#problemOf(node);
    if (problem !== undefined) throw rejected(node.path, problem);
  }

  #problemOf({ path, type, size, mode }: ArchiveNode): string | undefined {
    if (path === this.#root && type === 'dir') return undefined;
    if (!isBelow(path, this.#root)) return 'is outside of the volume';
    if (this.#seen.has(path)) return 'is there twice';
    this.#seen.add(path);
    if (!this.#folders.has(path.slice(0, path.lastIndexOf('/')))) return 'is in something that is no folder';
    if (!KNOWN_TYPES.has(type)) return `is a ${type}`;
    if (type === 'dir') this.#folders.add(path);
    else if (type === 'file' && (mode & (SETUID | SETGID)) !== 0) return 'runs with the rights of its owner';
    if (this.#seen.size > this.#limits.entries) return `is one entry too many: ${this.#limits.entries} are allowed`;
    this.#bytes += type === 'file' ? size : 0;
    return this.#bytes > this.#limits.bytes ? 'has no room on the disk' : undefined;
  }
}

function isBelow(path: string, root: string): boolean {
  if (!path.startsWith(`${root}/`) || path.includes('\0')) return false;
  return path
    .slice(root.length + 1)
    .split('/')
    .every((name) => name !== '' && name !== '.' && name !== '..');
}

const rejected = (path: string, problem: string): LongshoreError =>
  new LongshoreError('archive_rejected', { details: `"${path.slice(0, 500)}" ${problem}` });
