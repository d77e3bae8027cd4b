// In which words a webhook is told. The standard ones are ours (payload.ts); others are those of a dialect, for receivers
// that were written for it. What is told, to whom and how often is the same for all.
import type { WEBHOOK_FORMAT_NAMES } from '../../store/webhook-records.ts';
import type { EventType } from './event-types.ts';
import type { Story } from './payload.ts';

export interface WebhookFormat {
  /** Null: it has no word for this, and nothing is sent. */
  toMessage(type: EventType, story: Story): { type: string; body: string } | null;
  /** Whether an endpoint with these patterns asked for such a message: words may stand for several types. */
  wants(patterns: readonly string[], messageType: string): boolean;
  /** Beside the headers of Standard Webhooks; `keys`: each secret that is valid now, as bytes. */
  headersOf(body: string, keys: readonly Uint8Array[]): Record<string, string>;
}

export type WebhookFormats = Record<Exclude<(typeof WEBHOOK_FORMAT_NAMES)[number], 'standard'>, WebhookFormat>;
