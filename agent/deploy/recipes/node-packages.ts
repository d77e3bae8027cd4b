// Which package manager a Node project uses, and how it installs, builds and prunes.
import { firstLine, present, sectionOf, textIn, type Section } from './manifests.ts';
import type { Repository } from './recipe.ts';

export interface PackageManager {
  name: 'npm' | 'pnpm' | 'yarn';
  /** The file that says so; undefined when it is only what one takes without any. */
  lock: string | undefined;
  /** Lines before anything is copied. */
  setup: string[];
  install: string;
  build: string;
  /** Drops what only the build needs. */
  prune: string | undefined;
}

const NPM_LOCKS = ['package-lock.json', 'npm-shrinkwrap.json'];
/** By the format of the lock file; each reads its own best. */
const PNPM_OF_LOCK: Record<string, string> = { '5': '7', '6': '8', '9': '10' };
const PNPM_DEFAULT = '10';

/** Its `packageManager` decides, then the lock files: pnpm's, Yarn's, npm's. */
export function packageManagerOf(repository: Repository, manifest: Section): PackageManager {
  const [, named, version] =
    /^(npm|pnpm|yarn)@(\d{1,2}\.\d{1,3}\.\d{1,3})/.exec(textIn(manifest, 'packageManager') ?? '') ?? [];
  const lock = (...names: string[]) => present(repository, names)[0];
  const [pnpmLock, yarnLock, npmLock] = [lock('pnpm-lock.yaml'), lock('yarn.lock'), lock(...NPM_LOCKS)];
  if (named === 'pnpm' || (!named && pnpmLock)) return pnpm(repository, pnpmLock, version);
  if (named === 'yarn' || (!named && yarnLock)) return yarn(repository, yarnLock, version);
  return npm(npmLock);
}

const npm = (lock: string | undefined): PackageManager => ({
  name: 'npm',
  lock,
  setup: [],
  install: lock === undefined ? 'RUN npm install' : 'RUN npm ci',
  build: 'RUN npm run build',
  prune: 'RUN npm prune --omit=dev',
});

function pnpm({ texts }: Repository, lock: string | undefined, version: string | undefined): PackageManager {
  const format = /^lockfileVersion: *'?(\d)/m.exec(texts.get('pnpm-lock.yaml') ?? '')?.[1] ?? '';
  return {
    name: 'pnpm',
    lock,
    setup: [`RUN npm install --global pnpm@${version ?? PNPM_OF_LOCK[format] ?? PNPM_DEFAULT}`],
    install: lock === undefined ? 'RUN pnpm install' : 'RUN pnpm install --frozen-lockfile',
    build: 'RUN pnpm run build',
    prune: 'RUN CI=true pnpm prune --prod',
  };
}

/** Newer images have no corepack of their own. What it fetches for the build goes along to where it runs. */
const COREPACK = [
  'ENV COREPACK_HOME=/app/.corepack COREPACK_ENABLE_DOWNLOAD_PROMPT=0',
  'RUN npm install --global --force corepack && corepack enable',
];

/** Corepack fetches the right one. What came after Yarn 1 keeps its packages as it likes, and nothing is pruned. */
function yarn(repository: Repository, lock: string | undefined, version: string | undefined): PackageManager {
  const isModern = version === undefined ? isBerryLock(repository) : !version.startsWith('1.');
  const frozen = isModern ? '--immutable' : '--frozen-lockfile';
  return {
    name: 'yarn',
    lock,
    setup: COREPACK,
    install: `RUN yarn install${lock === undefined ? '' : ` ${frozen}`}`,
    build: 'RUN yarn run build',
    prune: isModern ? undefined : 'RUN yarn install --production --ignore-scripts --prefer-offline',
  };
}

const isBerryLock = (repository: Repository): boolean =>
  repository.files.has('.yarnrc.yml') || /^__metadata:/m.test(repository.texts.get('yarn.lock') ?? '');

/** Written into the folder that a project is installed from; with more than these the whole repository is. */
const INSTALLED_FROM = ['package.json', '.npmrc', '.yarnrc.yml', '.yarnrc', 'pnpm-workspace.yaml'];
const DEPENDENCIES = ['dependencies', 'devDependencies', 'optionalDependencies'];
const isLocal = (version: unknown): boolean => /^(file|link|portal|workspace):/.test(String(version));
const NEEDS_SOURCES = ['preinstall', 'install', 'postinstall', 'prepare'];

/** Undefined when installing may look at any file: workspaces, packages in folders, patches and scripts of its own. */
export function manifestsToInstall(
  repository: Repository,
  manifest: Section,
  { lock }: PackageManager,
): string[] | undefined {
  const scripts = sectionOf(manifest['scripts']);
  const hasFolders = [...repository.files].some((file) => /^(patches|\.yarn)\//.test(file));
  const isWorkspace = manifest['workspaces'] !== undefined || repository.files.has('pnpm-workspace.yaml');
  const isLinked = DEPENDENCIES.some((key) => Object.values(sectionOf(manifest[key])).some(isLocal));
  if (hasFolders || isWorkspace || isLinked || NEEDS_SOURCES.some((name) => textIn(scripts, name))) return undefined;
  return [...present(repository, INSTALLED_FROM), ...(lock === undefined ? [] : [lock])];
}

const NODE_FILES = ['.nvmrc', '.node-version'];
const LTS_NAMES = new Map([
  ['hydrogen', '18'],
  ['iron', '20'],
  ['jod', '22'],
  ['krypton', '24'],
]);

/** What the project asks for, and where it says so. */
export function nodeRange(repository: Repository, manifest: Section): { range: string; place: string } | undefined {
  const engines = textIn(sectionOf(manifest['engines']), 'node');
  if (engines !== undefined) return { range: engines, place: 'engines in package.json' };
  const place = present(repository, NODE_FILES)[0];
  const line = place === undefined ? undefined : firstLine(repository, place);
  if (place === undefined || !line) return undefined;
  return { range: LTS_NAMES.get(line.replace(/^lts\//, '').toLowerCase()) ?? line, place };
}
