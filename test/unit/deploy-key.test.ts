// Private keys for repositories, as ssh-keygen makes them and as we do.
import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { makeDeployKey, readDeployKey } from '../../control/app/git/deploy-key.ts';
import { makeKey } from '../support/git-ssh-server.ts';

t.test('keys that OpenSSH made are taken as they are', async (t) => {
  for (const kind of ['ed25519', 'rsa', 'ecdsa']) {
    const key = makeKey(t, kind);
    t.strictSame(readDeployKey(key.privateKey), key, kind);
  }
});

t.test('a key is mended where only its form has suffered on the way', async (t) => {
  const key = makeKey(t);
  for (const text of [key.privateKey.trim(), key.privateKey.replaceAll('\n', '\r\n'), `\n  ${key.privateKey}\n\n`])
    t.strictSame(readDeployKey(text), key);
});

t.test('a key that we make is one that OpenSSH reads', async (t) => {
  const key = makeDeployKey('longshore shop');
  t.match(key.publicKey, /^ssh-ed25519 [A-Za-z0-9+/]{68} longshore-shop$/);
  t.equal(publicPartBySshKeygen(t, key.privateKey), key.publicKey.split(' ').slice(0, 2).join(' '));
  t.match(readDeployKey(key.privateKey), { privateKey: key.privateKey });
  t.not(makeDeployKey('x').privateKey, makeDeployKey('x').privateKey);
});

t.test('what is wrong with a key is said', async (t) => {
  t.match(readDeployKey(makeKey(t, 'ed25519', 'secret').privateKey), /passphrase/);
  t.match(readDeployKey('hello'), /form of OpenSSH/);
  t.match(readDeployKey('-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----'), /ssh-keygen -p/);
  const { privateKey, publicKey } = makeKey(t);
  t.match(readDeployKey(publicKey), /form of OpenSSH/);
  const [begin = '', ...lines] = privateKey.trim().split('\n');
  const body = Buffer.from(lines.slice(0, -1).join(''), 'base64');
  const armoured = (bytes: Buffer) => [begin, bytes.toString('base64'), lines.at(-1)].join('\n');
  t.type(readDeployKey(armoured(body)), 'object');
  for (const length of [0, 10, 20, 100, 180, body.length - 8])
    t.match(readDeployKey(armoured(body.subarray(0, length))), /missing or damaged/, `cut at ${length}`);
  for (const at of [body.length - 1, 98, 99, 120])
    t.match(
      readDeployKey(armoured(Buffer.from(body).fill(255, at, at + 1))),
      /missing or damaged|not taken/,
      `broken at ${at}`,
    );
  t.match(readDeployKey(begin), /missing or damaged/);
  for (const text of [
    `x\n${privateKey}`,
    `${privateKey}x`,
    `${privateKey}${privateKey}`,
    privateKey.replace('\n', '\n%'),
  ])
    t.match(readDeployKey(text), /missing or damaged/);
  t.match(readDeployKey(`${begin}${' \n'.repeat(8_000)}!`), /missing or damaged/, 'which is found out at once');
});

/** As `ssh-keygen -y` works it out of the private part. */
function publicPartBySshKeygen(t: Test, privateKey: string): string {
  const file = join(t.testdir({ key: privateKey }), 'key');
  chmodSync(file, 0o600);
  return execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' }).split(' ').slice(0, 2).join(' ').trim();
}
