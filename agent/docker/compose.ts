// Docker Compose as a child process: the plugin binary run directly (half the time of `docker compose`, and a process
// group we can kill), argv only, an environment from scratch. Knows nothing of services, plans or revisions.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LongshoreError, type ErrorCode } from '#shared/errors.ts';
import type { RegistryLogin } from '#shared/model.ts';
import { runChild, SYSTEM_PATH, Tail, type ChildEnd } from './child.ts';
import { withDockerConfig } from './docker-config.ts';
import { dockerFault } from './faults.ts';
import { RUN_VARIABLE } from './orphan.ts';
import { fromBuild, fromCompose, type ComposeEvent } from './progress.ts';
import { buildFault } from './registry-fault.ts';

/** A normal file takes 50 ms; an alias bomb that slipped through never ends. */
const CONFIG_DEADLINE_MS = 20_000;
/** Go reserves about 1 GB of address space before it does anything; a bomb takes all there is. */
const CONFIG_MEMORY_BYTES = 2 * 1024 ** 3;
/** A normalised file is a few times the size of its source, which is at most 256 KiB. */
const CONFIG_OUTPUT_LIMIT = 8 * 1024 * 1024;
const VERSION_DEADLINE_MS = 10_000;

const PLUGIN_FOLDERS = [
  '/usr/libexec/docker/cli-plugins',
  '/usr/lib/docker/cli-plugins',
  '/usr/local/lib/docker/cli-plugins',
];
const PRLIMIT = '/usr/bin/prlimit';

/** Where a run happens. `name` must match the grammar of service names: it stands in an option's place. */
export interface ComposeProject {
  name: string;
  directory: string;
}

export interface ComposeRun {
  /** Absolute paths, in order. */
  files: readonly string[];
  envFile: string;
  signal?: AbortSignal | undefined;
}

export interface ComposeTask extends ComposeRun {
  deadlineMs: number;
  onEvent: (event: ComposeEvent) => void;
}

export interface UpPart {
  /** Leaves the containers of all other services alone. Absent: brings up every service. */
  only?: readonly string[] | undefined;
  /** So many containers of each are there in the end, and those that are there stay, whatever they were made from. */
  scale?: Readonly<Record<string, number>> | undefined;
  /** Makes containers anew also where nothing of the file has changed; anonymous volumes go on. */
  isForced?: boolean | undefined;
}

export interface UpTask extends ComposeTask, UpPart {}

export interface BuildTask extends ComposeTask {
  /** Looks for newer base images. */
  pull: boolean;
  /** For private base images; null: whatever the host itself is logged in to. */
  logins: readonly RegistryLogin[] | null;
}

export interface Compose {
  version(): Promise<string>;
  /** The normalised file as Compose prints it, and its warnings. Fails with `compose_invalid`. */
  config(project: ComposeProject, run: ComposeRun): Promise<{ json: string; warnings: string[] }>;
  /** Compose's hash of each service, as `up` would put it on its containers. Fails with `compose_invalid`. */
  hashes(project: ComposeProject, run: ComposeRun): Promise<Record<string, string>>;
  /** What the run's `.env` says, as Compose reads it, beside the little that every child has. */
  environment(project: ComposeProject, run: ComposeRun): Promise<Record<string, string>>;
  /**
   * Builds the services that have `build:`. Fails with `build_failed`; with `image_unavailable` or `registry_login_failed`
   * where a base image is to blame.
   */
  build(project: ComposeProject, task: BuildTask): Promise<void>;
  /** `up -d` of exactly these files: pulls nothing, builds nothing. Repeating it repairs what a killed run left. */
  up(project: ComposeProject, task: UpTask): Promise<void>;
}

export interface ComposeOptions {
  /** The plugin binary; see findComposePlugin. */
  binary: string;
  socketPath: string;
  /** Docker's own settings are read from here, so that nobody's `docker context` steers us. */
  home: string;
  /** For settings of single builds, with passwords: nobody else's folder, and no service's. */
  loginDir: string;
  /** Default CONFIG_DEADLINE_MS. */
  configDeadlineMs?: number;
}

/** The Compose v2 plugin where Docker's packages put it; undefined when it is not installed. */
export const findComposePlugin = (home: string): string | undefined => findPlugin(home, 'compose');

