// The compose files that a project was started from, where they are still what runs: Compose's own hash of each service
// must be the one on its containers. Best is the text itself, as its author wrote it. A text that means something else in
// another folder (relative paths), and several files, are taken as Compose reads them: one file, nothing left open.
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { stringify } from 'yaml';
import type { AdoptionDraft, Find } from '#shared/adoption.ts';
import { COMPOSE_LIMITS, parseCompose } from '#shared/compose/parse.ts';
import { referencesOf } from '#shared/compose/references.ts';
import type { ComposeMap } from '#shared/compose/values.ts';
import { LongshoreError } from '#shared/errors.ts';
import { withScratch } from '../deploy/plan/scratch.ts';
import { parseRendered } from '../deploy/rendered.ts';
import { toDotenv } from '../deploy/dotenv.ts';
import { Workspace } from '../deploy/workspace.ts';
import { CONFIG_HASH_LABEL } from '../docker/container-view.ts';
import type { Compose, ComposeProject, ComposeRun } from '../docker/compose.ts';
import type { LiveContainer } from '../docker/live-container.ts';
import { hideSecrets } from './secrets-out.ts';

const ENV_FILE_LABEL = 'com.docker.compose.project.environment_file';
/** Where there is no `.env`. */
const NO_FILE = '/dev/null';

export interface FileDeps {
  dataDir: string;
  compose: Pick<Compose, 'config' | 'hashes' | 'environment'>;
  signal: AbortSignal;
}

type Source = Pick<AdoptionDraft, 'compose' | 'variables'>;

/** Undefined where the files are gone, cannot be read, or say something else than what runs. */
export async function fromFiles(
  deps: FileDeps,
  find: Pick<Find, 'name' | 'workingDir' | 'configFiles'>,
  containers: readonly LiveContainer[],
): Promise<Source | undefined> {
  try {
    return await read(deps, find, containers);
  } catch (error) {
    const isOfFiles = !(error instanceof LongshoreError) || REFUSALS.has(error.code);
    if (isOfFiles && !deps.signal.aborted) return undefined;
    throw error;
  }
}

/** What a file may be at fault for. */
const REFUSALS = new Set<LongshoreError['code']>(['compose_invalid', 'yaml_resource_limit', 'template_variable']);

async function read(
  deps: FileDeps,
  { name, workingDir, configFiles: files }: Pick<Find, 'name' | 'workingDir' | 'configFiles'>,
  containers: readonly LiveContainer[],
): Promise<Source | undefined> {
  const hashes = hashesOf(containers);
  if (workingDir === null || files.length === 0 || !hashes || !files.every(isAbsolute)) return undefined;
  const [text, ...more] = await Promise.all(files.map(readText));
  const project = { name, directory: workingDir };
  const run = { files, envFile: envFileOf(workingDir, containers), signal: deps.signal };
  if (text === undefined || !isSame(await deps.compose.hashes(project, run), hashes)) return undefined;
  const environment = await deps.compose.environment(project, run);
  const candidates = [
    ...(more.length === 0 ? [async () => asWritten(text, environment)] : []),
    () => asRead(deps, project, run, environment),
  ];
  for (const candidate of candidates) {
    const source = await candidate();
    if (isSame(await hashesElsewhere(deps, name, source), hashes)) return source;
  }
  return undefined;
}

/** By service; undefined where Compose left none. */
function hashesOf(containers: readonly LiveContainer[]): Record<string, string> | undefined {
  const pairs = containers.map(({ service, labels }) => [service, labels[CONFIG_HASH_LABEL]] as const);
  const hashes = Object.fromEntries(pairs.flatMap(([service, hash]) => (hash ? [[service, hash]] : [])));
  return pairs.every(([service, hash]) => hash !== undefined && hash === hashes[service]) ? hashes : undefined;
}

function isSame(some: Readonly<Record<string, string>>, others: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(some);
  return names.length === Object.keys(others).length && names.every((name) => some[name] === others[name]);
}

/** Within the limits of a compose file, so that Compose can be let at it. */
async function readText(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > COMPOSE_LIMITS.bytes) throw new LongshoreError('yaml_resource_limit');
  const text = await readFile(path, 'utf8');
  parseCompose(text);
  return text;
}

function envFileOf(workingDir: string, containers: readonly LiveContainer[]): string {
  const [noted] = containers.flatMap(({ labels }) => labels[ENV_FILE_LABEL]?.split(',') ?? []);
  const path = noted ?? join(workingDir, '.env');
  return isAbsolute(path) && existsSync(path) ? path : NO_FILE;
}

const asWritten = (text: string, environment: Readonly<Record<string, string>>): Source => ({
  compose: text,
  variables: takeFrom(environment, parseCompose(text).root),
});

async function asRead(
  { compose }: FileDeps,
  project: ComposeProject,
  run: ComposeRun,
  environment: Readonly<Record<string, string>>,
): Promise<Source> {
  const { name: _, ...root } = parseRendered((await compose.config(project, run)).json);
  const { services, variables } = hideSecrets(root.services);
  return {
    compose: stringify({ ...root, services }, { aliasDuplicateObjects: false }),
    variables: { ...takeFrom(environment, root), ...variables },
  };
}

/** Only what the file asks for: the rest of a `.env` is nobody's business. */
function takeFrom(environment: Readonly<Record<string, string>>, root: ComposeMap): Record<string, string> {
  const wanted = referencesOf(root);
  return Object.fromEntries(Object.entries(environment).filter(([name]) => wanted.has(name)));
}

/** As a service's folder would have it. */
const hashesElsewhere = (
  { dataDir, compose, signal }: FileDeps,
  name: string,
  { compose: text, variables }: Source,
): Promise<Record<string, string>> =>
  withScratch(dataDir, async (scratchDir) => {
    const workspace = new Workspace(scratchDir, name);
    await workspace.write({ compose: text, env: toDotenv(variables), override: '', files: {} });
    const { directory, envFile } = workspace;
    return compose.hashes({ name, directory }, { files: [workspace.path('compose.yaml')], envFile, signal });
  });
