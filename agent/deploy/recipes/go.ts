// Go: one static-enough program, and the repository's files beside it.
import { copy, OWNED, run } from './dockerfile.ts';
import { present } from './manifests.ts';
import { binaryOf } from './names.ts';
import type { Draft, Language, Repository } from './recipe.ts';

/** Older modules are built by it as well; newer ones by theirs. */
const VERSION: [number, number] = [1, 24];
const PORT = 8080;
const ROOTS = ['/etc/ssl/certs/ca-certificates.crt', '/etc/ssl/certs/'];

export const go: Language = {
  name: 'Go',
  markers: ['go.mod'],
  words: ['go'],
  draft(repository) {
    if (!repository.files.has('go.mod')) return undefined;
    const text = repository.texts.get('go.mod') ?? '';
    const version = versionOf(text);
    const main = findMain(repository, moduleName(text));
    const program = `/app/bin/${main?.name ?? 'app'}`;
    return {
      found: [
        'go.mod',
        ...(main ? [main.folder === '.' ? 'a program at the top' : `a program in ${main.folder}`] : []),
        `Go ${version}`,
      ],
      stages: [
        {
          image: `golang:${version}`,
          name: 'build',
          lines: [
            'WORKDIR /src',
            copy(present(repository, ['go.mod', 'go.sum']), './'),
            ...(repository.files.has('vendor/modules.txt') ? [] : ['RUN go mod download']),
            'COPY . .',
            // Time zones go into the program: the last stage has none.
            run('go', 'build', '-trimpath', '-tags=timetzdata', '-ldflags=-s -w', '-o', program, main?.folder ?? '.'),
          ],
        },
        {
          image: 'debian:trixie-slim',
          lines: [
            `COPY --from=build ${ROOTS.join(' ')}`,
            `COPY ${OWNED} . /app`,
            `COPY --from=build /app/bin /app/bin`,
            'WORKDIR /app',
          ],
        },
      ],
      env: { PATH: '/app/bin:$PATH' },
      port: PORT,
      ...(main && { command: [program] }),
      lacks: 'go.mod, but no package main at the top or in a folder of cmd/',
    } satisfies Draft;
  },
};

function versionOf(text: string): string {
  const [, major = '0', minor = '0'] = /^go (\d{1,2})\.(\d{1,3})/m.exec(text) ?? [];
  const [asked, least] = [[Number(major), Number(minor)], VERSION] as const;
  const isNewer = (asked[0] ?? 0) > least[0] || (asked[0] === least[0] && (asked[1] ?? 0) > least[1]);
  return (isNewer ? asked : least).join('.');
}

/** `example.com/shop/v2` → `shop`. */
const moduleName = (text: string): string | undefined =>
  binaryOf(
    /^module\s+"?([^\s"]+)/m
      .exec(text)?.[1]
      ?.replace(/\/v\d+$/, '')
      .split('/')
      .at(-1),
  );

/** At the top, else the only program of cmd/, else the one of cmd/ that is named like the module, server, web or api. */
function findMain(
  { files, texts }: Repository,
  module: string | undefined,
): { folder: string; name: string } | undefined {
  const atTop = [...files].some((file) => /^[^/]+(?<!_test)\.go$/.test(file) && isMain(texts.get(file)));
  if (atTop) return { folder: '.', name: module ?? 'app' };
  const programs = [...files].flatMap((file) => binaryOf(/^cmd\/([^/]+)\/main\.go$/.exec(file)?.[1]) ?? []);
  const usual = [module, 'server', 'web', 'api', 'app'].find((name) => name !== undefined && programs.includes(name));
  const name = programs.length === 1 ? programs[0] : usual;
  return name === undefined ? undefined : { folder: `./cmd/${name}`, name };
}

const isMain = (text: string | undefined): boolean => /^package main\b/m.test(text ?? '');