export function findPlugin(home: string, name: 'compose' | 'buildx'): string | undefined {
  const folders = [...PLUGIN_FOLDERS, join(home, '.docker/cli-plugins')];
  return folders.map((folder) => join(folder, `docker-${name}`)).find((file) => existsSync(file));
}

export function createCompose(options: ComposeOptions): Compose {
  return new ComposePlugin(options);
}

class ComposePlugin implements Compose {
  readonly #binary: string;
  readonly #env: Record<string, string>;
  readonly #home: string;
  readonly #loginDir: string;
  readonly #configDeadlineMs: number;
  readonly #hasMemoryLimit = existsSync(PRLIMIT);

  constructor({ binary, socketPath, home, loginDir, configDeadlineMs = CONFIG_DEADLINE_MS }: ComposeOptions) {
    this.#configDeadlineMs = configDeadlineMs;
    this.#binary = binary;
    this.#home = home;
    this.#loginDir = loginDir;
    this.#env = { PATH: SYSTEM_PATH, HOME: home, DOCKER_HOST: `unix://${socketPath}` };
  }

  async version(): Promise<string> {
    let version = '';
    const end = await runChild(this.#binary, {
      args: ['version', '--short'],
      env: this.#env,
      cwd: this.#home,
      deadlineMs: VERSION_DEADLINE_MS,
      onStdout: (line) => (version ||= line),
      onStderr: () => undefined,
    });
    if (end.code !== 0) throw new LongshoreError('unavailable', { details: `${this.#binary} does not run` });
    return version.replace(/^v/, '');
  }

  async config(project: ComposeProject, run: ComposeRun): Promise<{ json: string; warnings: string[] }> {
    const { lines, warnings } = await this.#print(project, run, ['--format', 'json']);
    return { json: lines.join('\n'), warnings };
  }

  async hashes(project: ComposeProject, run: ComposeRun): Promise<Record<string, string>> {
    const { lines } = await this.#print(project, run, ['--hash', '*']);
    return pairsOf(lines, ' ');
  }

  async environment(project: ComposeProject, run: ComposeRun): Promise<Record<string, string>> {
    const { lines } = await this.#print(project, run, ['--environment']);
    return pairsOf(lines, '=');
  }

  /** What `config` prints, as far as a host can take it. */
  async #print(
    project: ComposeProject,
    run: ComposeRun,
    form: readonly string[],
  ): Promise<{ lines: string[]; warnings: string[] }> {
    const out: string[] = [];
    let size = 0;
    const said = new Said();
    const args = [...common(project, run), 'config', ...form];
    const [file, limited] = this.#hasMemoryLimit
      ? [PRLIMIT, [`--as=${CONFIG_MEMORY_BYTES}`, '--', this.#binary, ...args]]
      : [this.#binary, args];
    const end = await runChild(file, {
      args: limited,
      env: this.#envOf(project),
      cwd: project.directory,
      deadlineMs: this.#configDeadlineMs,
      signal: run.signal,
      onStdout: (line) => {
        size += line.length;
        if (size <= CONFIG_OUTPUT_LIMIT) out.push(line);
      },
      onStderr: (line) => said.hear(fromCompose(line)),
    });
    if (end.killedBy === 'deadline' || size > CONFIG_OUTPUT_LIMIT || said.ranOutOfMemory) {
      throw new LongshoreError('yaml_resource_limit', { details: 'The file expands to more than a host can take' });
    }
    if (end.code !== 0)
      throw failure('Cannot read the compose file', 'compose_invalid', end, said, project, run.signal);
    return { lines: out, warnings: said.warnings };
  }

  async build(project: ComposeProject, task: BuildTask): Promise<void> {
    const { pull, logins } = task;
    const args = ['build', ...(pull ? ['--pull'] : [])];
    const work = (env: Record<string, string>) =>
      this.#task(project, task, { args, env, action: `Cannot build "${project.name}"`, otherwise: 'build_failed' });
    try {
      if (!logins) return await work({});
      await withDockerConfig({ folder: join(this.#loginDir, project.name), home: this.#home, logins }, work);
    } catch (error) {
      throw error instanceof LongshoreError ? buildFault(logins ?? [], error) : error;
    }
  }

  async up(project: ComposeProject, task: UpTask): Promise<void> {
    const { only, scale, isForced } = task;
    if (only?.length === 0) return;
    const args = ['up', '-d', '--no-build', '--pull', 'never'];
    if (!scale) args.push('--remove-orphans');
    else args.push('--no-recreate', ...Object.entries(scale).map(([name, count]) => `--scale=${name}=${count}`));
    if (isForced) args.push('--force-recreate');
    if (only) args.push('--no-deps', '--', ...only);
    // What left the file goes with the last of several: until then nobody need be told of it.
    const env = scale ? { COMPOSE_IGNORE_ORPHANS: 'true' } : {};
    await this.#task(project, task, { args, env, action: `Cannot apply "${project.name}"`, otherwise: 'apply_failed' });
  }

  async #task(project: ComposeProject, task: ComposeTask, { args, env, action, otherwise }: Verb): Promise<void> {
    const said = new Said();
    const hear = (event: ComposeEvent | undefined) => {
      said.hear(event);
      if (event) task.onEvent(event);
    };
    const end = await runChild(this.#binary, {
      args: ['--ansi', 'never', '--progress', 'json', ...common(project, task), ...args],
      env: { ...this.#envOf(project), ...env },
      cwd: project.directory,
      deadlineMs: task.deadlineMs,
      signal: task.signal,
      onStdout: (line) => fromBuild(line).forEach(hear),
      onStderr: (line) => hear(fromCompose(line)),
    });
    if (end.code !== 0) throw failure(action, otherwise, end, said, project, task.signal);
  }

  #envOf(project: ComposeProject): Record<string, string> {
    return { ...this.#env, [RUN_VARIABLE]: project.directory };
  }
}

const pairsOf = (lines: readonly string[], separator: string): Record<string, string> =>
  Object.fromEntries(
    lines.flatMap((line) => {
      const at = line.indexOf(separator);
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
    }),
  );

/** What Compose is told to do, and how its failure is told. */
interface Verb {
  args: string[];
  env?: Record<string, string>;
  action: string;
  otherwise: ErrorCode;
}

const common = ({ name, directory }: ComposeProject, { files, envFile }: ComposeRun): string[] => [
  '-p',
  name,
  '--project-directory',
  directory,
  ...files.flatMap((file) => ['-f', file]),
  '--env-file',
  envFile,
];

/** What a run said, for its error: the last error counts, then the last lines. */
class Said {
  readonly warnings: string[] = [];
  readonly tail = new Tail();
  ranOutOfMemory = false;
  #error: string | undefined;

  hear(event: ComposeEvent | undefined): void {
    if (!event) return;
    if (event.kind === 'build.log') return this.tail.add(event.text.trimEnd());
    if (event.kind === 'build' && event.error) return this.tail.add(event.error);
    if (event.kind !== 'warning' && event.kind !== 'error') return;
    this.tail.add(event.message);
    if (/out of memory|cannot allocate memory/.test(event.message)) this.ranOutOfMemory = true;
    if (event.kind === 'error') this.#error = event.message;
    else this.warnings.push(event.message);
  }

  get error(): string {
    return this.#error ?? this.tail.last(1)[0] ?? 'it gave no reason';
  }
}

/** Paths of this host say nothing to the reader of the message. */
const withoutPaths = (text: string, directory: string): string =>
  text.replaceAll(`${directory}/`, '').replaceAll(directory, '.');

function failure(
  action: string,
  otherwise: ErrorCode,
  end: ChildEnd,
  said: Said,
  project: ComposeProject,
  signal: AbortSignal | undefined,
): Error {
  if (end.killedBy === 'abort') return signal?.reason as Error;
  if (end.killedBy === 'deadline') return new LongshoreError('timed_out', { message: `${action} in time` });
  if (end.signal)
    return new LongshoreError('interrupted', { message: `${action}: compose was ended by ${end.signal}` });
  const words = otherwise === 'build_failed' ? said.tail.last(20).join('\n') || said.error : said.error;
  return dockerFault(action, withoutPaths(words, project.directory), otherwise);
}
