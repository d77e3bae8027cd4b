import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadOrCreateSecret, loadSecretBox, sameSecret, sha256 } from '../../shared/secrets.ts';
import { makeFolder } from '../support/folder.ts';

const dir = makeFolder(t, 'secrets');
const keyFile = join(dir, 'secret.key');

t.test('what was sealed opens with the same key file and context, also after a restart', async (t) => {
  const sealed = loadSecretBox(keyFile).seal('pässword\n', 'svc_1');
  t.equal(loadSecretBox(keyFile).open(sealed, 'svc_1'), 'pässword\n');
  t.equal(statSync(keyFile).mode & 0o777, 0o600);
  t.same(readdirSync(dir), ['secret.key'], 'no half-made file is left');
});

t.test('the plain text is not in the sealed bytes, and sealing twice differs', async (t) => {
  const box = loadSecretBox(keyFile);
  const [a, b] = [box.seal('canary-canary', 'x'), box.seal('canary-canary', 'x')];
  t.notOk(a.includes('canary'));
  t.notSame(a, b);
});

t.test('a value moved to another row, changed, or sealed with another key does not open', async (t) => {
  const box = loadSecretBox(keyFile);
  const sealed = box.seal('secret', 'svc_1');
  t.throws(() => box.open(sealed, 'svc_2'), { code: 'internal' });
  const changed = Buffer.from(sealed);
  changed[changed.length - 1]! ^= 1;
  t.throws(() => box.open(changed, 'svc_1'), { code: 'internal' });
  t.throws(() => loadSecretBox(join(dir, 'other.key')).open(sealed, 'svc_1'), { code: 'internal' });
});

t.test('two processes that make a secret at the same time end with the same one', async (t) => {
  const file = join(dir, 'raced');
  const inner = loadOrCreateSecret(file, () => {
    loadOrCreateSecret(file, () => Buffer.from('first'));
    return Buffer.from('second');
  });
  t.equal(inner.toString(), 'first');
});

t.test('secrets are compared by value whatever their length', async (t) => {
  t.ok(sameSecret('abc', 'abc'));
  t.notOk(sameSecret('abc', 'abcd'));
  t.equal(sha256('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
