// Webhooks, their messages and deliveries, as their stores give and take them.

export const WEBHOOK_STATES = ['active', 'paused', 'disabled'] as const;

/** `standard`: as docs/webhooks.md has it; others are words of a dialect. */
export const WEBHOOK_FORMAT_NAMES = ['standard', 'aikit'] as const;

export interface WebhookRecord {
  id: string;
  url: string;
  description: string | null;
  /** Patterns: an exact type, `deploy.*` or `*`. */
  events: string[];
  format: (typeof WEBHOOK_FORMAT_NAMES)[number];
  /** Hears only of this customer's services. */
  customerId: string | null;
  /** Hears only of hosts with these labels, and of services there. */
  hostLabels: Record<string, string> | null;
  /** `disabled`: the receiver said it is gone. */
  state: (typeof WEBHOOK_STATES)[number];
  disabledReason: string | null;
  /** Failed attempts since the last good one. */
  failures: number;
  /** Nothing is sent before; null: its breaker is closed. */
  openUntil: number | null;
  /** Hears of what came after this place of the outbox. */
  afterSeq: number;
  createdAt: number;
  updatedAt: number;
}

/** The newest first; the old one counts until its time is over. */
export interface WebhookSecrets {
  secret: string;
  old: { secret: string; until: number } | null;
}

export interface MessageRecord {
  id: string;
  type: string;
  /** What is sent, to the byte. */
  body: string;
  at: number;
}

export const DELIVERY_STATES = ['pending', 'delivered', 'failed', 'dropped'] as const;

export type DeliveryState = (typeof DELIVERY_STATES)[number];

export interface DeliveryRecord {
  id: string;
  webhookId: string;
  messageId: string;
  /** Of the message. */
  type: string;
  state: DeliveryState;
  /** Why the last attempt or the whole of it failed. */
  error: string | null;
  /** Since it was last asked for. */
  tries: number;
  askedAt: number;
  /** Null unless pending. */
  nextAt: number | null;
  createdAt: number;
  finishedAt: number | null;
}

export interface AttemptRecord {
  at: number;
  durationMs: number;
  url: string;
  requestHeaders: Record<string, string>;
  /** Null: there was no reply. */
  status: number | null;
  replyHeaders: Record<string, string> | null;
  /** Its beginning. */
  replyBody: string | null;
  /** There was more of it. */
  isCut: boolean;
  error: string | null;
}
