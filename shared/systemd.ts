// What systemd is told of us (sd_notify): that we run, how it stands, that we are alive, that we stop. Node has no
// datagram sockets of Unix, so the program `systemd-notify` says it. Without systemd nothing is said. A word that is lost is
// a line in the log, and its teller hears of it: to say it again is theirs (watchdog.ts).
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Logger } from './log.ts';

/** The whole environment of `systemd-notify`. */
export interface NotifyEnv {
  NOTIFY_SOCKET: string;
  PATH: string;
}

/** Null when systemd did not start us: then nobody listens. */
export function notifyEnvOf({ NOTIFY_SOCKET, PATH = '/usr/bin:/bin' }: NodeJS.ProcessEnv): NotifyEnv | null {
  return NOTIFY_SOCKET === undefined ? null : { NOTIFY_SOCKET, PATH };
}

/** How often it wants to hear that we are alive, in milliseconds; null when it does not ask that of this process. */
export function watchdogMsOf({ WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv, pid: number): number | null {
  const limitMs = Number(WATCHDOG_USEC) / 1000;
  const isForUs = WATCHDOG_PID === undefined || WATCHDOG_PID === String(pid);
  return isForUs && limitMs > 0 ? limitMs : null;
}

/** The first of the sockets that systemd hands over (sd_listen_fds). */
const FIRST_SOCKET = 3;

/** The number of a socket that systemd has opened for this process; null when there is none. */
export function socketOf({ LISTEN_PID, LISTEN_FDS }: NodeJS.ProcessEnv, pid: number): number | null {
  return LISTEN_PID === String(pid) && Number(LISTEN_FDS) > 0 ? FIRST_SOCKET : null;
}

/** The file of a secret that the unit passes on (LoadCredential=); undefined where there is none, or an empty one. */
export function credentialOf({ CREDENTIALS_DIRECTORY: folder }: NodeJS.ProcessEnv, name: string): string | undefined {
  if (folder === undefined) return undefined;
  const file = join(folder, name);
  return existsSync(file) && readFileSync(file, 'utf8').trim() !== '' ? file : undefined;
}

export interface SystemdOptions {
  env: NotifyEnv | null;
  log: Logger;
}

/** It answers within milliseconds; systemd itself may be busy. */
const DEADLINE_MS = 5_000;

const runProgram = promisify(execFile);

export class Systemd {
  readonly #options: SystemdOptions;
  #last: Promise<boolean> = Promise.resolve(false);
  #isStopping = false;

  constructor(options: SystemdOptions) {
    this.#options = options;
  }

  /** Whether anybody listens. */
  get isHeard(): boolean {
    return this.#options.env !== null;
  }

  /** The start is over. */
  notifyReady(status: string): Promise<boolean> {
    return this.#notify(['READY=1', `STATUS=${status}`]);
  }

  /** For `systemctl status`. */
  notifyStatus(status: string): Promise<boolean> {
    return this.#notify([`STATUS=${status}`]);
  }

  /** For the watchdog, in one breath with a status that has changed. */
  notifyAlive(status?: string): Promise<boolean> {
    return this.#notify(['WATCHDOG=1', ...(status === undefined ? [] : [`STATUS=${status}`])]);
  }

  /** The last word. */
  notifyStopping(): Promise<boolean> {
    const said = this.#notify(['STOPPING=1', 'STATUS=stopping']);
    this.#isStopping = true;
    return said;
  }

  /** One after the other: the last word must be the last to arrive. Resolves to whether it was said; never rejects. */
  #notify(words: readonly string[]): Promise<boolean> {
    const { env } = this.#options;
    if (env === null || this.#isStopping) return this.#last;
    this.#last = this.#last.then(() => this.#run(env, words));
    return this.#last;
  }

  async #run(env: NotifyEnv, words: readonly string[]): Promise<boolean> {
    try {
      await runProgram('systemd-notify', words, { env: { ...env }, timeout: DEADLINE_MS, killSignal: 'SIGKILL' });
      return true;
    } catch (error) {
      this.#options.log.warn({ err: error, words }, 'systemd could not be told');
      return false;
    }
  }
}
