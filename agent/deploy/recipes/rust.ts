// Rust: one program of one package, and the repository's files beside it.
import { copy, installPackages, OWNED, run } from './dockerfile.ts';
import { firstLine, present, readToml, sectionOf, textIn, type Section } from './manifests.ts';
import { binaryOf } from './names.ts';
import type { Draft, Language, Repository } from './recipe.ts';

/** Any release builds what older ones built, so only a toolchain file that names one asks for another. */
const VERSION = '1.88';
const PORT = 8080;
const TOOLCHAINS = ['rust-toolchain.toml', 'rust-toolchain'];

export const rust: Language = {
  name: 'Rust',
  markers: ['Cargo.toml'],
  words: ['cargo'],
  draft(repository) {
    if (!repository.files.has('Cargo.toml')) return undefined;
    const program = findProgram(repository);
    const version = versionOf(repository);
    const locked = repository.files.has('Cargo.lock') ? ['--locked'] : [];
    // Where Cargo itself puts it, so that a Procfile written for Cargo finds it.
    const path = `/app/target/release/${program ?? 'app'}`;
    const only = program === undefined ? [] : ['--bin', program];
    return {
      found: [
        ...present(repository, ['Cargo.toml', 'Cargo.lock']),
        ...(program ? [`program ${program}`] : []),
        `Rust ${version}`,
      ],
      stages: [
        {
          image: `rust:${version}`,
          name: 'build',
          lines: [
            'WORKDIR /app',
            ...fetchFirst(repository),
            'COPY . .',
            run('cargo', 'build', '--release', ...locked, ...only),
          ],
        },
        {
          image: 'debian:trixie-slim',
          lines: [
            installPackages(['ca-certificates', 'openssl']),
            `COPY ${OWNED} . /app`,
            `COPY --from=build ${JSON.stringify([path, path])}`,
            'WORKDIR /app',
          ],
        },
      ],
      port: PORT,
      ...(program && { command: [path] }),
      lacks: 'Cargo.toml, but no program, or several and no default-run',
    } satisfies Draft;
  },
};

/** What it downloads is a layer of its own, where Cargo takes an empty program for the real one. */
function fetchFirst(repository: Repository): string[] {
  const manifest = readToml(repository, 'Cargo.toml');
  const isPlain = ['workspace', 'bin', 'lib', 'bench', 'example', 'test'].every((key) => manifest[key] === undefined);
  const hasPaths = /\bpath\s*=/.test(repository.texts.get('Cargo.toml') ?? '');
  if (!isPlain || hasPaths || !repository.files.has('Cargo.lock')) return [];
  const stub = 'RUN mkdir src && touch src/main.rs src/lib.rs && cargo fetch --locked && rm -r src';
  return [copy(['Cargo.toml', 'Cargo.lock'], './'), stub];
}

/** `default-run`, else the only program of the package, or of the packages of the workspace. */
function findProgram(repository: Repository): string | undefined {
  const folders = [...repository.texts.keys()].flatMap((file) => /^(.*\/)?Cargo\.toml$/.exec(file)?.slice(1, 2) ?? []);
  const top = readToml(repository, 'Cargo.toml');
  const isWorkspace = top['workspace'] !== undefined;
  const places = isWorkspace ? folders.map((folder) => folder ?? '') : [''];
  const programs = places.flatMap((folder) =>
    programsOf(repository, readToml(repository, `${folder}Cargo.toml`), folder),
  );
  const byDefault = binaryOf(textIn(sectionOf(top['package']), 'default-run'));
  return byDefault ?? (programs.length === 1 ? programs[0] : undefined);
}

function programsOf({ files }: Repository, manifest: Section, folder: string): string[] {
  const name = binaryOf(textIn(sectionOf(manifest['package']), 'name'));
  const declared = Array.isArray(manifest['bin']) ? manifest['bin'].map((bin) => binaryOf(sectionOf(bin)['name'])) : [];
  if (declared.length > 0) return declared.filter((one) => one !== undefined);
  const others = [...files].flatMap((file) =>
    file.startsWith(`${folder}src/bin/`)
      ? (binaryOf(/src\/bin\/([^/.]+)(\.rs|\/main\.rs)$/.exec(file)?.[1]) ?? [])
      : [],
  );
  return [...(name !== undefined && files.has(`${folder}src/main.rs`) ? [name] : []), ...others];
}

function versionOf(repository: Repository): string {
  const toolchain = present(repository, TOOLCHAINS)[0] ?? '';
  const channel = textIn(sectionOf(readToml(repository, toolchain)['toolchain']), 'channel');
  const asked = channel ?? firstLine(repository, toolchain) ?? '';
  const [version] = /^1\.\d{2,3}\b/.exec(asked) ?? [];
  return version ?? VERSION;
}
