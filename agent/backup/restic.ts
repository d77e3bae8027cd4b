// restic as a child process: argv only, an environment from scratch, the password in it and nowhere else. Knows nothing
// of services.
import type { Readable } from 'node:stream';
import { LongshoreError, type ErrorCode } from '#shared/errors.ts';
import { runChild, SYSTEM_PATH, type ChildEnd, type ChildOptions } from '../docker/child.ts';
import { RUN_VARIABLE } from '../docker/orphan.ts';
import { resticFault, type ResticEnd } from './faults.ts';
import { fromRestic, isRecent, RESTIC_MIN, versionOf, type ResticLine } from './restic-output.ts';

/** One request to a slow server, with restic's own tries again. */
const STALL_MS = 10 * 60_000;
const QUICK_MS = 3 * 60_000;
/** It says so at once; but its 40 MB may have to come from a disk that others keep busy. */
const VERSION_DEADLINE_MS = 60_000;
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
  /** How long a copy may show no progress: restic itself tries a dead server for hours. */
  stallMs?: number;
  /** The most that short commands may take. Deriving the key takes half a second; a minute of patience for locks is part of each. */
  quickMs?: number;
}

export interface Vault {
  /** On this host: the repository itself, or what its runs go by where that is elsewhere. */
  directory: string;
  password: string;
  elsewhere?: Elsewhere | undefined;
}

/** A repository that is reached through a server. */
export interface Elsewhere {
  url: string;
  /** What restic logs in with. */
  env: Readonly<Record<string, string>>;
  /** Arguments in front of restic's command. */
  settings: readonly string[];
}

export interface ResticTask {
  args: readonly string[];
  /** Absent: that of short commands. */
  deadlineMs?: number | undefined;
  /** Ends it when it gets no further for long: for what shows progress. */
  mustMove?: boolean;
  feed?: ChildOptions['feed'];
  /** `saw`: so many bytes have moved, for what must. */
  pour?: (stdout: Readable, saw: (bytesDone: number) => void) => Promise<void>;
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
  readonly #stallMs: number;
  readonly #quickMs: number;

  constructor({ binary = 'restic', home, stallMs = STALL_MS, quickMs = QUICK_MS }: ResticOptions) {
    this.#binary = binary;
    this.#home = home;
    this.#stallMs = stallMs;
    this.#quickMs = quickMs;
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
    const { signal, onLine, onText, action, otherwise, accepts = [] } = task;
    const errors: ResticResult['errors'] = [];
    const stall = new Stall(task.mustMove === true ? this.#stallMs : undefined);
    let reason = '';
    const hear = (text: string) => {
      const line = fromRestic(text);
      if (!line) return;
      if (line.kind === 'error') keepError(errors, line);
      else if (line.kind === 'status') stall.saw(line);
      if (line.kind === 'exit') reason = line.message;
      else if (line.kind === 'text') reason ||= line.text;
      onLine?.(line);
    };
    const killedBy = AbortSignal.any([stall.signal, ...(signal ? [signal] : [])]);
    const { pour } = task;
    const saw = (bytesDone: number) => stall.saw({ percent: 0, bytesDone, totalBytes: 0 });
    const pouring = pour && ((stdout: Readable) => pour(stdout, saw));
    const run = { onStdout: onText ?? hear, onStderr: hear, signal: killedBy, pour: pouring };
    const end = await this.#spawn(vault, task, run).finally(() => stall.stop());
    if (end.killedBy === 'abort' && signal?.aborted) throw signal.reason;
    const how: ResticEnd = stall.signal.aborted ? { ...end, killedBy: 'deadline' } : end;
    const toFault = () => resticFault(action, otherwise, how, { errors, reason });
    if (how.code !== 0 && !accepts.includes(how.code ?? -1)) throw toFault();
    return { code: how.code, errors, toFault };
  }

  #spawn(
    vault: Vault,
    { args, deadlineMs = this.#quickMs, feed }: ResticTask,
    run: Pick<ChildOptions, 'onStdout' | 'onStderr' | 'signal' | 'pour'>,
  ): Promise<ChildEnd> {
    return runChild(this.#binary, {
      args: ['--json', '--no-cache', '--retry-lock', LOCK_PATIENCE, ...(vault.elsewhere?.settings ?? []), ...args],
      env: this.#envOf(vault),
      cwd: this.#home,
      deadlineMs,
      feed,
      ...run,
    });
  }

  async #version(): Promise<string | undefined> {
    let first = '';
    try {
      const { killedBy } = await runChild(this.#binary, {
        args: ['version'],
        env: { PATH: SYSTEM_PATH, HOME: this.#home },
        cwd: this.#home,
        deadlineMs: VERSION_DEADLINE_MS,
        onStdout: (line) => void (first ||= line),
        onStderr: () => undefined,
      });
      if (killedBy !== null) throw new LongshoreError('timed_out', { message: 'restic does not start on the host' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    return versionOf(first);
  }

  #envOf({ directory, password, elsewhere }: Vault): Record<string, string> {
    return {
      ...elsewhere?.env,
      PATH: SYSTEM_PATH,
      HOME: this.#home,
      RESTIC_REPOSITORY: elsewhere?.url ?? directory,
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

/** Aborts when what restic shows has been the same for too long. */
class Stall {
  readonly #abort = new AbortController();
  readonly #limitMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #last = '';

  constructor(limitMs: number | undefined) {
    this.#limitMs = limitMs;
    this.#begin();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  saw({ percent, bytesDone, totalBytes }: { percent: number; bytesDone: number; totalBytes: number }): void {
    const now = `${percent} ${bytesDone} ${totalBytes}`;
    if (now !== this.#last) this.#begin();
    this.#last = now;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #begin(): void {
    this.stop();
    if (this.#limitMs !== undefined) this.#timer = setTimeout(() => this.#abort.abort(), this.#limitMs);
  }
}
