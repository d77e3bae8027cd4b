// Reads manifests without trusting them: what cannot be parsed is as good as empty.
import { parse as parseToml } from 'smol-toml';
import { isMap, type ComposeMap } from '#shared/compose/values.ts';
import { APPLICATION_FILES } from './python-entry.ts';
import type { Repository } from './recipe.ts';

/** A part of a manifest: any map. */
export type Section = ComposeMap;

export const readJson = (repository: Repository, name: string): Section => parsed(repository, name, JSON.parse);

export const readToml = (repository: Repository, name: string): Section => parsed(repository, name, parseToml);

function parsed({ texts }: Repository, name: string, parse: (text: string) => unknown): Section {
  try {
    return sectionOf(parse((texts.get(name) ?? '').replace(/^\uFEFF/, '')));
  } catch {
    return {};
  }
}

export const sectionOf = (value: unknown): Section => (isMap(value) ? value : {});

export const textIn = (section: Section, key: string): string | undefined => {
  const value = section[key];
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
};

/** The first line of a file that holds one value, as `.nvmrc` does. */
export const firstLine = ({ texts }: Repository, name: string): string | undefined =>
  texts.get(name)?.split('\n', 1)[0]?.trim();

/** Those of `names` that are there, in this order. */
export const present = ({ files }: Repository, names: readonly string[]): string[] =>
  names.filter((name) => files.has(name));

/** At the top of the repository. */
const MANIFESTS = new Set([
  'Procfile',
  '.python-version',
  'runtime.txt',
  'requirements.txt',
  'pyproject.toml',
  'manage.py',
  'package.json',
  '.nvmrc',
  '.node-version',
  'pnpm-lock.yaml',
  'yarn.lock',
  'angular.json',
  'vite.config.ts',
  'vite.config.js',
  'vite.config.mjs',
  'go.mod',
  'composer.json',
  'Gemfile',
  '.ruby-version',
  'rust-toolchain',
  'rust-toolchain.toml',
  'system.properties',
  'pom.xml',
  'build.gradle',
  'build.gradle.kts',
  'settings.gradle',
  'settings.gradle.kts',
  ...APPLICATION_FILES,
]);
/** Programs of Go at the top, packages of Rust in a workspace. */
const MANIFEST_PLACES = [/^[^/]+(?<!_test)\.go$/, /^([^/]+\/){0,2}Cargo\.toml$/];

/** Whether a recipe reads this file: all others matter by their names alone. */
export const isManifest = (path: string): boolean =>
  MANIFESTS.has(path) || MANIFEST_PLACES.some((place) => place.test(path));
