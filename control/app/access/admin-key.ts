// The first API key: made once, kept in DIR/admin.key for whoever owns the machine.
import { join } from 'node:path';
import { newId } from '#shared/ids.ts';
import { loadOrCreateSecret, sha256 } from '#shared/secrets.ts';
import type { Clock } from '#shared/time.ts';
import type { Stores } from '../../store/stores.ts';
import type { Caller } from '../api/caller.ts';
import { createKeySecret, HINT_CHARS } from './keys.ts';

/** Ourselves: `up` lets its own agent join, say. No key opens this door. */
export const SYSTEM_CALLER: Caller = {
  kind: 'system',
  keyId: 'system',
  name: 'system',
  permissions: ['*'],
  customerId: null,
  hostLabels: null,
  rateLimit: null,
};

/**
 * Makes the key and its file unless that was done before: a key that was revoked or a file that was deleted stays so.
 * The file is complete before the key counts, so a crash in between leaves a file that the next start makes true.
 */
export async function ensureAdminKey(stores: Stores, dataDir: string, clock: Clock): Promise<string> {
  const file = join(dataDir, 'admin.key');
  if (stores.meta.find('admin_key_made') !== undefined) return file;
  const secret = loadOrCreateSecret(file, () => Buffer.from(`${createKeySecret()}\n`))
    .toString()
    .trim();
  const createdAt = clock.now();
  await stores.writer.write(() => {
    stores.keys.insert({
      id: newId('key', createdAt),
      name: 'admin',
      hint: secret.slice(0, HINT_CHARS),
      secretHash: sha256(secret),
      permissions: ['*'],
      customerId: null,
      hostLabels: null,
      rateLimit: null,
      createdAt,
      expiresAt: null,
      lastUsedAt: null,
    });
    stores.meta.set('admin_key_made', String(createdAt));
  });
  return file;
}
