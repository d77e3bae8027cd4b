// Caddy's admin API on its Unix socket: https://caddyserver.com/docs/api.
import { LongshoreError } from '#shared/errors.ts';

/** A change provisions every server anew: tens of milliseconds, or seconds on a busy machine with many names. */
const CALL_LIMIT_MS = 30_000;
/** What Caddy says of an error. */
const REPLY_LIMIT_BYTES = 64 * 1024;
/** Caddy wants the name of a machine that may ask. */
const ORIGIN = 'http://127.0.0.1:2019';

/** Makes this the whole configuration; the same again changes nothing. Throws `unavailable` where nothing answers. */
export async function loadCaddy(socketPath: string, config: object): Promise<void> {
  const { Client } = await import('undici'); // most hosts have no edge
  const client = new Client(ORIGIN, { socketPath });
  try {
    const { statusCode, body } = await client.request({
      method: 'POST',
      path: '/load',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(config),
      signal: AbortSignal.timeout(CALL_LIMIT_MS),
    });
    const text = (await body.text()).slice(0, REPLY_LIMIT_BYTES);
    if (statusCode >= 300) throw new LongshoreError('apply_failed', { message: 'Caddy refused', details: text });
  } catch (error) {
    if (error instanceof LongshoreError) throw error;
    throw new LongshoreError('unavailable', { message: 'Caddy does not answer', cause: error });
  } finally {
    await client.destroy();
  }
}
