import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { toLongshoreError } from '#shared/errors.ts';
import {
  canonicalKey,
  createIdentity,
  createJoinSecret,
  formatJoinToken,
  hashJoinSecret,
  loadIdentity,
  parseJoinToken,
  pinOf,
  verifySignature,
} from '#shared/protocol/identity.ts';

t.test('a key is made once, readable by its owner alone, and stays the same', (t) => {
  const file = join(t.testdir(), 'agent.key');
  const first = loadIdentity(file);
  const again = loadIdentity(file);
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.match(readFileSync(file, 'utf8'), '-----BEGIN PRIVATE KEY-----');
  t.strictSame([again.publicKey, again.pin], [first.publicKey, first.pin]);
  t.not(createIdentity().publicKey, first.publicKey);
  t.end();
});

t.test('a signature is good for its key and its message only', async (t) => {
  const [a, b] = [createIdentity(), createIdentity()];
  const message = Buffer.from('message');
  const signature = a.sign(message);
  t.equal(await verifySignature(a.publicKey, message, signature), true);
  t.equal(await verifySignature(b.publicKey, message, signature), false);
  t.equal(await verifySignature(a.publicKey, Buffer.from('massage'), signature), false);
  t.equal(await verifySignature(a.publicKey, message, b.sign(message)), false);
  for (const junk of ['', 'AAAA', signature.slice(2), '!!!']) {
    t.equal(await verifySignature(a.publicKey, message, junk), false);
    t.equal(await verifySignature(junk, message, signature), false);
  }
});

t.test('keys of other kinds are no keys', async (t) => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const text = publicKey.export({ type: 'spki', format: 'der' }).toString('base64url');
  t.equal(canonicalKey(text), undefined);
  t.equal(await verifySignature(text, Buffer.from('m'), 'AAAA'), false);
});

t.test('the several texts of one key have one canonical form', (t) => {
  const { publicKey } = createIdentity();
  const der = Buffer.from(publicKey, 'base64url');
  t.equal(canonicalKey(der.toString('base64')), publicKey);
  t.equal(canonicalKey(Buffer.concat([der, Buffer.from('trailing')]).toString('base64url')), publicKey);
  t.equal(canonicalKey('AAAA'), undefined);
  t.end();
});

t.test('a pin is SHA-256 of the key, in base64url', (t) => {
  const { publicKey, pin } = createIdentity();
  t.match(pin, /^[A-Za-z0-9_-]{43}$/);
  t.equal(pinOf(Buffer.from(publicKey, 'base64url').toString('base64')), pin);
  t.end();
});

const token = () => ({
  url: 'https://panel.example.com',
  tokenId: 'jtk_1',
  secret: createJoinSecret(),
  controlPin: createIdentity().pin,
});

t.test('a join token is one word to copy and is read back whole', (t) => {
  const parts = token();
  const text = formatJoinToken(parts);
  t.match(text, /^lsj_[A-Za-z0-9_-]+$/);
  t.strictSame(parseJoinToken(text), parts);
  t.strictSame(parseJoinToken(` ${text}\n`), parts, 'also with what a terminal puts around it');
  t.end();
});

t.test('a token may pin the TLS key; a shell finds URL and pin in it without knowing JSON', (t) => {
  const parts = { ...token(), tlsPin: `sha256//${Buffer.alloc(32, 0xfb).toString('base64')}` };
  const text = formatJoinToken(parts);
  t.strictSame(parseJoinToken(text), parts);
  const script = `
    body=$(printf '%s==' "\${1#lsj_}" | tr '_-' '/+' | base64 -d 2>/dev/null)
    printf '%s\\n' "$body" | sed -n 's/^{"u":"\\([^"]*\\)".*/\\1/p'
    printf '%s\\n' "$body" | sed -n 's/.*,"t":"\\([^"]*\\)"}$/\\1/p'`;
  const { stdout } = spawnSync('sh', ['-c', script, 'sh', text], { encoding: 'utf8' });
  t.equal(stdout, `${parts.url}\n${parts.tlsPin}\n`);
  t.end();
});

t.test('what is not a join token is `token_invalid`, and the error does not quote it', (t) => {
  const parts = token();
  const text = formatJoinToken(parts);
  const encode = (body: unknown) => `lsj_${Buffer.from(JSON.stringify(body)).toString('base64url')}`;
  const { url: u, tokenId: i, secret: s, controlPin: p } = parts;
  const faults = {
    empty: '',
    'an API key': 'lsk_abc',
    'cut short': text.slice(0, -20),
    'not JSON': 'lsj_AAAA',
    'no object': encode([1]),
    'no secret': encode({ u, i, p }),
    'a short secret': encode({ u, i, s: 'abc', p }),
    'a short pin': encode({ u, i, s, p: 'abc' }),
    'a TLS pin that is none': encode({ u, i, s, p, t: "sha256//' ; id #" }),
    'a URL of another kind': encode({ u: 'file:///etc/passwd', i, s, p }),
    'no URL': encode({ u: 'panel', i, s, p }),
    'far too long': encode({ u, i, s, p, x: 'x'.repeat(10_000) }),
  };
  for (const [name, fault] of Object.entries(faults)) {
    const error = (() => {
      try {
        return parseJoinToken(fault);
      } catch (caught) {
        return toLongshoreError(caught);
      }
    })();
    t.match(error, { code: 'token_invalid' }, name);
    t.notMatch(JSON.stringify(error), s, name);
  }
  t.end();
});

t.test('what control keeps of a secret is the hash of its bytes', (t) => {
  const secret = Buffer.alloc(32, 7).toString('base64url');
  t.equal(hashJoinSecret(secret), '4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0');
  t.equal(Buffer.from(createJoinSecret(), 'base64url').length, 32);
  t.end();
});
