// What the recipes get to see of a checkout.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { readPlain, readRepository } from '../../agent/deploy/git/read-repository.ts';

function checkout(t: Test, files: Record<string, string>): string {
  const directory = t.testdir();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

t.test('files by their paths, texts of manifests only, nothing of what tools make', async (t) => {
  const directory = checkout(t, {
    'package.json': '{}',
    'src/main.ts': 'secret',
    'crates/web/Cargo.toml': '[package]',
    'node_modules/x/package.json': '{}',
    '.git/config': '',
    'a/b/c/d/e/f.txt': 'too deep',
  });
  const { files, texts } = await readRepository(directory);
  t.strictSame([...files].toSorted(), ['crates/web/Cargo.toml', 'package.json', 'src/main.ts']);
  t.strictSame(Object.fromEntries(texts), { 'package.json': '{}', 'crates/web/Cargo.toml': '[package]' });
});

t.test('A53: links are no files', async (t) => {
  const directory = checkout(t, { 'a.txt': '' });
  symlinkSync('/etc/passwd', join(directory, 'Procfile'));
  symlinkSync('/etc', join(directory, 'etc'));
  t.strictSame([...(await readRepository(directory)).files], ['a.txt']);
  t.equal(await readPlain(directory, 'Procfile'), undefined);
});

t.test('A53: of a long manifest only the beginning is read, and of many only some', async (t) => {
  const long = 'x'.repeat(300 * 1024);
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`p${index}/Cargo.toml`, long]));
  const { files, texts } = await readRepository(checkout(t, { 'package.json': long, ...many }));
  t.equal(texts.get('package.json')?.length, 256 * 1024);
  t.equal(files.size, 51);
  t.equal(texts.size, 32, '8 MiB in all');
});

t.test('A53: a folder too full is cut off where it lies deepest', async (t) => {
  const many = Object.fromEntries(Array.from({ length: 20_010 }, (_, index) => [`deep/${index}`, '']));
  const { files } = await readRepository(checkout(t, { 'package.json': '{}', ...many }));
  t.equal(files.size, 20_000);
  t.ok(files.has('package.json'));
});
