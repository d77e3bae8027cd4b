// How a process starts, stops and dies. A part is `startX(deps, scope)`: it returns when usable and registers its own
// cleanup; disposal is the reverse order. Long tasks run through the scope: named, aborted on stop, awaited.
import type { Logger } from 'pino';

/** A part that has not ended this long after its abort is left behind, named in the log. */
const STOP_LIMIT_MS = 10_000;

export class Scope {
  readonly #log: Logger;
  readonly #abort = new AbortController();
  readonly #cleanups: { name: string; run: () => unknown }[] = [];
  readonly #tasks = new Map<Promise<void>, string>();
  #stopped: Promise<void> | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Aborts when the scope stops. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Registers what undoes a start. Run in reverse order, each awaited, none skipped because another failed. */
  onStop(name: string, run: () => unknown): void {
    this.#cleanups.push({ name, run });
  }

  /** Runs a long task. Its failure, other than by the abort, is left unhandled and so fatal: no loop dies silently. */
  run(name: string, task: (signal: AbortSignal) => Promise<void>): void {
    const done = task(this.signal).catch((error: unknown) => {
      if (this.signal.aborted) return;
      this.#log.fatal({ err: error, task: name }, 'a task failed');
      throw error;
    });
    this.#tasks.set(done, name);
    void done.finally(() => this.#tasks.delete(done));
  }

  /** Stops everything; safe to call again. */
  stop(reason = 'stopped'): Promise<void> {
    return (this.#stopped ??= this.#stop(reason));
  }

  async #stop(reason: string): Promise<void> {
    this.#abort.abort(new DOMException(reason, 'AbortError'));
    for (const { name, run } of this.#cleanups.toReversed()) {
      try {
        await run();
      } catch (error) {
        this.#log.error({ err: error, part: name }, 'a part did not stop cleanly');
      }
    }
    const tasks = Promise.allSettled(this.#tasks.keys());
    const late = Symbol('late');
    const limit = new Promise<typeof late>((resolve) => setTimeout(resolve, STOP_LIMIT_MS, late).unref());
    if ((await Promise.race([tasks, limit])) === late)
      this.#log.warn({ tasks: [...this.#tasks.values()] }, 'tasks left behind');
  }
}

/** Exit codes of sysexits.h that systemd units refer to. */
export const EXIT = { ok: 0, failure: 1, usage: 2, config: 78 } as const;

/**
 * Runs a program until SIGTERM, SIGINT or the end of `start`'s scope. The first signal stops cleanly, a second one at
 * once. An unhandled rejection is logged as fatal and exits 1: systemd restarts us, and restarting is how we recover.
 */
export async function runMain(
  log: Logger,
  start: (scope: Scope) => Promise<void>,
  exitCodeOf: (error: unknown) => number,
): Promise<void> {
  const scope = new Scope(log);
  const die = (error: unknown) => {
    log.fatal({ err: error }, 'unexpected failure');
    process.exit(EXIT.failure);
  };
  process.on('unhandledRejection', die);
  process.on('uncaughtException', die);
  const signalled = new Promise<void>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      process.once(name, () => {
        process.once(name, () => process.exit(128));
        resolve();
      });
    }
  });
  try {
    await Promise.race([start(scope).then(() => signalled), signalled]);
    await scope.stop('signal');
    process.exit(EXIT.ok);
  } catch (error) {
    await scope.stop('failed start');
    const code = exitCodeOf(error);
    log.fatal({ err: error }, 'could not start');
    process.exit(code);
  }
}
