// What systemd is told of us (sd_notify): that we run, how it stands, that we stop. Node has no datagram sockets of Unix,
// so the program `systemd-notify` says it. Without systemd nothing is said, and a word that is lost harms nobody but the
// start: there systemd waits for it, and the log says why it did not come.
import { execFile } from 'node:child_process';
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

export interface SystemdOptions {
  env: NotifyEnv | null;
  log: Logger;
}

/** It answers within milliseconds; systemd itself may be busy. */
const DEADLINE_MS = 5_000;

const runProgram = promisify(execFile);

export class Systemd {
  readonly #options: SystemdOptions;
  #last: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(options: SystemdOptions) {
    this.#options = options;
  }

  /** The start is over. */
  notifyReady(status: string): Promise<void> {
    return this.#notify(['READY=1', `STATUS=${status}`]);
  }

  /** For `systemctl status`. */
  notifyStatus(status: string): Promise<void> {
    return this.#notify([`STATUS=${status}`]);
  }

  /** The last word. */
  notifyStopping(): Promise<void> {
    const said = this.#notify(['STOPPING=1', 'STATUS=stopping']);
    this.#isStopping = true;
    return said;
  }

  /** One after the other: the last word must be the last to arrive. Resolves once it is said; never rejects. */
  #notify(words: readonly string[]): Promise<void> {
    const { env } = this.#options;
    if (env === null || this.#isStopping) return this.#last;
    this.#last = this.#last.then(() => this.#run(env, words));
    return this.#last;
  }

  async #run(env: NotifyEnv, words: readonly string[]): Promise<void> {
    try {
      await runProgram('systemd-notify', words, { env: { ...env }, timeout: DEADLINE_MS, killSignal: 'SIGKILL' });
    } catch (error) {
      this.#options.log.warn({ err: error, words }, 'systemd could not be told');
    }
  }
}
