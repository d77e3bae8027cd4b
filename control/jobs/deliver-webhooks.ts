// Carries webhooks out. No arguments, the same work each time, safe to run twice: it spreads what is in the outbox, and
// sends what is due. It looks after each commit and when the next try is due; all it knows by itself is who is busy.
//
// One attempt of an endpoint at a time, in the order of its queue: an endpoint that hangs holds up itself alone.
import { toLongshoreError } from '#shared/errors.ts';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import { sleep, type Clock } from '#shared/time.ts';
import type { AttemptResult, DeliveryQueue, Parcel } from '../app/api/webhooks.ts';

/** From looking up the name to the end of the reply. */
const CALL_LIMIT_MS = 10_000;
const REPLY_LIMIT_BYTES = 64 * 1024;
/** Each costs a socket and what it reads: 4 MiB in all. Endpoints that hang are kept apart by their breakers. */
const MAX_UNDER_WAY = 64;
/** Finds what a nudge could have missed. */
const LOOK_AT_LEAST_MS = 30_000;
/** A full disk keeps outcomes from being noted: what is not noted is sent again, so not at once. */
const STORAGE_PAUSE_MS = 5_000;

export interface DeliverDeps {
  queue: DeliveryQueue;
  /** Throws for a call without a reply. */
  send: (call: {
    url: string;
    method: 'POST';
    headers: Record<string, string>;
    body: string;
    timeoutMs: number;
    maxBytes: number;
    signal: AbortSignal;
  }) => Promise<NonNullable<AttemptResult['reply']>>;
  /** Calls after each write that is on disk. */
  onCommit: (listener: () => void) => () => void;
  clock: Clock;
  log: Logger;
}

export function startWebhookDeliveries(deps: DeliverDeps, scope: Scope): void {
  const courier = new Courier(deps, scope.signal);
  scope.onStop('webhooks', () => courier.idle());
  scope.onStop(
    'watch the outbox',
    deps.onCommit(() => courier.nudge()),
  );
  courier.nudge();
}

class Courier {
  readonly #deps: DeliverDeps;
  readonly #signal: AbortSignal;
  /** By endpoint. */
  readonly #underWay = new Map<string, Promise<void>>();
  #look: Promise<void> | undefined;
  #isNudged = false;
  #cancelTimer = () => {};

  constructor(deps: DeliverDeps, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
  }

  /** There may be something to send. Cheap, safe to call at any time. */
  nudge(): void {
    this.#isNudged = true;
    if (this.#look || this.#signal.aborted) return;
    this.#look = this.#lookAround().finally(() => {
      this.#look = undefined;
      if (this.#isNudged) this.nudge();
    });
  }

  /** Resolves when nothing is under way; calls that were are cut, and made again after the next start. */
  async idle(): Promise<void> {
    this.#cancelTimer();
    await this.#look;
    await Promise.all(this.#underWay.values());
  }

  async #lookAround(): Promise<void> {
    let wakeAt = this.#deps.clock.now() + LOOK_AT_LEAST_MS;
    try {
      while (this.#isNudged && !this.#signal.aborted) {
        this.#isNudged = false;
        await this.#deps.queue.spread();
        wakeAt = this.#startDue();
      }
    } catch (error) {
      this.#deps.log.warn({ err: toLongshoreError(error) }, 'could not look for webhooks to send');
      wakeAt = this.#deps.clock.now() + STORAGE_PAUSE_MS;
    }
    this.#wakeAt(wakeAt);
  }

  /** Returns when to look again. An end of a call nudges by itself. */
  #startDue(): number {
    const { queue, clock } = this.#deps;
    const now = clock.now();
    for (const { webhookId, at } of queue.due()) {
      if (this.#underWay.has(webhookId)) continue;
      if (at > now) return Math.min(at, now + LOOK_AT_LEAST_MS);
      if (this.#underWay.size >= MAX_UNDER_WAY) break;
      const parcel = queue.next(webhookId);
      if (parcel) this.#carry(parcel);
    }
    return now + LOOK_AT_LEAST_MS;
  }

  #carry(parcel: Parcel): void {
    const { webhookId } = parcel;
    const done = this.#deliver(parcel).finally(() => {
      this.#underWay.delete(webhookId);
      this.nudge();
    });
    this.#underWay.set(webhookId, done);
  }

  async #deliver(parcel: Parcel): Promise<void> {
    const { queue, clock, log } = this.#deps;
    try {
      const result = await this.#attempt(parcel);
      if (this.#signal.aborted) return;
      log.debug(
        { webhookId: parcel.webhookId, deliveryId: parcel.deliveryId, status: result.reply?.status },
        'webhook',
      );
      await queue.record(parcel, result);
    } catch (error) {
      log.warn({ err: toLongshoreError(error), webhookId: parcel.webhookId }, 'could not note how a webhook went');
      await sleep(clock, STORAGE_PAUSE_MS, this.#signal).catch(() => undefined);
    }
  }

  async #attempt({ url, headers, body }: Parcel): Promise<AttemptResult> {
    const { send, clock } = this.#deps;
    const at = clock.now();
    const limits = { timeoutMs: CALL_LIMIT_MS, maxBytes: REPLY_LIMIT_BYTES, signal: this.#signal };
    try {
      const reply = await send({ url, method: 'POST', headers, body, ...limits });
      return { at, durationMs: clock.now() - at, reply, error: null };
    } catch (error) {
      return { at, durationMs: clock.now() - at, reply: null, error: toLongshoreError(error).message };
    }
  }

  #wakeAt(at: number): void {
    this.#cancelTimer();
    if (this.#signal.aborted) return;
    this.#cancelTimer = this.#deps.clock.after(Math.max(0, at - this.#deps.clock.now()), () => this.nudge());
  }
}
