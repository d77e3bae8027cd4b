// A template as files: the folder it is written in, or what another system keeps it in.
import { readdirSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
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
  const manifest = readInput(join(folder, MANIFEST), 'DIR');
  const parsed = parseManifest(manifest, parse);
  const named = namesOf(parsed);
  const files = Object.fromEntries(named.map((name) => [name, readInput(join(folder, name), 'DIR')]));
  const hasCompose = listFiles(folder).includes(COMPOSE);
  return {
    id: idOf(parsed),
    manifest,
    ...(hasCompose && { compose: readInput(join(folder, COMPOSE), 'DIR') }),
    ...(named.length > 0 && { files }),
  };
}

/** What an import sends: a URL to fetch, a folder's files, or one file by its name. */
export function readImportSource(source: string): Record<string, unknown> {
  if (/^https?:\/\//i.test(source)) return { url: source };
  if (source === '-') return { content: readInput(source, 'SOURCE') };
  if (isFolder(source)) {
    const paths = listFiles(source);
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

/** Hidden files and pictures are no part of a template. */
function listFiles(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  return paths.filter((path) => !/(^|\/)\.|\.(png|jpe?g|svg|webp|gif|ico)$/i.test(path)).toSorted();
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
