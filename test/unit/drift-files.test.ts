// Files of a service's folder beside its revision, on a real disk; a container may have put anything in their place.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { Workspace, type Sources } from '../../agent/deploy/workspace.ts';
import { findDriftedFiles } from '../../agent/drift/files.ts';

const SOURCES: Sources = {
  compose: 'services: {}',
  env: 'A=1\n',
  override: '',
  files: { 'conf/site.conf': 'listen ü' },
};

async function written(t: Test) {
  const workspace = new Workspace(t.testdir(), 'web');
  await workspace.write(SOURCES);
  const place = workspace.path('conf/site.conf');
  return { place, workspace, found: () => findDriftedFiles(workspace, SOURCES) };
}

t.test('what is as it was written has not drifted, whatever else lies there', async (t) => {
  const { workspace, found } = await written(t);
  writeFileSync(workspace.path('more'), 'x');
  t.strictSame(await found(), []);
});

t.test('a file that is gone is missing', async (t) => {
  const { workspace, found } = await written(t);
  rmSync(workspace.path('.env'));
  t.strictSame(await found(), [{ path: '.env', change: 'missing' }]);
});

const PLACED: [name: string, place: (path: string) => void][] = [
  ['a longer text', (path) => writeFileSync(path, 'listen ü ')],
  ['another text of the same length', (path) => writeFileSync(path, 'Listen ü')],
  ['a folder', (path) => mkdirSync(path)],
  ['a link to what never ends', (path) => symlinkSync('/dev/zero', path)],
  ['a link to another file', (path) => symlinkSync('../compose.yaml', path)],
  ['a pipe that nobody writes to', (path) => execFileSync('mkfifo', [path])],
];

for (const [name, put] of PLACED) {
  t.test(`a file in whose place there is ${name} has changed`, async (t) => {
    const { place, found } = await written(t);
    rmSync(place);
    put(place);
    t.strictSame(await found(), [{ path: 'conf/site.conf', change: 'changed' }]);
  });
}
