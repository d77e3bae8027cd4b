// A template as files: the folder it is written in, or what another system keeps it in.
import { readdirSync, statSync, type Dirent } from 'node:fs';
import { basename, join, normalize } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import { readInput } from './pairs.ts';

export interface TemplateBody {
  /** What the manifest says it is called. */
  id: string;
  manifest: string;
  compose?: string;
  files?: Record<string, string>;
}

const MANIFEST = 'template.yaml';
const COMPOSE = 'compose.yaml';
/** As many as the API takes; a folder with more is not a template. */
const MAX_FILES = 50;

/** `template.yaml`, `compose.yaml` and the files that the first one names in `from`. */
export async function readTemplateFolder(folder: string): Promise<TemplateBody> {
  const { parse } = await import('yaml');
  const own = listFiles(folder);
  const read = (name: string) => readOwn(folder, own, name);
  const manifest = read(MANIFEST);
  const parsed = parseManifest(manifest, parse);
  const named = namesOf(parsed);
  const files = Object.fromEntries(named.map((name) => [name, read(name)]));
  return {
    id: idOf(parsed),
    manifest,
    ...(own.includes(COMPOSE) && { compose: read(COMPOSE) }),
    ...(named.length > 0 && { files }),
  };
}

/** A folder from elsewhere must not send a file of this machine along, by `../` or by a link. */
function readOwn(folder: string, own: readonly string[], name: string): string {
  if (!own.includes(normalize(name))) throw bad(`"${name}" is no file in "${folder}"`);
  return readInput(join(folder, name), 'DIR');
}

/** What an import sends: a URL to fetch, a folder's files, or one file by its name. */
export function readImportSource(source: string): Record<string, unknown> {
  if (/^https?:\/\//i.test(source)) return { url: source };
  if (source === '-') return { content: readInput(source, 'SOURCE') };
  if (isFolder(source)) {
    const paths = listFiles(source).filter((path) => !UNSENT.test(path));
    if (paths.length > MAX_FILES) throw bad(`"${source}" holds more than ${MAX_FILES} files`);
    return { files: Object.fromEntries(paths.map((path) => [path, readInput(join(source, path), 'SOURCE')])) };
  }
  // Its name says what a template is called that does not say so itself.
  const text = readInput(source, 'SOURCE');
  return /\.ya?ml$/i.test(source) && !isWhole(text) ? { files: { [basename(source)]: text } } : { content: text };
}

/** Formats of one file that need no name beside it. */
const isWhole = (text: string): boolean => /^(schema|captainVersion):/m.test(text);

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** Hidden files and pictures are no part of another system's template. */
const UNSENT = /(^|\/)\.|\.(png|jpe?g|svg|webp|gif|ico)$/i;

/** Paths of its files, also in its folders. Links are neither: `readdir` by itself would follow them out of the folder. */
function listFiles(folder: string): string[] {
  const paths = readEntries(folder).flatMap((entry) => {
    if (entry.isDirectory()) return listFiles(join(folder, entry.name)).map((path) => join(entry.name, path));
    return entry.isFile() ? [entry.name] : [];
  });
  return paths.toSorted();
}

function readEntries(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw bad(`Cannot read the folder "${folder}": ${(error as Error).message}`);
  }
}

function parseManifest(text: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw bad(`${MANIFEST}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function namesOf(manifest: unknown): string[] {
  const { files } = (manifest ?? {}) as { files?: unknown };
  const list: unknown[] = Array.isArray(files) ? files : [];
  return list.map((file) => (file as { from?: unknown } | null)?.from).filter((from) => typeof from === 'string');
}

function idOf(manifest: unknown): string {
  const { id } = (manifest ?? {}) as { id?: unknown };
  if (typeof id === 'string' && id !== '') return id;
  throw bad(`${MANIFEST} has no id`);
}

const bad = (message: string): LongshoreError => new LongshoreError('bad_request', { message });
