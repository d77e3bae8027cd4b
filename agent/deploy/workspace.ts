// A service's folder on the host: plain files that an operator can read, written so that a crash leaves the old file or
// the new one, and never outside the folder or through a link.
//
//   <dataDir>/services/<name>/          0700
//     compose.yaml .env override.yaml   what is deployed now; `.env` 0600
//     judged.yaml                       what Compose reads in place of compose.yaml where the policy limits its files
//     rendered.json                     what was last handed to `compose up`; 0600, holds the variables' values
//     <the template's files>
//     repo/ data/                       of a service that comes from Git, see git/checkouts.ts
//     known_hosts                       of the ssh hosts of its repository, once they have shown their keys
//     proposal.json                     what the AI said of its commit, see ai/kept-proposal.ts; 0600
//     review.json                       what waits to be approved, see ai/review.ts; 0600
//     revisions/                        see revisions/revisions.ts
import { randomBytes } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { chmod, lstat, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import { parseRendered, printRendered, type Rendered } from './rendered.ts';

const NAME = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;
/** A path inside the folder: names without leading dots, joined by single slashes. */
const FILE = /^[A-Za-z0-9_][A-Za-z0-9._@+-]*(\/[A-Za-z0-9_][A-Za-z0-9._@+-]*)*$/;
/** Ours; a template's file may not take their place. */
export const OWN_NAMES = [
  'compose.yaml',
  'judged.yaml',
  'override.yaml',
  'rendered.json',
  'known_hosts',
  'proposal.json',
  'review.json',
  'revisions',
  'repo',
];

const SECRET_MODE = 0o600;
/** Containers read these as other users, so the agent's umask must not count. */
const PLAIN_MODE = 0o644;
const FOLDER_MODE = 0o755;

/** What a revision keeps of the folder. */
export interface Sources {
  compose: string;
  /** What Compose reads in its place; no revision keeps it, for it is made for each reading. */
  judged?: string | undefined;
  env: string;
  override: string;
  files: Record<string, string>;
}

export class Workspace {
  readonly name: string;
  readonly directory: string;

  /** Fails with `validation_error` for a name that could leave the folder. */
  constructor(dataDir: string, name: string) {
    if (!NAME.test(name)) throw new LongshoreError('validation_error', { fields: { name: 'not a service name' } });
    this.name = name;
    this.directory = join(dataDir, 'services', name);
  }

  path(...parts: string[]): string {
    return join(this.directory, ...parts);
  }

  /** The commits of a service that comes from Git, a folder each. */
  get checkouts(): string {
    return this.path('repo');
  }

  /** What its containers write beside the files of a commit. */
  get data(): string {
    return this.path('data');
  }

  /** The keys that ssh hosts of its repository have shown. */
  get knownHosts(): string {
    return this.path('known_hosts');
  }

  get envFile(): string {
    return this.path('.env');
  }

  get renderedFile(): string {
    return this.path('rendered.json');
  }

  /** What is deployed now, in the order in which Compose takes it. */
  get composeFiles(): string[] {
    return [this.path('compose.yaml'), this.path('override.yaml')];
  }

  /** What `docker compose config` is given for them. */
  get readFiles(): string[] {
    const [compose = '', ...rest] = this.composeFiles;
    return [existsSync(this.#judgedFile) ? this.#judgedFile : compose, ...rest];
  }

  get #judgedFile(): string {
    return this.path('judged.yaml');
  }

  /** Makes the folder hold exactly these sources; `obsolete` are files of an earlier state. Repeating changes nothing. */
  async write(sources: Sources, obsolete: readonly string[] = []): Promise<void> {
    const paths = Object.keys(sources.files);
    requireFilePaths(paths);
    await this.#makeFolder('');
    await this.#writeFile('compose.yaml', sources.compose, SECRET_MODE);
    if (sources.judged === undefined) await rm(this.#judgedFile, { force: true });
    else await this.#writeFile('judged.yaml', sources.judged, SECRET_MODE);
    await this.#writeFile('override.yaml', sources.override, SECRET_MODE);
    await this.#writeFile('.env', sources.env, SECRET_MODE);
    for (const [path, text] of Object.entries(sources.files)) await this.#writeFile(path, text, PLAIN_MODE);
    for (const path of obsolete.filter((one) => !paths.includes(one))) await rm(this.path(path), { force: true });
  }

  async writeRendered(rendered: Rendered): Promise<void> {
    await this.#writeFile('rendered.json', printRendered(rendered), SECRET_MODE);
  }

  /** Whether anything was ever handed to Compose here: the project's networks and volumes are then ours. */
  get wasApplied(): boolean {
    return existsSync(this.renderedFile);
  }

  /** What the containers were last made from; undefined before the first `up`, and when somebody broke the file. */
  async loadRendered(): Promise<Rendered | undefined> {
    const text = await readIfThere(this.renderedFile);
    try {
      return text === undefined ? undefined : parseRendered(text);
    } catch {
      return undefined;
    }
  }

  /** Already gone is fine. Links are removed, not followed. */
  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true, maxRetries: 3 });
  }

  async #writeFile(path: string, text: string, mode: number): Promise<void> {
    const slash = path.lastIndexOf('/');
    if (slash > 0) await this.#makeFolder(path.slice(0, slash));
    await writeAtomic(this.path(path), text, mode);
  }

  /** Makes each folder on the way and refuses a link among them: a container could have put one there. */
  async #makeFolder(relative: string): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    let at = this.directory;
    for (const part of relative.split('/').filter(Boolean)) {
      at = join(at, part);
      const isNew = await mkdir(at).then(() => true, ignore('EEXIST'));
      if (!(await lstat(at)).isDirectory()) {
        throw new LongshoreError('validation_error', { fields: { [`files.${relative}`]: 'leads through a link' } });
      }
      if (isNew) await chmod(at, FOLDER_MODE);
    }
  }
}

/** Throws `validation_error`. */
export function requireFilePaths(paths: readonly string[]): void {
  const bad = paths.filter((path) => !FILE.test(path) || OWN_NAMES.includes(path.split('/')[0] ?? ''));
  if (bad.length === 0) return;
  const fields = Object.fromEntries(bad.map((path) => [`files.${path}`, 'must be a path inside the service folder']));
  throw new LongshoreError('validation_error', { fields });
}

/** Whole and on disk before it takes its name; a link at the target is replaced, not followed. */
export async function writeAtomic(path: string, text: string, mode: number): Promise<void> {
  const partial = `${path}.${randomBytes(6).toString('hex')}.new`;
  const file = await open(partial, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
  try {
    await file.chmod(mode);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, path);
  const folder = await open(dirname(path), constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export const readIfThere = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch(ignore('ENOENT'));

export const ignore =
  (...codes: string[]) =>
  (error: unknown) => {
    if (!codes.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return undefined;
  };
