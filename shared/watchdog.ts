// Tells systemd how a program stands, from its start to its stop: its status line when it has changed, and that it is
// alive for as long as it is sound. systemd kills and restarts a process that it has not heard for too long, so the word
// stays out only when a restart would mend something. Between two words all of the loop has turned: a timer has fired and
// a child process has been reaped.
import type { Scope } from './lifecycle.ts';
import type { Logger } from './log.ts';
import type { Systemd } from './systemd.ts';
import type { Clock } from './time.ts';

/** How a program stands now. */
export interface Standing {
  /** In one line, for `systemctl status`. */
  status: string;
  /** What is wrong with this process that the next one would not have; null: it is sound. */
  fault: string | null;
}

export interface WatchdogDeps {
  systemd: Pick<Systemd, 'isHeard' | 'notifyReady' | 'notifyAlive' | 'notifyStatus' | 'notifyStopping'>;
  /** What systemd allows between two words; null when it does not watch. */
  limitMs: number | null;
  /** Looks now. One that does not come to an end is a fault by itself: nothing is said until it has. */
  look: () => Standing | Promise<Standing>;
  clock: Clock;
  log: Logger;
}

export interface Watchdog {
  /** Something has changed: looks soon. */
  touch(): void;
}

/** Two words may be lost, or two looks find a fault that passes, before systemd acts. */
const WORDS_A_LIMIT = 3;
/** For the status line alone. */
const UNWATCHED_MS = 30_000;
/** What changes together is one word. */
const SETTLE_MS = 200;

/** To be called when the start is over. Looks at nothing when nobody listens. */
export async function startWatchdog(deps: WatchdogDeps, scope: Scope): Promise<Watchdog> {
  const { systemd } = deps;
  if (!systemd.isHeard) return { touch: () => undefined };
  const rounds = new Rounds(deps);
  scope.onStop('watchdog', () => {
    rounds.stop();
    return systemd.notifyStopping();
  });
  await rounds.begin();
  return rounds;
}

class Rounds implements Watchdog {
  readonly #deps: WatchdogDeps;
  readonly #everyMs: number;
  #isReady = false;
  #status: string | undefined;
  #fault: string | null = null;
  #cancel: (() => void) | undefined;
  #isLooking = false;
  #isTouched = false;
  #isStopped = false;

  constructor(deps: WatchdogDeps) {
    this.#deps = deps;
    this.#everyMs = deps.limitMs === null ? UNWATCHED_MS : deps.limitMs / WORDS_A_LIMIT;
  }

  touch(): void {
    if (this.#isTouched) return; // whoever puts the next look off time and again would starve it
    this.#isTouched = true;
    if (!this.#isLooking) this.#turnIn(SETTLE_MS);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  async begin(): Promise<void> {
    await this.#tell(await this.#deps.look());
    this.#turnIn(this.#everyMs);
  }

  async #turn(): Promise<void> {
    this.#isLooking = true;
    this.#isTouched = false;
    // A failure is left unhandled and so fatal: who cannot say how it stands is restarted at once.
    await this.#tell(await this.#deps.look());
    this.#isLooking = false;
    this.#turnIn(this.#isTouched ? SETTLE_MS : this.#everyMs);
  }

  #turnIn(delayMs: number): void {
    this.#cancel?.();
    if (!this.#isStopped) this.#cancel = this.#deps.clock.after(delayMs, () => void this.#turn());
  }

  /** What did not arrive is said again the next time: systemd waits for READY=1 above all. */
  async #tell({ status, fault }: Standing): Promise<void> {
    if (fault !== null && fault !== this.#fault) this.#deps.log.error({ fault }, 'systemd is to restart this process');
    this.#fault = fault;
    if (await this.#say(status, fault === null)) this.#status = status;
  }

  async #say(status: string, isSound: boolean): Promise<boolean> {
    const { systemd, limitMs } = this.#deps;
    if (!this.#isReady) return (this.#isReady = await systemd.notifyReady(status));
    const news = status === this.#status ? undefined : status;
    if (limitMs !== null && isSound) return systemd.notifyAlive(news);
    return news === undefined || systemd.notifyStatus(news);
  }
}
