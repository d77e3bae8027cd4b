// restic as a child process: argv only, an environment from scratch, the password in it and nowhere else. Knows nothing
// of services.
import { LongshoreError, type ErrorCode } from '#shared/errors.ts';
import { runChild, SYSTEM_PATH } from '../docker/child.ts';
import { RUN_VARIABLE } from '../docker/orphan.ts';
import { resticFault, type ResticEnd } from './faults.ts';
import { fromRestic, isRecent, RESTIC_MIN, versionOf, type ResticLine } from './restic-output.ts';

const VERSION_DEADLINE_MS = 10_000;
/** As often as progress is passed on. */
const STATUS_PER_S = 5;
/** An operator may look at the repository by hand; nobody else works on it. */
const LOCK_PATIENCE = '1m';
/** About 300 B each. A disk that fails has an error for every file. */
const MAX_ERRORS = 10_000;
const MORE_ERRORS = { item: '', message: 'and more errors than are kept' };
const INSTALL = 'On the host: `sudo ./install.sh engine`, or restic from https://restic.net';

export interface ResticOptions {
  /** Found on the usual paths unless it has a slash. */
  binary?: string;
  /** restic writes nothing there; it wants to know one. */
  home: string;
}

export interface Vault {
  directory: string;
  password: string;
}

export interface ResticTask {
  args: readonly string[];
  deadlineMs: number;
  signal?: AbortSignal | undefined;
  onLine?: (line: ResticLine) => void;
  /** Output that is one JSON document, and not lines of messages. */
  onText?: (text: string) => void;
  /** For the error: what failed, and how it is called when restic's words say nothing more exact. */
  action: string;
  otherwise: ErrorCode;
  /** Exit codes beside 0 that the caller judges itself. */
  accepts?: readonly number[];
}

export interface ResticResult {
  code: number | null;
  errors: { item: string; message: string }[];
  /** The fault that the result is, unless the caller knows better. */
  toFault(): LongshoreError;
}

export class Restic {
  readonly #binary: string;
  readonly #home: string;

  constructor({ binary = 'restic', home }: ResticOptions) {
    this.#binary = binary;
    this.#home = home;
  }

  /** Throws `restic_missing`, naming what is there instead. */
  async requireRecent(): Promise<void> {
    const version = await this.#version();
    if (version !== undefined && isRecent(version)) return;
    const found = version === undefined ? 'None is installed' : `The one that is there is ${version}`;
    throw new LongshoreError('restic_missing', {
      message: `The host has no restic ${RESTIC_MIN} or newer`,
      details: `${found}. ${INSTALL}`,
    });
  }

  async run(vault: Vault, task: ResticTask): Promise<ResticResult> {
    const { args, deadlineMs, signal, onLine, onText, action, otherwise, accepts = [] } = task;
    const errors: ResticResult['errors'] = [];
    let reason = '';
    const hear = (text: string) => {
      const line = fromRestic(text);
      if (!line) return;
      if (line.kind === 'error') keepError(errors, line);
      if (line.kind === 'exit') reason = line.message;
      else if (line.kind === 'text') reason ||= line.text;
      onLine?.(line);
    };
    const end = await runChild(this.#binary, {
      args: ['--json', '--no-cache', '--retry-lock', LOCK_PATIENCE, ...args],
      env: this.#envOf(vault),
      cwd: this.#home,
      deadlineMs,
      signal,
      onStdout: onText ?? hear,
      onStderr: hear,
    });
    if (end.killedBy === 'abort') throw signal?.reason;
    const toFault = () => resticFault(action, otherwise, end satisfies ResticEnd, { errors, reason });
    if (end.code !== 0 && !accepts.includes(end.code ?? -1)) throw toFault();
    return { code: end.code, errors, toFault };
  }

  async #version(): Promise<string | undefined> {
    let first = '';
    try {
      await runChild(this.#binary, {
        args: ['version'],
        env: { PATH: SYSTEM_PATH, HOME: this.#home },
        cwd: this.#home,
        deadlineMs: VERSION_DEADLINE_MS,
        onStdout: (line) => void (first ||= line),
        onStderr: () => undefined,
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    return versionOf(first);
  }

  #envOf({ directory, password }: Vault): Record<string, string> {
    return {
      PATH: SYSTEM_PATH,
      HOME: this.#home,
      RESTIC_REPOSITORY: directory,
      RESTIC_PASSWORD: password,
      RESTIC_PROGRESS_FPS: String(STATUS_PER_S),
      [RUN_VARIABLE]: directory,
    };
  }
}

/** What is left out stands for itself: its reason is not known, so it is none that a caller could pass over. */
function keepError(errors: ResticResult['errors'], { item, message }: ResticResult['errors'][number]): void {
  if (errors.length < MAX_ERRORS) errors.push({ item, message });
  else errors[MAX_ERRORS] = MORE_ERRORS;
}
