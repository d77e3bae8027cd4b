// What a recipe reads and what it answers. Everything it reads was written by strangers: texts become values by the
// grammars of names.ts, and values reach a Dockerfile as JSON lists, never as words of a shell.
import type { Stage } from './dockerfile.ts';

/** A repository as the recipes see it; read-repository.ts makes one of a checkout. */
export interface Repository {
  /** Paths from the top, with `/`. */
  files: ReadonlySet<string>;
  /** What the manifests among them say. */
  texts: ReadonlyMap<string, string>;
}

/** A way to build and run a repository, up to the command that starts it. */
export interface Draft {
  /** What was seen, for people: `package-lock.json (npm)`. */
  found: string[];
  stages: Stage[];
  env?: Readonly<Record<string, string>>;
  /** Where PORT points unless the service's variables say otherwise. */
  port: number;
  /** Numeric, so that it needs no entry in the image's list of users; default 1000. */
  user?: number;
  /** What starts it. Without one only a Procfile helps, and `lacks` says what was missed. */
  command?: string[];
  lacks?: string;
}

export interface Language {
  name: string;
  /** What it is known by; said when nothing was found. */
  markers: readonly string[];
  /** First words of a Procfile's command that speak for this language. */
  words: readonly string[];
  /** Undefined when the repository is none of this kind. `hasProcfile`: the command is given already. */
  draft(repository: Repository, hasProcfile: boolean): Draft | undefined;
}

export interface Recipe {
  name: string;
  found: readonly string[];
  command: readonly string[];
  port: number;
  dockerfile: string;
}

/** Why there is no recipe: what was looked for, and what was found but is not enough. */
export interface NoRecipe {
  lookedFor: readonly string[];
  lacks: readonly string[];
}
