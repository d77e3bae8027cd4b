// Node: servers, and front ends that Node only builds.
import { copy, OWNED, type Stage } from './dockerfile.ts';
import { FILE_SERVER_COMMAND, FILE_SERVER_ENV, FILE_SERVER_PORT } from './file-server.ts';
import { DEVELOPS, findFrontEnd, serveFrontEnd } from './front-end.ts';
import { readJson, sectionOf, textIn, type Section } from './manifests.ts';
import { pathOf } from './names.ts';
import { manifestsToInstall, nodeRange, packageManagerOf, type PackageManager } from './node-packages.ts';
import type { Draft, Language, Repository } from './recipe.ts';
import { pickVersion } from './versions.ts';

/** Majors with an image; the first is taken when nobody asks for one. */
const VERSIONS = ['24', '22', '26', '20', '18'] as const;
const PORT = 3000;

/** The first that is there. `start` of some frameworks is for developing, beside one for production. */
const START_SCRIPTS = ['start:prod', 'start'];
/** What npm itself and habit start when no script says so. */
const ENTRIES = ['server.js', 'index.js', 'index.mjs', 'index.cjs', 'app.js', 'main.js'];
/** What these frameworks build starts like this. */
const FRAMEWORKS: Record<string, string[]> = {
  next: ['node_modules/.bin/next', 'start'],
  nuxt: ['node', '.output/server/index.mjs'],
  '@sveltejs/adapter-node': ['node', 'build'],
  '@astrojs/node': ['node', 'dist/server/entry.mjs'],
  '@nestjs/core': ['node', 'dist/main.js'],
};

export const node: Language = {
  name: 'Node',
  markers: ['package.json'],
  words: ['node', 'npm', 'npx', 'pnpm', 'yarn', 'next'],
  draft(repository, hasProcfile) {
    if (!repository.files.has('package.json')) return undefined;
    const project = new NodeProject(repository);
    return (hasProcfile ? undefined : project.frontEnd()) ?? project.server();
  },
};

class NodeProject {
  readonly #repository: Repository;
  readonly #manifest: Section;
  readonly #scripts: Section;
  readonly #dependencies: Section;
  readonly #manager: PackageManager;
  readonly #version: string;
  readonly #found: string[];

  constructor(repository: Repository) {
    const manifest = readJson(repository, 'package.json');
    const asked = nodeRange(repository, manifest);
    const fitting = pickVersion(asked?.range, VERSIONS);
    this.#repository = repository;
    this.#manifest = manifest;
    this.#scripts = sectionOf(manifest['scripts']);
    this.#dependencies = { ...sectionOf(manifest['devDependencies']), ...sectionOf(manifest['dependencies']) };
    this.#manager = packageManagerOf(repository, manifest);
    this.#version = fitting ?? VERSIONS[0];
    const place = asked ? (fitting === undefined ? `, none fits ${asked.place}` : `, by ${asked.place}`) : '';
    const { name, lock } = this.#manager;
    this.#found = ['package.json', lock === undefined ? name : `${lock} (${name})`, `Node ${this.#version}${place}`];
  }

  /** Undefined when it has a server of its own. */
  frontEnd(): Draft | undefined {
    const start = textIn(this.#scripts, 'start');
    const isServer = start !== undefined && !DEVELOPS.test(start);
    const found = findFrontEnd(this.#repository, this.#dependencies);
    if (isServer || !found || !this.#hasBuild) return undefined;
    return {
      found: [...this.#found, `${found.builder} (builds ${found.folder}/)`],
      stages: [this.#build([]), serveFrontEnd(found)],
      env: FILE_SERVER_ENV,
      port: FILE_SERVER_PORT,
      command: FILE_SERVER_COMMAND,
    };
  }

  server(): Draft {
    const { prune } = this.#manager;
    const command = this.#command();
    return {
      found: this.#found,
      stages: [
        this.#build(prune === undefined ? [] : [prune]),
        {
          image: `node:${this.#version}-slim`,
          lines: [...this.#runtimeSetup, `COPY --from=build ${OWNED} /app /app`, 'WORKDIR /app'],
        },
      ],
      env: { NODE_ENV: 'production', HOME: '/app' },
      port: PORT,
      ...(command && { command }),
      lacks: `package.json, but no start script, no main and none of ${ENTRIES.join(', ')}`,
    };
  }

  get #hasBuild(): boolean {
    return textIn(this.#scripts, 'build') !== undefined;
  }

  /** Everything is run by npm, which reads any package.json; only modern Yarn may need itself to find packages. */
  get #runtimeSetup(): string[] {
    return this.#runsByYarn ? this.#manager.setup : [];
  }

  get #runsByYarn(): boolean {
    return this.#manager.name === 'yarn' && this.#manager.prune === undefined;
  }

  #build(after: string[]): Stage {
    const manifests = manifestsToInstall(this.#repository, this.#manifest, this.#manager);
    const { setup, install, build } = this.#manager;
    const installed = manifests ? [copy(manifests, './'), install, 'COPY . .'] : ['COPY . .', install];
    const built = this.#hasBuild ? [build] : [];
    return {
      image: `node:${this.#version}`,
      name: 'build',
      lines: ['WORKDIR /app', ...setup, ...installed, ...built, ...after],
    };
  }

  #command(): string[] | undefined {
    const script = START_SCRIPTS.find((name) => textIn(this.#scripts, name));
    if (script !== undefined) return [this.#runsByYarn ? 'yarn' : 'npm', 'run', script];
    const framework = Object.keys(FRAMEWORKS).find((name) => Object.hasOwn(this.#dependencies, name));
    if (framework !== undefined && this.#hasBuild) return FRAMEWORKS[framework];
    const entry = this.#entry();
    return entry === undefined ? undefined : ['node', entry];
  }

  /** `main` may be what the build is about to make. */
  #entry(): string | undefined {
    const { files } = this.#repository;
    const main = pathOf(this.#manifest['main']);
    if (main !== undefined && (files.has(main) || this.#hasBuild)) return main;
    return ENTRIES.find((name) => files.has(name));
  }
}
