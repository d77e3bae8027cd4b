// What certificates Caddy shows under the names of this host: looked at one after another, a missing one less and less
// often, because each look makes Caddy ask an authority, and those count failed tries by the hour.
import type { Clock } from '#shared/time.ts';
import type { HeldCertificate, Look } from './wake.ts';

/** At a time: each waits for an authority. */
const AT_ONCE = 4;
/** Caddy renews by itself, weeks ahead. */
const HELD_FOR_MS = 3600_000;
const FIRST_RETRY_MS = 30_000;
/** Let's Encrypt takes five failed tries an hour under a name. */
const LONGEST_RETRY_MS = 20 * 60_000;
/** Nobody but the control plane was asked. */
const LONGEST_REFUSED_MS = 2 * 60_000;

interface Known {
  held: HeldCertificate | undefined;
  /** Looks in a row that found none. */
  misses: number;
  dueAt: number;
}

export interface CertificatesDeps {
  look: Look;
  /** Whether the control plane said no. */
  isRefused: (hostname: string) => boolean;
  clock: Clock;
}

export class Certificates {
  readonly #deps: CertificatesDeps;
  readonly #known = new Map<string, Known>();

  constructor(deps: CertificatesDeps) {
    this.#deps = deps;
  }

  find(hostname: string): HeldCertificate | undefined {
    return this.#known.get(hostname)?.held;
  }

  /** It was looked for, and there is none. */
  isMissing(hostname: string): boolean {
    const known = this.#known.get(hostname);
    return known !== undefined && !known.held;
  }

  /** At those whose turn it is; forgets all others. Returns whether there is news. */
  async look(hostnames: readonly string[], signal: AbortSignal): Promise<boolean> {
    const wanted = new Set(hostnames);
    for (const hostname of this.#known.keys()) if (!wanted.has(hostname)) this.#known.delete(hostname);
    const now = this.#deps.clock.elapsed();
    const due = hostnames.filter((hostname) => (this.#known.get(hostname)?.dueAt ?? now) <= now);
    let hasNews = false;
    const work = async () => {
      for (let name = due.shift(); name !== undefined && !signal.aborted; name = due.shift()) {
        if (await this.#lookAt(name, signal)) hasNews = true;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return hasNews;
  }

  async #lookAt(hostname: string, signal: AbortSignal): Promise<boolean> {
    const before = this.#known.get(hostname);
    const found = await this.#deps.look(hostname, signal);
    const held = found ?? this.#stillGood(before?.held);
    const misses = found ? 0 : (before?.misses ?? 0) + 1;
    const waitMs = found ? HELD_FOR_MS : this.#retryMs(hostname, misses);
    this.#known.set(hostname, { held, misses, dueAt: this.#deps.clock.elapsed() + waitMs });
    return !before || before.held?.notAfter !== held?.notAfter || before.held?.issuer !== held?.issuer;
  }

  /** Caddy may just have been starting. */
  #stillGood(held: HeldCertificate | undefined): HeldCertificate | undefined {
    return held && held.notAfter > this.#deps.clock.now() ? held : undefined;
  }

  #retryMs(hostname: string, misses: number): number {
    const longest = this.#deps.isRefused(hostname) ? LONGEST_REFUSED_MS : LONGEST_RETRY_MS;
    return Math.min(FIRST_RETRY_MS * 2 ** (misses - 1), longest);
  }
}
