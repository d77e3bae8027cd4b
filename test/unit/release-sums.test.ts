import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { formatSums, parseSums, signSums, verifySums } from '#shared/release/sums.ts';

const keys = (type: 'ed25519' | 'rsa' = 'ed25519') => {
  const { privateKey, publicKey } =
    type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ed25519');
  return {
    privatePem: Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    publicPem: Buffer.from(publicKey.export({ type: 'spki', format: 'pem' })),
  };
};
const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const ours = keys();

t.test('sums are lines as sha256sum writes them, in order of the names', async (t) => {
  const text = formatSums(
    new Map([
      ['b.tar.gz', B],
      ['a.tar.gz', A],
    ]),
  );
  t.equal(text, `${A}  a.tar.gz\n${B}  b.tar.gz\n`);
  t.same(
    [...parseSums(text)],
    [
      ['a.tar.gz', A],
      ['b.tar.gz', B],
    ],
  );
  t.same([...parseSums(`${A} *a b.tar.gz\n`)], [['a b.tar.gz', A]], 'as of a binary file');
});

t.test('a line that is no sum is refused', async (t) => {
  const lines = ['x', `${A}  ../a`, `${A}  a/b`, `${A.toUpperCase()}  a`, A, `${A.slice(1)}  a`, `${A}  `, `\\${A}  a`];
  for (const line of lines) t.throws(() => parseSums(`${B}  b\n${line}\n`), { code: 'release_invalid' }, line);
});

t.test('a signature is of one key over exactly these bytes', async (t) => {
  const sums = Buffer.from(formatSums(new Map([['a', A]])));
  const signature = signSums(sums, ours.privatePem);
  t.equal(signature.length, 64);
  t.doesNotThrow(() => verifySums(sums, signature, ours.publicPem));

  const flipped = (bytes: Buffer, at: number) => Buffer.from(bytes).fill((bytes[at] ?? 0) ^ 1, at, at + 1);
  const refused: [what: string, sums: Buffer, signature: Buffer, key: Buffer][] = [
    ['a changed sum', flipped(sums, 0), signature, ours.publicPem],
    ['a changed name', flipped(sums, 66), signature, ours.publicPem],
    ['one line more', Buffer.concat([sums, Buffer.from(`${B}  b\n`)]), signature, ours.publicPem],
    ['nothing', Buffer.alloc(0), signature, ours.publicPem],
    ['a changed signature', sums, flipped(signature, 63), ours.publicPem],
    ['half a signature', sums, signature.subarray(0, 32), ours.publicPem],
    ['no signature', sums, Buffer.alloc(0), ours.publicPem],
    ['the key of another', sums, signature, keys().publicPem],
    ['a key of another kind', sums, signature, keys('rsa').publicPem],
    ['no key', sums, signature, Buffer.from('-----BEGIN PUBLIC KEY-----\n')],
  ];
  for (const [what, ...args] of refused) t.throws(() => verifySums(...args), { code: 'release_invalid' }, what);
});
