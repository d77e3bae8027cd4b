// Front ends written in Node: built to a folder of files, then served by a web server instead of Node.
import { fileServer } from './file-server.ts';
import { readJson, sectionOf, textIn, type Section } from './manifests.ts';
import { pathOf } from './names.ts';
import type { Repository } from './recipe.ts';
import type { Stage } from './dockerfile.ts';

interface FrontEnd {
  /** The package that builds it. */
  builder: string;
  folder: string;
  /** Whether its routes live in the browser: every path answers with its index.html. */
  isSinglePage: boolean;
}

/** The first one that a repository depends on counts: those that build on another one stand before it. */
const FRONT_ENDS: FrontEnd[] = [
  { builder: '@docusaurus/core', folder: 'build', isSinglePage: false },
  { builder: 'gatsby', folder: 'public', isSinglePage: false },
  { builder: '@11ty/eleventy', folder: '_site', isSinglePage: false },
  { builder: 'astro', folder: 'dist', isSinglePage: false },
  { builder: '@sveltejs/adapter-static', folder: 'build', isSinglePage: true },
  { builder: 'react-scripts', folder: 'build', isSinglePage: true },
  { builder: '@vue/cli-service', folder: 'dist', isSinglePage: true },
  { builder: '@angular/cli', folder: 'dist', isSinglePage: true },
  { builder: 'vite', folder: 'dist', isSinglePage: true },
  { builder: 'parcel', folder: 'dist', isSinglePage: false },
];
/** With one of these the result needs a server of its own. */
const SERVERS = ['@astrojs/node', '@sveltejs/kit', 'express', 'fastify', '@nestjs/core', 'next', 'nuxt'];
const VITE_CONFIGS = ['vite.config.ts', 'vite.config.js', 'vite.config.mjs'];

/** A start script that only serves while one develops says nothing about how to run it. */
export const DEVELOPS =
  /\b(vite(?! build|[\w-])|react-scripts start|ng s(erve)?|astro (dev|preview|start)|vue-cli-service serve|parcel(?![\w-])|gatsby (develop|serve|start)|docusaurus (start|serve)|eleventy --serve)\b/;

export function findFrontEnd(repository: Repository, dependencies: Section): FrontEnd | undefined {
  const found = FRONT_ENDS.find(({ builder }) => Object.hasOwn(dependencies, builder));
  const isServed = SERVERS.some((name) => Object.hasOwn(dependencies, name));
  if (!found || (isServed && found.builder !== '@sveltejs/adapter-static')) return undefined;
  return { ...found, folder: folderOf(repository, found) };
}

function folderOf(repository: Repository, { builder, folder }: FrontEnd): string {
  if (builder === '@angular/cli') return angularFolder(repository) ?? folder;
  if (builder !== 'vite') return folder;
  const config = VITE_CONFIGS.map((name) => repository.texts.get(name)).find((text) => text !== undefined);
  return pathOf(/\boutDir:\s*['"]([^'"\n]+)['"]/.exec(config ?? '')?.[1]) ?? folder;
}

/** `dist/<project>`, and below it `browser` since Angular's builder is `application`. */
function angularFolder(repository: Repository): string | undefined {
  const [name, project] = Object.entries(sectionOf(readJson(repository, 'angular.json')['projects']))[0] ?? [];
  const { architect, targets } = sectionOf(project);
  const build = sectionOf(sectionOf(architect ?? targets)['build']);
  const options = sectionOf(build['options']);
  const folder = pathOf(textIn(options, 'outputPath') ?? `dist/${name ?? ''}`);
  const isNested = textIn(build, 'builder')?.endsWith(':application') === true;
  return folder !== undefined && isNested ? `${folder}/browser` : folder;
}

export const serveFrontEnd = ({ folder, isSinglePage }: FrontEnd): Stage =>
  fileServer(`--from=build ${JSON.stringify([`/app/${folder}`, '/srv'])}`, isSinglePage);
