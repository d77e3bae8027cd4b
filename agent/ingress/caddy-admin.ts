// Caddy's admin API on its Unix socket: https://caddyserver.com/docs/api.
import { LongshoreError } from '#shared/errors.ts';

/**
 * A change takes tens of milliseconds, on a busy machine with many names seconds. With each change Caddy starts a new admin
 * server: who comes in that moment may never hear of it, and asks again. The same wish twice is one.
 */
const TRY_LIMITS_MS = [2_000, 5_000, 30_000];
/** What Caddy says of an error. */
const REPLY_LIMIT_CHARS = 4_000;
/** Caddy wants the name of a machine that may ask. */
const ORIGIN = 'http://127.0.0.1:2019';

/** Makes this the whole configuration. Throws `unavailable` where nothing answers, `apply_failed` for what Caddy refuses. */
export async function loadCaddy(socketPath: string, config: object): Promise<void> {
  const body = JSON.stringify(config);
  for (const [index, limitMs] of TRY_LIMITS_MS.entries()) {
    const answer = await post(socketPath, body, limitMs).catch((error: Error) => error);
    if (!(answer instanceof Error)) return requireDone(answer);
    const isLate = answer.name === 'TimeoutError' && index < TRY_LIMITS_MS.length - 1;
    if (!isLate) throw new LongshoreError('unavailable', { message: 'Caddy does not answer', cause: answer });
  }
}

async function post(socketPath: string, body: string, limitMs: number): Promise<{ status: number; text: string }> {
  const { Client } = await import('undici'); // most hosts have no edge
  const client = new Client(ORIGIN, { socketPath });
  try {
    const answer = await client.request({
      method: 'POST',
      path: '/load',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(limitMs),
    });
    return { status: answer.statusCode, text: (await answer.body.text()).slice(0, REPLY_LIMIT_CHARS) };
  } finally {
    await client.destroy();
  }
}

function requireDone({ status, text }: { status: number; text: string }): void {
  if (status >= 300) throw new LongshoreError('apply_failed', { message: 'Caddy refused', details: text });
}
