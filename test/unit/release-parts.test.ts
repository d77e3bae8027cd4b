// Parts of `npm run build` that one can look at alone.
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { buildRelease } from '../../cli/release/build.ts';
import { readInstaller } from '../../cli/release/installer.ts';
import { packageFolderOf } from '../../cli/release/licenses.ts';
import { checkIntegrity } from '../../cli/release/node-binary.ts';
import { loadSigningKey } from '../../cli/release/signing-key.ts';
import { stampInstaller } from '../../cli/release/stamp.ts';
import { ROOT } from '../../cli/release/bundle.ts';

const SCRIPT = '#!/bin/sh\nRELEASE_VERSION=   # filled in\nRELEASE_KEY=\necho "$RELEASE_VERSION"\n';

t.test('the installer says which release it is of, and whose', async (t) => {
  t.equal(
    stampInstaller(SCRIPT, { version: '1.2.3', publicKey: 'MCow+/=' }),
    `#!/bin/sh\nRELEASE_VERSION='1.2.3'   # filled in\nRELEASE_KEY='MCow+/='\necho "$RELEASE_VERSION"\n`,
  );
});

t.test('our own installer can be filled in, once', async (t) => {
  const stamped = stampInstaller(readInstaller(ROOT), { version: '1.2.3', publicKey: 'KEY' });
  t.match(stamped, /^RELEASE_VERSION='1\.2\.3'/m);
  t.match(stamped, /^RELEASE_KEY='KEY'/m);
  t.throws(() => stampInstaller(stamped, { version: '1.2.3', publicKey: 'KEY' }), { code: 'state_conflict' });
});

t.test('a script without the lines, and a value that a shell would read, are refused', async (t) => {
  const stamp = { version: '1.2.3', publicKey: 'KEY' };
  for (const script of ['', 'RELEASE_VERSION=\n', `${SCRIPT}RELEASE_KEY= \n`, SCRIPT.replace('KEY=', 'KEY=x')])
    t.throws(() => stampInstaller(script, stamp), { code: 'state_conflict' });
  for (const version of ["1'; rm -rf /; '", '1 2', '$(id)', '1\n2'])
    t.throws(() => stampInstaller(SCRIPT, { ...stamp, version }), { code: 'state_conflict' }, version);
});

t.test('a signing key', async (t) => {
  const dir = t.testdir();
  const said: string[] = [];
  const fallback = join(dir, 'made', 'key.pem');
  const load = (given?: string) => loadSigningKey(given, fallback, (line) => said.push(line));

  await t.test('is made once, for its owner alone, and said', async (t) => {
    const { publicKey } = load();
    t.equal(statSync(fallback).mode & 0o777, 0o600);
    t.match(said, [/made a signing key, .*key\.pem/]);
    t.equal(load().publicKey, publicKey);
    t.equal(said.length, 1);
  });

  await t.test('that was given must be there, and of Ed25519', async (t) => {
    const file = join(dir, 'given.pem');
    t.throws(() => load(file), { code: 'config_invalid', message: /given\.pem/ });
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    t.throws(() => load(file), { code: 'config_invalid', message: /is not an Ed25519 key/ });
  });
});

t.test('a fetched package is what package-lock.json says, or is refused', async (t) => {
  const dir = t.testdir();
  const file = join(dir, 'node.tgz');
  writeFileSync(file, 'abc');
  // FIPS 180-2's example.
  const integrity = 'sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==';
  t.doesNotThrow(() => checkIntegrity(file, integrity));
  writeFileSync(file, 'abd');
  t.throws(() => checkIntegrity(file, integrity), { code: 'release_invalid' });
});

t.test('a file is of its innermost package', async (t) => {
  t.equal(packageFolderOf('node_modules/ws/lib/sender.js'), 'node_modules/ws');
  t.equal(packageFolderOf('node_modules/@fastify/ajv-compiler/index.js'), 'node_modules/@fastify/ajv-compiler');
  t.equal(packageFolderOf('node_modules/a/node_modules/@b/c/d.js'), 'node_modules/a/node_modules/@b/c');
  t.equal(packageFolderOf('agent/main.ts'), undefined);
});

t.test('a folder with other things in it is not replaced by a release', async (t) => {
  const outDir = t.testdir({ 'thesis.txt': 'years of work' });
  const key = loadSigningKey(undefined, join(t.testdirName, 'key.pem'), () => {});
  const build = { root: ROOT, version: '1.2.3', outDir, key, say: () => {} };
  await t.rejects(buildRelease({ ...build, architectures: [], formats: [] }), { code: 'state_conflict' });
  t.strictSame(readdirSync(outDir).toSorted(), ['key.pem', 'thesis.txt']);
});
