// How large what is fetched may be: counted while it is listed, over all repositories that a fetch takes in. Pure.
import { LongshoreError } from '#shared/errors.ts';

export interface RepoLimits {
  files: number;
  bytes: number;
}

/** Above any repository one would deploy; what is larger belongs into an image. */
export const REPO_LIMITS: RepoLimits = { files: 100_000, bytes: 2 * 1024 ** 3 };

/** A repository with its submodules, and theirs. */
const MAX_REPOSITORIES = 50;

export class Allowance {
  readonly limits: RepoLimits;
  #files = 0;
  #bytes = 0;
  #repositories = 0;

  constructor(limits: RepoLimits) {
    this.limits = limits;
  }

  /** What is wrong with one more file of this size: `repo_limit`. */
  take(bytes: number): LongshoreError | undefined {
    this.#files++;
    return this.#files > this.limits.files ? tooLarge(`more than ${this.limits.files} files`) : this.grow(bytes);
  }

  /** Likewise for one more repository. */
  takeRepository(): LongshoreError | undefined {
    this.#repositories++;
    return this.#repositories > MAX_REPOSITORIES ? tooLarge(`more than ${MAX_REPOSITORIES} repositories`) : undefined;
  }

  /** Likewise for a file that was counted and turns out to be larger. */
  grow(bytes: number): LongshoreError | undefined {
    this.#bytes += bytes;
    return this.#bytes > this.limits.bytes ? tooLarge(`more than ${this.limits.bytes} bytes`) : undefined;
  }
}

const tooLarge = (details: string) => new LongshoreError('repo_limit', { details });
