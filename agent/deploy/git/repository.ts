// From a Git source to a compose text: the repository's own compose file, else one made for its Dockerfile, else for the
// Dockerfile that a recipe writes. An AI deploy takes what the AI proposes instead, where there is one to ask.
import { join } from 'node:path';
import { stringify } from 'yaml';
import { LongshoreError } from '#shared/errors.ts';
import type { GitSource } from '#shared/model.ts';
import { adviseOn } from '../ai/advice.ts';
import { fetchCommit } from './fetch-commit.ts';
import { pruneCheckouts, type Checkout } from './checkouts.ts';
import { readPlain, readRepository } from './read-repository.ts';
import { findRecipe, isRecipe } from '../recipes/find-recipe.ts';
import type { NoRecipe, Recipe } from '../recipes/recipe.ts';
import { retried, type Say, type Task } from '../task.ts';

/** In the order in which Compose itself looks. */
const COMPOSE_NAMES = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];
const DOCKERFILE = 'Dockerfile';

/**
 * Fetches the newest commit, once a job, and finds out how to run it. Fails as fetchCommit and adviseOn do, and with
 * `no_build_recipe`.
 */
export async function fetchCompose(task: Task, source: GitSource, say: Say): Promise<{ text: string; from: Checkout }> {
  const from = task.checkout ?? (await fetchSource(task, source, say));
  const isByAi = task.run.service.spec.method === 'ai';
  const advised = isByAi ? await adviseOn(task, from, say) : undefined;
  const { text, origin } = advised ?? (await composeOf(from.folder, settingsOf(task)));
  const note = isByAi && !advised ? 'no AI endpoint is set, ' : '';
  say({
    message: `commit ${from.commit.slice(0, 12)}, ${note}deploying its ${origin}${source.path === undefined ? '' : ` in ${source.path}`}`,
  });
  return { text, from };
}

/** Its newest commit, or the one that was approved. */
export async function fetchSource(task: Task, wanted: GitSource, say: Say): Promise<Checkout> {
  const { deps, run, workspace, isStranger, approved } = task;
  const source = approved ? { ...wanted, commit: approved.commit } : wanted;
  // This machine's own files, where it allows them, are nobody's to attack others with.
  const isLocal = source.url.startsWith('file:') && run.service.spec.customerId === null;
  const fetch = {
    source,
    directory: workspace.checkouts,
    isStranger: isStranger && !isLocal,
    allowsFiles: deps.allowsFileGit,
    home: deps.home,
    keyFolder: join(deps.dataDir, 'logins', `${workspace.name}.git`),
    knownHostsFile: workspace.knownHosts,
    searchPath: deps.searchPath,
    signal: run.signal,
    onLine: (message: string) => say({ message }),
  };
  await dropOldCommits(task);
  return retried(say, () => fetchCommit(fetch));
}

function settingsOf({ run, deps }: Task): BuildSettings {
  const { variables, offeredNames = [], git } = run.service.spec;
  const own = Object.entries(variables).filter(([name]) => !offeredNames.includes(name));
  return { variables: Object.fromEntries(own), imagePrefix: deps.buildImagePrefix, path: git?.path };
}

/** What a container wrote into a commit's folder may not be ours to remove: that fails no deploy. */
async function dropOldCommits({ workspace, deps }: Task): Promise<void> {
  await pruneCheckouts(workspace).catch((error: unknown) => {
    deps.log.warn({ err: error, service: workspace.name }, 'could not remove the files of an old commit');
  });
}

interface BuildSettings {
  /** The service's own: a shared one is for texts that name it. */
  variables: Readonly<Record<string, string>>;
  imagePrefix: string;
  /** For messages. */
  path: string | undefined;
}

/** `origin` says how it is run, with all of a recipe: people who watch may see only the last line of a step. */
async function composeOf(
  directory: string,
  { variables, imagePrefix, path }: BuildSettings,
): Promise<{ text: string; origin: string }> {
  for (const name of COMPOSE_NAMES) {
    const text = await readPlain(directory, name);
    if (text !== undefined) return { text, origin: name };
  }
  const dockerfile = await readPlain(directory, DOCKERFILE);
  if (dockerfile !== undefined)
    return { text: composeForDockerfile(dockerfile, Object.keys(variables)), origin: DOCKERFILE };
  const recipe = findRecipe(await readRepository(directory), imagePrefix);
  if (!isRecipe(recipe)) throw noRecipe(recipe, path);
  return { text: composeForRecipe(recipe, variables), origin: describeRecipe(recipe) };
}

/** The port it exposes is published. */
export function composeForDockerfile(dockerfile: string, variables: readonly string[] = []): string {
  const port = /^[ \t]*EXPOSE[ \t]+(\d{1,5})(?:\/tcp)?\b/im.exec(dockerfile)?.[1];
  return composeForBuild({ build: '.', port, variables });
}

/** In the compose file itself: revisions keep it, and a commit's folder stays as Git made it. */
function composeForRecipe({ dockerfile, port }: Recipe, variables: Readonly<Record<string, string>>): string {
  const build = { context: '.', dockerfile_inline: dockerfile.replaceAll('$', '$$$$') }; // `$$` is Compose's `$`
  return composeForBuild({ build, port: variables['PORT'] ?? String(port), variables: Object.keys(variables) });
}

interface Build {
  build: unknown;
  port: string | undefined;
  /** Names of the service's variables. There is no file that could say who gets them, so the container does. */
  variables: readonly string[];
}

/** One service that is built here; its port is published where Docker finds one free. */
function composeForBuild({ build, port, variables }: Build): string {
  const environment = Object.fromEntries(variables.map((name) => [name, `\${${name}}`]));
  const app = {
    build,
    restart: 'unless-stopped',
    ...(variables.length > 0 && { environment }),
    ...(port !== undefined && { ports: [port] }),
  };
  return stringify({ services: { app } });
}

function describeRecipe({ name, found, command, port, dockerfile }: Recipe): string {
  const start = command.map((word) => (/\s/.test(word) ? JSON.stringify(word) : word)).join(' ');
  return `sources by the ${name} recipe: found ${found.join(', ')}; will run ${start} on port ${port}\n${dockerfile}`;
}

function noRecipe({ lookedFor, lacks }: NoRecipe, path: string | undefined): LongshoreError {
  const place = path === undefined ? 'at the top' : `in ${path}`;
  const looked = [...COMPOSE_NAMES, DOCKERFILE, ...lookedFor].join(', ');
  const found = lacks.map((lack) => `. Found ${lack}`).join('');
  return new LongshoreError('no_build_recipe', {
    details: `Looked for ${looked} ${place} of the repository${found}`,
  });
}
