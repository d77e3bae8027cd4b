// The compose files that a project was started from, where they are still what runs: Compose's own hash of each service
// must be the one on its containers. Best is the text itself, as its author wrote it. A text that means something else in
// another folder (relative paths), and several files, are taken as Compose reads them: one file, nothing left open.
import { statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { AdoptionDraft, Find } from '#shared/adoption.ts';
import { COMPOSE_LIMITS, parseCompose } from '#shared/compose/parse.ts';
import { referencesOf } from '#shared/compose/references.ts';
import type { ComposeMap } from '#shared/compose/values.ts';
import { writeYaml } from '#shared/compose/write-yaml.ts';
import { LongshoreError } from '#shared/errors.ts';
import { withScratch } from '../deploy/plan/scratch.ts';
import { fromConfig } from '../deploy/from-config.ts';
import { printRendered, type Rendered } from '../deploy/rendered.ts';
import { toDotenv } from '../deploy/dotenv.ts';
import { Workspace } from '../deploy/workspace.ts';
import { CONFIG_HASH_LABEL } from '../docker/container-view.ts';
import type { Compose } from '../docker/compose.ts';
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
export const fromFiles = (
  deps: FileDeps,
  find: Pick<Find, 'name' | 'workingDir' | 'configFiles'>,
  containers: readonly LiveContainer[],
): Promise<Source | undefined> => read(deps, find, containers).catch(noneForFaultsOfFiles);

/** What a file may be at fault for. */
const REFUSALS = new Set<LongshoreError['code']>(['compose_invalid', 'yaml_resource_limit', 'template_variable']);

function noneForFaultsOfFiles(error: unknown): undefined {
  const { code } = error as { code?: unknown };
  const isOfFiles = error instanceof LongshoreError ? REFUSALS.has(error.code) : /^E[A-Z]+$/.test(String(code));
  if (!isOfFiles) throw error;
}

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
  if (text === undefined) return undefined;
  const rendered = fromConfig((await deps.compose.config(project, run)).json);
  const means = async (source: Source): Promise<boolean> => {
    const meant = await hashesElsewhere(deps, name, source).catch(noneForFaultsOfFiles);
    return meant !== undefined && isSame(meant, hashes);
  };
  if (!(await means({ compose: printRendered(rendered), variables: {} }))) return undefined;
  const environment = await deps.compose.environment(project, run);
  const written = more.length === 0 ? asWritten(text, environment) : undefined;
  if (written && (await means(written))) return written;
  const asRead = withoutSecrets(rendered, environment);
  return (await means(asRead)) ? asRead : undefined;
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
  const found = await stat(path); // labels name the path, and a device or a pipe never ends
  if (!found.isFile() || found.size > COMPOSE_LIMITS.bytes) throw new LongshoreError('yaml_resource_limit');
  const text = await readFile(path, 'utf8');
  parseCompose(text);
  return text;
}

function envFileOf(workingDir: string, containers: readonly LiveContainer[]): string {
  const [noted] = containers.flatMap(({ labels }) => labels[ENV_FILE_LABEL]?.split(',') ?? []);
  const path = noted ?? join(workingDir, '.env');
  return isAbsolute(path) && statSync(path, { throwIfNoEntry: false })?.isFile() ? path : NO_FILE;
}

const asWritten = (text: string, environment: Readonly<Record<string, string>>): Source => ({
  compose: text,
  variables: takeFrom(environment, parseCompose(text).root),
});

function withoutSecrets(rendered: Rendered, environment: Readonly<Record<string, string>>): Source {
  const { services, variables } = hideSecrets(rendered.services);
  return {
    compose: writeYaml({ ...rendered, services }),
    variables: { ...takeFrom(environment, rendered), ...variables },
  };
}

/** Only what the file asks for: the rest of a `.env` is nobody's business. */
function takeFrom(environment: Readonly<Record<string, string>>, root: ComposeMap): Record<string, string> {
  const wanted = referencesOf(root);
  return Object.fromEntries(Object.entries(environment).filter(([name]) => wanted.has(name)));
}

/** As a service's folder would have it. What `config` prints is hashed: of a file itself it leaves out env files. */
const hashesElsewhere = (
  { dataDir, compose, signal }: FileDeps,
  name: string,
  { compose: text, variables }: Source,
): Promise<Record<string, string>> =>
  withScratch(dataDir, async (scratchDir) => {
    const workspace = new Workspace(scratchDir, name);
    await workspace.write({ compose: text, env: toDotenv(variables), override: '', files: {} });
    const { directory, envFile } = workspace;
    const [project, run] = [
      { name, directory },
      { files: [workspace.path('compose.yaml')], envFile, signal },
    ];
    const rendered = fromConfig((await compose.config(project, run)).json);
    await workspace.writeRendered(rendered);
    return compose.hashes(project, { ...run, files: [workspace.renderedFile] });
  });
