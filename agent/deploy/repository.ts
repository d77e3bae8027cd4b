// From a Git source to a compose text: the repository's own compose file, else one made for its Dockerfile.
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { COMPOSE_LIMITS } from '#shared/compose/parse.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { GitSource } from '#shared/model.ts';
import { fetchCommit } from './git.ts';
import { pruneCheckouts, type Checkout } from './checkouts.ts';
import { retried, type Say, type Task } from './task.ts';
import { ignore } from './workspace.ts';

/** In the order in which Compose itself looks. */
const COMPOSE_NAMES = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];
const DOCKERFILE = 'Dockerfile';

/** Fetches the newest commit and reads what to deploy. Fails as fetchCommit does, and with `no_build_recipe`. */
export async function fetchCompose(task: Task, source: GitSource, say: Say): Promise<{ text: string; from: Checkout }> {
  const { deps, run, workspace } = task;
  const { customerId, method } = run.service.spec;
  const fetch = {
    source,
    directory: workspace.checkouts,
    isStranger: customerId !== null || method === 'ai',
    allowsFiles: deps.allowsFileGit,
    home: deps.home,
    signal: run.signal,
    onLine: (message: string) => say({ message }),
  };
  await dropOldCommits(task);
  const from = await retried(say, () => fetchCommit(fetch));
  const { text, origin } = await composeOf(from.directory);
  say({ message: `commit ${from.commit.slice(0, 12)}, deploying its ${origin}` });
  return { text, from };
}

/** What a container wrote into a commit's folder may not be ours to remove: that fails no deploy. */
async function dropOldCommits({ workspace, deps }: Task): Promise<void> {
  await pruneCheckouts(workspace).catch((error: unknown) => {
    deps.log.warn({ err: error, service: workspace.name }, 'could not remove the files of an old commit');
  });
}

async function composeOf(directory: string): Promise<{ text: string; origin: string }> {
  for (const name of COMPOSE_NAMES) {
    const text = await readPlain(directory, name);
    if (text !== undefined) return { text, origin: name };
  }
  const dockerfile = await readPlain(directory, DOCKERFILE);
  if (dockerfile !== undefined) return { text: composeForDockerfile(dockerfile), origin: DOCKERFILE };
  const looked = [...COMPOSE_NAMES, DOCKERFILE].join(', ');
  throw new LongshoreError('no_build_recipe', { details: `Looked for ${looked} at the top of the repository` });
}

/** One service that is built here; the port it exposes is published where Docker finds one free. */
export function composeForDockerfile(dockerfile: string): string {
  const port = /^\s*EXPOSE\s+(\d{1,5})(?:\/tcp)?\b/im.exec(dockerfile)?.[1];
  const app = { build: '.', restart: 'unless-stopped', ...(port !== undefined && { ports: [port] }) };
  return stringify({ services: { app } });
}

/** Undefined when it is not there, and for anything but a plain file: git made it, but it is still a stranger's. */
async function readPlain(directory: string, name: string): Promise<string | undefined> {
  const path = join(directory, name);
  const stat = await lstat(path).catch(ignore('ENOENT'));
  if (!stat?.isFile()) return undefined;
  if (stat.size > COMPOSE_LIMITS.bytes)
    throw new LongshoreError('yaml_resource_limit', {
      details: `${name} is larger than ${COMPOSE_LIMITS.bytes} bytes`,
    });
  return readFile(path, 'utf8');
}
