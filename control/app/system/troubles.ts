// What went wrong lately, for whoever asks without reading the log: the last warnings and errors that were logged.
import type { Bindings, ChildLoggerOptions, Logger } from 'pino';
import { LongshoreError } from '#shared/errors.ts';
import type { Clock } from '#shared/time.ts';
import type { Trouble } from '../api/system-services.ts';

/** A day of a quiet system, minutes of one in trouble; about 20 KB. */
const MAX_KEPT = 100;
const MAX_CHARS = 500;

export class Troubles {
  readonly #clock: Clock;
  readonly #kept: Trouble[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The newest first. */
  list(): Trouble[] {
    return this.#kept.toReversed();
  }

  /** The same log, of which a copy of each trouble is kept here, at whatever level it writes. */
  watch(log: Logger): Logger {
    const child = (bindings: Bindings, options?: ChildLoggerOptions) => this.watch(log.child(bindings, options));
    const noting =
      (level: 'warn' | 'error' | 'fatal') =>
      (...args: Parameters<Logger['warn']>) => {
        this.#note(level === 'warn' ? 'warning' : 'error', args);
        log[level](...args);
      };
    const methods = { warn: noting('warn'), error: noting('error'), fatal: noting('fatal'), child };
    return Object.assign(Object.create(log) as Logger, methods);
  }

  #note(level: Trouble['level'], [first, second]: readonly unknown[]): void {
    const { err } = (typeof first === 'object' && first !== null ? first : {}) as { err?: unknown };
    const said = [typeof first === 'string' ? first : second, err instanceof Error ? publicTextOf(err) : undefined];
    const message = said.filter((part) => typeof part === 'string').join(': ');
    const code = err instanceof Error && 'code' in err && typeof err.code === 'string' ? err.code : null;
    this.#kept.push({ level, message: message.slice(0, MAX_CHARS), code, at: this.#clock.now() });
    if (this.#kept.length > MAX_KEPT) this.#kept.shift();
  }
}

/** Texts of others may quote what must not be read by whoever may see that something is wrong. */
const publicTextOf = (error: Error): string => (error instanceof LongshoreError ? error.message : error.name);
