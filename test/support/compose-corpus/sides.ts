// Runs a compose file twice under one project name and in one folder, by `docker compose up -d` and as Longshore deploys
// it, and looks at what runs then. One after the other: both want the same names and ports.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LongshoreError } from '#shared/errors.ts';
import type { DeployHost } from '../deploy-host.ts';
import { docker, runProgram } from '../docker.ts';
import { eventually } from '../eventually.ts';
import { inspectContainers, inspectRest, removeAll } from './docker-project.ts';
import type { ComposeCase } from './fixture.ts';
import { normalise, type Inspected, type Project } from './normalise.ts';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What runs then, or why nothing does. */
export type End = { runs: Project } | { refused: string };

/** By the command that everybody knows, with nothing in its environment but the variables. */
export async function byCompose(host: DeployHost, given: ComposeCase): Promise<End> {
  const { folder } = host;
  const { name } = host.spec;
  await mkdir(folder, { recursive: true });
  await writeInto(folder, { ...given.files, 'compose.yaml': given.text });
  const env = Object.entries({ PATH, HOME: host.dataDir, ...given.variables }).map(([key, value]) => `${key}=${value}`);
  const where = ['-p', name, '--project-directory', folder, '-f', join(folder, 'compose.yaml')];
  try {
    const up = runProgram('env', ['-i', ...env, 'docker', 'compose', '--progress', 'quiet', ...where, 'up', '-d']);
    const refused = await up.then(() => undefined, String);
    return refused === undefined ? { runs: await look(name, given) } : { refused };
  } finally {
    await removeAll(name);
    await rm(folder, { recursive: true, force: true });
  }
}

/** By a deploy, from the spec to a service that is ready. */
export async function byLongshore(host: DeployHost, given: ComposeCase): Promise<End> {
  const { name } = host.spec;
  try {
    const outcome = await host.deploy({ compose: given.text, variables: given.variables, files: given.files });
    return outcome.state === 'succeeded' ? { runs: await look(name, given) } : { refused: reasonOf(outcome.error) };
  } finally {
    await removeAll(name);
    await rm(host.folder, { recursive: true, force: true });
  }
}

const reasonOf = ({ code, message, details, fields }: LongshoreError): string =>
  `${code}: ${details ?? message} ${fields ? JSON.stringify(fields) : ''}`;

async function writeInto(folder: string, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

/** Once all that ends has ended, and the rest knows whether it is healthy. */
async function look(project: string, given: ComposeCase): Promise<Project> {
  const containers = await eventually(() => inspectContainers(project), {
    until: (all) => all.every((container) => isSettled(container as unknown as Settling, given.ends)),
  });
  const [rest, output] = await Promise.all([inspectRest(project), outputOf(containers, given.ends)]);
  return normalise({ containers, ...rest, output }, given.text);
}

interface Settling {
  Name: string;
  Config: { Labels: Record<string, string> };
  State: { Status: string; Health?: { Status: string } };
}

const serviceOf = ({ Config }: Settling): string => Config.Labels['com.docker.compose.service'] ?? '';

function isSettled(container: Settling, ends: readonly string[]): boolean {
  const { Status, Health } = container.State;
  if (ends.includes(serviceOf(container))) return Status === 'exited';
  return Status === 'running' && Health?.Status !== 'starting';
}

async function outputOf(containers: Inspected[], ends: readonly string[]): Promise<Record<string, string>> {
  const ended = (containers as unknown as Settling[]).filter((container) => ends.includes(serviceOf(container)));
  const entries = ended.map(async ({ Name }) => [Name, await docker(['logs', Name.slice(1)])]);
  return Object.fromEntries(await Promise.all(entries)) as Record<string, string>;
}
