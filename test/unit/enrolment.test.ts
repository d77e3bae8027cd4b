import t from 'tap';
import { createIdentity, createJoinSecret, formatJoinToken } from '#shared/protocol/identity.ts';
import { destinationOf, rememberEnrolment } from '../../agent/enrolment.ts';
import type { TextKey } from '../../agent/state/meta.ts';

const { pin } = createIdentity();
const URL = 'https://panel.example.com';
const tokenOf = (tokenId: string, over: { url?: string; controlPin?: string } = {}) =>
  formatJoinToken({ url: URL, controlPin: pin, ...over, tokenId, secret: createJoinSecret() });

/** What an agent remembers that was enrolled by this token, if any. */
function memoryOf(token?: string) {
  const values = new Map<TextKey, string>();
  const meta = {
    get: (key: TextKey) => values.get(key),
    set: (key: TextKey, value: string) => void values.set(key, value),
  };
  if (token) rememberEnrolment(meta, destinationOf(token, meta), 'host_1');
  return meta;
}

t.test('the first start enrols with the token', (t) => {
  t.match(destinationOf(tokenOf('jtk_1'), memoryOf()), { url: URL, controlPin: pin, enrol: { tokenId: 'jtk_1' } });
  t.end();
});

t.test('a later start needs no token', (t) => {
  t.strictSame(destinationOf(null, memoryOf(tokenOf('jtk_1'))), { url: URL, controlPin: pin });
  t.end();
});

t.test('the same token again, as a unit file keeps it, is not shown again', (t) => {
  const token = tokenOf('jtk_1');
  t.strictSame(destinationOf(token, memoryOf(token)), { url: URL, controlPin: pin });
  t.end();
});

t.test('a new token of the same control plane enrols again, and may bring a new address', (t) => {
  const memory = memoryOf(tokenOf('jtk_1'));
  const moved = tokenOf('jtk_2', { url: 'https://new.example.com' });
  t.match(destinationOf(moved, memory), { url: 'https://new.example.com', enrol: { tokenId: 'jtk_2' } });
  t.end();
});

t.test('a token of another control plane is refused', (t) => {
  const foreign = tokenOf('jtk_9', { controlPin: createIdentity().pin });
  t.throws(() => destinationOf(foreign, memoryOf(tokenOf('jtk_1'))), { code: 'state_conflict' });
  t.end();
});

t.test('neither token nor enrolment is a fault of the configuration', (t) => {
  t.throws(() => destinationOf(null, memoryOf()), { code: 'config_invalid', message: /token/ });
  t.end();
});
