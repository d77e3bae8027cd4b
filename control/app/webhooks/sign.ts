// Standard Webhooks: secrets, and the headers by which a receiver knows who calls and what it has seen before.
import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

const SECRET_BYTES = 32;
const PREFIX = 'whsec_';

export const createWebhookSecret = (): string => `${PREFIX}${randomBytes(SECRET_BYTES).toString('base64')}`;

/** A secret of somebody's choice in the form that receivers know, for its bytes. */
export const toWebhookSecret = (text: string): string => `${PREFIX}${Buffer.from(text).toString('base64')}`;

export const keyOf = (secret: string): Uint8Array => Buffer.from(secret.slice(PREFIX.length), 'base64');

/** One signature for each secret that is valid: while one is exchanged a receiver may know either. */
export function signedHeaders(
  message: { id: string; body: string },
  secrets: readonly string[],
  now: number,
): Record<string, string> {
  const at = new Date(now);
  return {
    'content-type': 'application/json',
    'webhook-id': message.id,
    'webhook-timestamp': String(Math.floor(now / 1000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(message.id, at, message.body)).join(' '),
  };
}
