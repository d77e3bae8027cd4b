// The key that the environment brings along, as AIKit's document has it (`API_KEY`). The variable says whether there is
// such a key and which; like any other it is stored as a hash, shown in the list and noted in the audit log when used.
import { newId } from '#shared/ids.ts';
import type { Logger } from '#shared/log.ts';
import { sha256 } from '#shared/secrets.ts';
import type { Clock } from '#shared/time.ts';
import type { Stores } from '../../store/stores.ts';
import type { KeyDesk } from './keys.ts';
import type { Permission } from './permissions.ts';

/** What AIKit's document needs, and no more: no secrets, no programs in containers, nothing made or deleted. */
export const ENVIRONMENT_KEY_RIGHTS: readonly Permission[] = [
  'services.read',
  'services.update',
  'services.logs',
  'hosts.read',
  'hosts.update',
  'webhooks.create',
];
/** Users choose it themselves, so nothing of it is shown. */
const HINT = 'API_KEY';

export interface EnvironmentKeyDeps {
  stores: Stores;
  keys: Pick<KeyDesk, 'revokeNow'>;
  clock: Clock;
  log: Logger;
}

/** Safe to repeat. Without a variable, or with another, the key of before is revoked. */
export async function settleEnvironmentKey(deps: EnvironmentKeyDeps, secret: string | null): Promise<void> {
  const { stores, keys, clock, log } = deps;
  const id = stores.meta.find('environment_key') ?? '';
  const known = stores.keys.find(id);
  const secretHash = secret === null ? null : sha256(secret);
  if (known?.secretHash === secretHash || (!known && secretHash === null)) return;
  await stores.writer.write((tx) => {
    if (known) keys.revokeNow(tx, known.id);
    if (secretHash === null || stores.keys.findByHash(secretHash)) return; // it may be a key that was made here
    const createdAt = clock.now();
    const key = { id: newId('key', createdAt), name: 'API_KEY of the environment', hint: HINT, secretHash, createdAt };
    const bounds = { customerId: null, hostLabels: null, rateLimit: null, expiresAt: null, lastUsedAt: null };
    stores.keys.insert({ ...key, ...bounds, permissions: [...ENVIRONMENT_KEY_RIGHTS] });
    stores.meta.set('environment_key', key.id);
  });
  log.info({ isSet: secret !== null }, 'API_KEY of the environment is taken over');
}
