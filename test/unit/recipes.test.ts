// Repositories in, whole Dockerfiles out: a file of fixtures/recipes each, with what is there above `=== ` and what comes
// of it below. `TAP_SNAPSHOT=1 node test/unit/recipes.test.ts` writes what comes of it, to be read before it is kept.
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { findRecipe, isRecipe } from '../../agent/deploy/recipes/find-recipe.ts';
import { isManifest } from '../../agent/deploy/recipes/manifests.ts';
import { pathOf } from '../../agent/deploy/recipes/names.ts';
import type { NoRecipe, Recipe, Repository } from '../../agent/deploy/recipes/recipe.ts';
import { pickVersion } from '../../agent/deploy/recipes/versions.ts';

const FOLDER = fileURLToPath(new URL('../fixtures/recipes', import.meta.url));
const IS_WRITING = process.env['TAP_SNAPSHOT'] === '1';
/** Between the repository and what comes of it. */
const SEAM = '\n=== ';

/** What the hostile ones try to bring in; only a Procfile's command may hold it, as one string. */
const HOSTILE = /\bid\b|evil|\/etc \$|--config=x|toolexec/;

/** A title, then `--- PATH` and the file's text, as often as there are files. */
function parseRepository(text: string): Repository {
  const parts = text.split(/^--- /m).slice(1);
  const files = parts.map((part) => part.split('\n', 1)[0] ?? '');
  const texts = parts.map((part, index): [string, string] => [files[index] ?? '', part.slice(part.indexOf('\n') + 1)]);
  return { files: new Set(files), texts: new Map(texts.filter(([file]) => isManifest(file))) };
}

function print(found: Recipe | NoRecipe): string {
  if (!isRecipe(found)) return `none\n${found.lacks.map((lack) => `found ${lack}\n`).join('')}`;
  const { name, found: seen, command, port, dockerfile } = found;
  return `${name}\nfound ${seen.join(', ')}\nruns ${JSON.stringify(command)} on ${port}\n${dockerfile}`;
}

const cases = globSync('*.txt', { cwd: FOLDER }).toSorted();

for (const file of cases) {
  const text = readFileSync(join(FOLDER, file), 'utf8');
  const [input = '', expected] = text.split(SEAM, 2);
  const title = input.split('\n', 1)[0] ?? '';
  t.test(`${basename(file, '.txt')}: ${title}`, async (t) => {
    const printed = print(findRecipe(parseRepository(`${input}\n`), ''));
    if (IS_WRITING) writeFileSync(join(FOLDER, file), `${input.trimEnd()}${SEAM}${printed}`);
    else t.equal(printed, expected);
  });
}

t.test('no line of any Dockerfile begins with what a repository says', async (t) => {
  const known = /^(#|FROM|RUN|COPY|ENV|WORKDIR|USER|EXPOSE|CMD|END$|[{}:]|  )/;
  for (const file of cases) {
    const found = findRecipe(parseRepository(readFileSync(join(FOLDER, file), 'utf8').split(SEAM)[0] ?? ''), '');
    const lines = isRecipe(found) ? found.dockerfile.split('\n').filter(Boolean) : [];
    t.strictSame(
      lines.filter((line) => !known.test(line) || (!line.startsWith('CMD ') && HOSTILE.test(line))),
      [],
      file,
    );
  }
});

t.test('A53: manifests that were written to be slow to read are not', async (t) => {
  const names = `Procfile package.json .nvmrc pnpm-lock.yaml yarn.lock angular.json vite.config.ts requirements.txt
    pyproject.toml manage.py app.py go.mod main.go composer.json Gemfile .ruby-version Cargo.toml rust-toolchain pom.xml
    build.gradle system.properties index.html`.split(/\s+/);
  for (const unit of ['\n', ' ', 'a', 'a\n', '[', '"', '1.', '<', 'web:', 'x = ', '- ', ' \n', '(']) {
    const text = unit.repeat((256 * 1024) / unit.length);
    for (const name of names) {
      const repository = { files: new Set(names), texts: new Map([[name, text]]) };
      t.type(findRecipe(repository, ''), Object, name);
      t.type(findRecipe({ files: new Set([name]), texts: new Map([[name, `${name}${text}`]]) }, ''), Object, name);
    }
  }
});

t.test('a mirror stands before every image', async (t) => {
  const repository = parseRepository('x\n--- composer.json\n{}\n--- index.php\n');
  const found = findRecipe(repository, 'registry.example.com/mirror/');
  const images = isRecipe(found) ? [...found.dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image) : [];
  t.strictSame(images, ['registry.example.com/mirror/composer:2.8', 'registry.example.com/mirror/php:8.4-apache']);
});

t.test('without a recipe every marker is named with its language', async (t) => {
  const found = findRecipe({ files: new Set(), texts: new Map() }, '');
  t.notOk(isRecipe(found));
  const looked = isRecipe(found) ? [] : found.lookedFor;
  for (const words of ['package.json (Node)', 'go.mod (Go)', 'Gemfile (Ruby)', 'index.html (static site)'])
    t.ok(looked.includes(words), words);
});

const RANGES: [range: string | undefined, picked: string | undefined][] = [
  [undefined, '24'],
  ['', '24'],
  ['*', '24'],
  ['lts/*', '24'],
  ['>=18', '24'],
  ['>= 18.17.0', '24'],
  ['>=18 <23', '22'],
  ['^20.1.0', '20'],
  ['~22.3', '22'],
  ['v20.11.1', '20'],
  ['18.x || 20.x', '20'],
  ['18 - 20', '20'],
  ['<22', '20'],
  ['>22', '24'],
  ['>24', '26'],
  ['<=22.3', '20'],
  ['8.x', undefined],
  ['20\nRUN id', '24'],
  [`>=${'1'.repeat(300)}`, '24'],
];
for (const [range, picked] of RANGES) {
  t.test(`Node ${JSON.stringify(range?.slice(0, 30))} means ${picked ?? 'none'}`, async (t) => {
    t.equal(pickVersion(range, ['24', '22', '26', '20', '18']), picked);
  });
}

t.test('ranges of minor releases', async (t) => {
  const versions = ['3.13', '3.14', '3.12', '3.11'];
  for (const [range, picked] of [
    ['>=3.11,<3.13', '3.12'],
    ['^3.12', '3.13'],
    ['~3.11', '3.11'],
    ['~=3.14', '3.14'],
    ['==3.12.*', '3.12'],
    ['3.12.4', '3.12'],
    ['~> 3.11.2', '3.11'],
    ['!=3.13.1', '3.13'],
    ['>=3.15', undefined],
  ] as const)
    t.equal(pickVersion(range, versions), picked, range);
});

t.test('a path stays inside and holds nothing that Docker or a shell reads', async (t) => {
  for (const good of ['dist', './dist/main.js', 'a-b/c_d.e', '@scope/x', 'dist/']) t.ok(pathOf(good), good);
  for (const bad of ['/etc', '../x', 'a/../b', '.', '', '-x', 'a b', 'a$b', 'a\nb', 'a*', 'a"b', 'x'.repeat(201), 7])
    t.equal(pathOf(bad), undefined, String(bad));
});
