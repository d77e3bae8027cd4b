// What a repository looks like to the AI: the names of its files, and the texts that say how it is built and run. Pure but
// for the reader it is given. Bounded whatever the repository is, and silent about what looks like a secret.
import { posix } from 'node:path';
import { DESCRIPTION_LIMITS as LIMITS, type RepositoryDescription } from '#shared/protocol/ai-parts.ts';
import { hideSecrets } from './hide-secrets.ts';

export interface RepositoryFiles {
  /** From the top, with `/`. */
  paths: readonly string[];
  sizeOf: (path: string) => Promise<number>;
  /** At most so many bytes of its beginning. */
  read: (path: string, limitBytes: number) => Promise<Uint8Array>;
}

/** A minified line says nothing to a reader. */
const MAX_LINE_CHARS = 300;
/** Deeper down lie parts of the whole. */
const MAX_TEXT_DEPTH = 3;
/** A character takes up to four; what is more is cut off anyway. */
const READ_BYTES = LIMITS.textChars * 4;

/** What says most, first. */
const TELLING: readonly RegExp[] = [
  /^(docker-)?compose([.-][\w.-]+)?\.ya?ml$/i,
  /^(Dockerfile|Containerfile)([.-][\w.-]+)?$|\.dockerfile$/i,
  /^(package\.json|pyproject\.toml|requirements[\w.-]*\.txt|Pipfile|setup\.(py|cfg)|go\.mod|Cargo\.toml|pom\.xml|build\.gradle(\.kts)?|Gemfile|composer\.json|mix\.exs|deno\.jsonc?|Procfile|[\w.-]+\.(csproj|fsproj))$/,
  /^(Makefile|\.nvmrc|\.node-version|\.python-version|\.ruby-version|\.tool-versions|runtime\.txt|app\.json|fly\.toml|render\.yaml|nixpacks\.toml|\.env\.(example|sample|template|dist))$/,
  /^readme(\.(md|rst|txt|adoc))?$/i,
  /^(main|app|server|index|wsgi|asgi|manage|config|settings)\.(js|mjs|cjs|ts|py|go|rb|php|rs)$/,
];

const EXAMPLE_ENV = /^\.env\.(example|sample|template|dist)$/;
/** Never read, whatever else their names say. */
const SECRET_FILE =
  /^(\.env(\..*)?|.*\.env|\.(npmrc|yarnrc(\.yml)?|pypirc|netrc|pgpass|htpasswd|git-credentials|dockercfg)|id_(rsa|dsa|ecdsa|ed25519).*|.*(secret|credential|passw(or)?d|service-?account|kubeconfig).*|.*\.(pem|key|crt|p12|pfx|jks|keystore|kdbx|ppk|asc|gpg|tfvars|tfstate))$/i;
const SECRET_FOLDER = /(^|\/)(\.(ssh|aws|gnupg|docker|kube|azure)|secrets?|credentials?)\//i;

/** `hide` takes out what is known to be secret. */
export async function describeRepository(
  { paths, sizeOf, read }: RepositoryFiles,
  hide: (text: string) => string,
): Promise<RepositoryDescription> {
  const usable = paths.filter((path) => path.length <= LIMITS.pathChars).toSorted(byDepth);
  const texts: RepositoryDescription['texts'] = [];
  let left: number = LIMITS.allChars;
  for (const path of tellingOf(usable)) {
    if (texts.length === LIMITS.texts || left === 0) break;
    const text = readable(await read(path, READ_BYTES));
    if (text === undefined) continue;
    const clean = clip(hide(hideSecrets(isExample(path) ? namesOnly(text) : text)));
    const kept = clean.slice(0, Math.min(LIMITS.textChars, left));
    const isCut = kept.length < clean.length || (await sizeOf(path)) > READ_BYTES;
    texts.push({ path, text: kept, isCut });
    left -= kept.length;
  }
  const shown = usable.slice(0, LIMITS.files).map(async (path) => ({ path, bytes: await sizeOf(path) }));
  return { files: await Promise.all(shown), fileCount: paths.length, texts };
}

const depthOf = (path: string): number => path.split('/').length;

const byDepth = (a: string, b: string): number => depthOf(a) - depthOf(b) || (a < b ? -1 : 1);

/** The texts worth reading: by what they are, then by how near to the top they lie. */
function tellingOf(paths: readonly string[]): string[] {
  const near = paths.filter((path) => depthOf(path) <= MAX_TEXT_DEPTH && !isSecret(path));
  return TELLING.flatMap((pattern) => near.filter((path) => pattern.test(posix.basename(path))));
}

const isExample = (path: string): boolean => EXAMPLE_ENV.test(posix.basename(path));

export function isSecret(path: string): boolean {
  const name = posix.basename(path);
  return SECRET_FOLDER.test(path) || (SECRET_FILE.test(name) && !isExample(path));
}

/** Undefined for what is no text. A character that the limit has cut in two is dropped. */
function readable(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  const text = new TextDecoder().decode(bytes).replace(/\uFFFD$/, '');
  return text.includes('\uFFFD') ? undefined : text;
}

/** Control characters tell nothing, and JSON makes six of each. */
function clip(text: string): string {
  const lines = text.replace(/[^\P{Cc}\t\n]/gu, '').split('\n');
  return lines.map((line) => (line.length > MAX_LINE_CHARS ? `${line.slice(0, MAX_LINE_CHARS)}…` : line)).join('\n');
}

/** Examples have been known to hold what they should only show. */
const namesOnly = (text: string): string => text.replace(/^([ \t]*(?:export )?\w+[ \t]*=).*$/gm, '$1');
