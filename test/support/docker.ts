// What tests do with a real engine, by the `docker` command: the product's own client is the thing under test.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { eventually } from './eventually.ts';

const run = promisify(execFile);
const BUILD_IMAGES = fileURLToPath(new URL('./images/build.sh', import.meta.url));
const BUILD_SERVERS = fileURLToPath(new URL('./images/servers.sh', import.meta.url));
const BUILD_EDGE = fileURLToPath(new URL('./images/edge.sh', import.meta.url));
const BUILD_LANGUAGES = fileURLToPath(new URL('./images/languages.sh', import.meta.url));
const MAX_OUTPUT_BYTES = 64 << 20; // `docker logs` of a chatty test

type RunOptions = { cwd?: string; env?: NodeJS.ProcessEnv; timeoutMs?: number };

/** Runs `docker ARGS` and returns its stdout, trimmed. Rejects with its stderr in the message. */
export function docker(args: string[], options: RunOptions = {}): Promise<string> {
  return runProgram('docker', args, options);
}

let answer: Promise<string | false> | undefined;

/** Why this machine can't run Docker tests, or false: `t.test('…', { skip: await missingDocker() }, …)`. */
export function missingDocker(): Promise<string | false> {
  answer ??= docker(['version', '--format', '{{.Server.Version}}'], { timeoutMs: 10_000 }).then(
    () => false,
    () => 'no Docker Engine answers; `./install.sh engine` sets one up',
  );
  return answer;
}

/** Skips the test where there is no engine: `if (!(await requireDocker(t))) return;`. In CI a skip is a failure. */
export async function requireDocker(t: Test): Promise<boolean> {
  const reason = await missingDocker();
  if (reason) t.plan(0, reason);
  return !reason;
}

/** The offline test images (see images/build.sh), made once and kept. */
export async function ensureImages(): Promise<void> {
  await runProgram(BUILD_IMAGES, []);
}

/** What recipes build from, as `longshore-test/node:24` and so on (see images/languages.sh), made once and kept. */
export async function ensureLanguages(): Promise<void> {
  await runProgram(BUILD_LANGUAGES, [], { env: { NODE: process.execPath } });
}

/** A real Caddy as `longshore-test/edge:1` (see images/edge.sh), made once and kept. */
export async function ensureEdge(): Promise<void> {
  await runProgram(BUILD_EDGE, []);
}

/** Postgres, Redis and nginx as `longshore-test/postgres:1` and so on (see images/servers.sh), made once and kept. */
export async function ensureServers(): Promise<void> {
  await runProgram(BUILD_SERVERS, []);
}

/** Stand-ins under any name, for files that ask for images of the world: `ensureAliases('redis:7-alpine=6379')`. */
export async function ensureAliases(...names: string[]): Promise<void> {
  await runProgram(BUILD_IMAGES, ['alias', ...names]);
}

/** A name that no other test and no earlier run has: usable for containers, projects, networks and volumes. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString('hex')}`;
}

/** The name of a Compose project that is removed, with all it left behind, when the test ends. */
export function uniqueProject(t: Test, prefix: string): string {
  const project = uniqueName(prefix);
  t.teardown(() => removeProject(project));
  return project;
}

/**
 * Removes all that carries the project's label, also what `compose down` no longer knows of. Safe to repeat; and it is
 * repeated, for an agent that still runs may be removing or making some of it.
 */
export async function removeProject(project: string): Promise<void> {
  await eventually(() => sweepProject(project).then(() => true));
}

async function sweepProject(project: string): Promise<void> {
  const filter = ['--filter', `label=com.docker.compose.project=${project}`];
  const list = async (...args: string[]) => (await docker([...args, ...filter, '-q'])).split('\n').filter(Boolean);

  const containers = await list('ps', '-a');
  if (containers.length) await docker(['rm', '-f', '-v', ...containers]);
  const networks = await list('network', 'ls');
  if (networks.length) await docker(['network', 'rm', ...networks]);
  const volumes = await list('volume', 'ls');
  if (volumes.length) await docker(['volume', 'rm', '-f', ...volumes]);
  const built = new Set(await list('images'));
  if (built.size) await docker(['rmi', '-f', ...built]);
}

/** An image that no other test has: taking it away hurts nobody. */
export async function ownImage(t: Test): Promise<string> {
  const name = `${uniqueName('longshore-test/own')}:1`;
  const container = await docker(['create', 'longshore-test/web:1']);
  await docker(['commit', '-c', `LABEL test=${name}`, container, name]);
  await docker(['rm', container]);
  t.teardown(() => docker(['rmi', '-f', name]));
  return name;
}

/** Any other program, likewise. */
export async function runProgram(file: string, args: string[], options: RunOptions = {}): Promise<string> {
  const { cwd, env, timeoutMs = 120_000 } = options;
  const { stdout } = await run(file, args, {
    ...(cwd !== undefined && { cwd }),
    // Tap's loader travels in NODE_OPTIONS; a Node inside a container or a chroot would look for it and die.
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    timeout: timeoutMs,
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  return stdout.trim();
}
