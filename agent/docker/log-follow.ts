// Follows the containers of one service for as long as somebody reads: through restarts, recreation and scaling.
//
//   unknown ──list shows it──▶ attached ──Docker ends the log (stop, restart)──▶ ended ──it runs again──▶ attached
//
// Level-triggered: an event only says "look again"; the list of containers is what counts.
import { toLongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { ContainerView } from '#shared/model.ts';
import type { LogCursor } from '#shared/protocol/log-frame.ts';
import { ContainerLines } from './log-container.ts';
import type { EngineAccess } from './log-history.ts';
import type { LogOutput } from './log-output.ts';
import { createLogParser } from './log-parser.ts';
import { type LogRequest, type LogSource, openLogSource } from './log-source.ts';

/** Bounds dockerd's search for the moment of attaching; more lines than this are not written within milliseconds. */
const ATTACH_RECORDS = 10_000;
/** The same for a container that restarted before we noticed: most of a second of the fastest writer. */
const REATTACH_RECORDS = 100_000;
/** How soon to look again after Docker failed to answer, or ended the log of a container that runs. */
const RETRY_MS = 1000;

export interface FollowDeps extends EngineAccess {
  list: () => Promise<ContainerView[]>;
  output: LogOutput;
  signal: AbortSignal;
  log: Logger;
}

/** A container that is or was followed. */
interface Followed {
  lines: ContainerLines;
  /** Which run of the container was attached last; null when none was. */
  startedAt: number | null;
  source: LogSource | undefined;
  /** When the last source ended. */
  endedAt: number;
}

export class ServiceFollower {
  readonly #deps: FollowDeps;
  readonly #startedAtS: string;
  readonly #known = new Map<string, Followed>();
  #isReading = false;
  /** One look at a time; one that is asked for meanwhile comes after it. */
  #isLooking = false;
  #isLookWanted = false;

  constructor(deps: FollowDeps) {
    this.#deps = deps;
    this.#startedAtS = (deps.clock.now() / 1000).toFixed(3);
    deps.signal.addEventListener('abort', () => this.close(), { once: true });
  }

  /** Attaches to what runs now. From here on no line is lost; none is read before `start`. */
  async attach(): Promise<ContainerView[]> {
    const containers = await this.#deps.list();
    for (const container of containers) {
      const lines = new ContainerLines(container.name);
      this.#known.set(container.id, { lines, startedAt: container.startedAt, source: undefined, endedAt: -Infinity });
    }
    const running = containers.filter((container) => container.state !== 'exited' && container.state !== 'created');
    await Promise.all(running.map((container) => this.#attach(container, this.#startedAtS, ATTACH_RECORDS)));
    return containers;
  }

  /** Reads from now on, leaving out what `history` delivered. */
  start(history: LogCursor): void {
    this.#isReading = true;
    for (const followed of this.#known.values()) {
      followed.lines.skipDelivered(history);
      if (followed.source) this.#follow(followed, followed.source);
    }
  }

  /** Looks at the list again; safe to call at any time and any number of times. */
  look(): void {
    if (!this.#isReading || this.#deps.signal.aborted) return;
    this.#isLookWanted = true;
    if (!this.#isLooking) void this.#lookAgain();
  }

  async #lookAgain(): Promise<void> {
    this.#isLooking = true;
    while (this.#isLookWanted && !this.#deps.signal.aborted) {
      this.#isLookWanted = false;
      try {
        const containers = await this.#deps.list();
        await Promise.all(containers.map((container) => this.#visit(container)));
        this.#forgetRemoved(new Set(containers.map((container) => container.id)));
      } catch (error) {
        this.#deps.log.warn({ err: error }, 'cannot look for containers to follow; trying again');
        this.#lookLater();
      }
    }
    this.#isLooking = false;
  }

  async #visit(container: ContainerView): Promise<void> {
    const followed = this.#known.get(container.id);
    if (followed?.source || container.state === 'created') return;
    if (!followed) {
      const lines = new ContainerLines(container.name);
      this.#known.set(container.id, { lines, startedAt: null, source: undefined, endedAt: -Infinity });
      return this.#attachAndFollow(container, this.#startedAtS, null);
    }
    const isSameRun = followed.startedAt === container.startedAt;
    if (isSameRun && container.state === 'exited') return;
    // The list may be older than the end of the log; a log that keeps ending must not keep us busy.
    if (isSameRun && this.#deps.clock.elapsed() - followed.endedAt < RETRY_MS) return this.#lookLater();
    return this.#attachAndFollow(container, followed.lines.resume() ?? this.#startedAtS, REATTACH_RECORDS);
  }

  async #attachAndFollow(container: ContainerView, since: string, tail: number | null): Promise<void> {
    await this.#attach(container, since, tail);
    const followed = this.#known.get(container.id);
    if (followed?.source) this.#follow(followed, followed.source);
  }

  async #attach({ id, startedAt }: ContainerView, since: string, tail: number | null): Promise<void> {
    const followed = this.#known.get(id);
    if (!followed) return;
    const source = await this.#open({ containerId: id, tail, since, follow: true });
    followed.startedAt = startedAt;
    followed.source = source;
    if (this.#deps.signal.aborted) source?.close();
  }

  /** A container whose log driver keeps nothing is passed over, like one that has just gone. */
  async #open(request: LogRequest): Promise<LogSource | undefined> {
    const { socketPath, clock, log } = this.#deps;
    try {
      return await openLogSource(socketPath, request, clock);
    } catch (error) {
      if (toLongshoreError(error).code !== 'not_supported') throw error;
      log.info({ container: request.containerId }, 'the container keeps no logs that can be read');
      return undefined;
    }
  }

  #follow(followed: Followed, source: LogSource): void {
    const { log, signal } = this.#deps;
    void this.#read(followed.lines, source)
      .catch((error: unknown) => {
        if (!signal.aborted) log.warn({ err: error, container: followed.lines.name }, 'following a log broke off');
      })
      .finally(() => {
        source.close();
        followed.source = undefined;
        followed.endedAt = this.#deps.clock.elapsed();
        this.look();
      });
  }

  async #read(lines: ContainerLines, source: LogSource): Promise<void> {
    const { output } = this.#deps;
    const parser = createLogParser(source.isTty, (line) => lines.add(line, output.frames));
    for (let bytes = await source.read(); bytes; bytes = await source.read()) {
      parser.push(bytes);
      await output.settle();
    }
    parser.end();
    await output.settle();
  }

  #lookLater(): void {
    this.#deps.clock.after(RETRY_MS, () => this.look());
  }

  #forgetRemoved(present: Set<string>): void {
    for (const [id, { source }] of this.#known) if (!present.has(id) && !source) this.#known.delete(id);
  }

  /** Ends all reading; safe to call again. */
  close(): void {
    for (const { source } of this.#known.values()) source?.close();
  }
}
