// Our sources and the packages they use as ES modules that need no node_modules. The agent and the command line are
// bundled apart: the agent keeps out of memory what control needs.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type BuildOptions, type Plugin } from 'esbuild';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** CommonJS dependencies load Node's own modules so. */
const REQUIRE = `import { createRequire as $cr } from 'node:module'; const require = $cr(import.meta.url);`;
/** And know where they lie; unlike names of our own these meet no other declaration. */
const PLACE = { __dirname: 'import.meta.dirname', __filename: 'import.meta.filename' };

const ABSENT = fileURLToPath(new URL('absent-package.cjs', import.meta.url));
const NODE_HTTP = fileURLToPath(new URL('node-http.cjs', import.meta.url));

/** dockerode's sessions over ssh and with BuildKit, which nobody here starts. */
const NEVER_CALLED = { ssh2: ABSENT, '@grpc/grpc-js': ABSENT, '@grpc/proto-loader': ABSENT, protobufjs: ABSENT };

/** An error shows the line of source where it arose: not all of the program. */
const LINE_COLUMNS = 200;

export interface BundleOptions {
  /** The checkout. */
  root: string;
  /** What the programs say they are. */
  version: string;
  outDir: string;
}

const optionsFor = ({ root, version, outDir }: BundleOptions): BuildOptions => ({
  absWorkingDir: root, // names of files in the output are relative to it
  outdir: outDir,
  plugins: [sayVersion(root, version)],
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true, // what is imported late is loaded late
  platform: 'node',
  target: 'node24',
  format: 'esm',
  logLevel: 'error',
  legalComments: 'none', // licenses.ts has them whole
  external: ['buffer/'], // hyperid would take it in a browser
  loader: { '.node': 'empty' },
  banner: { js: REQUIRE },
  define: PLACE,
});

/** Our package.json, of which programs want the version only. */
const sayVersion = (root: string, version: string): Plugin => ({
  name: 'version',
  setup(host) {
    const ours = join(root, 'package.json');
    host.onLoad({ filter: /package\.json$/ }, ({ path }) =>
      path === ours ? { contents: JSON.stringify({ version }), loader: 'json' } : undefined,
    );
  },
});

/** Writes agent.mjs and thread.mjs into the folder, with what they share. */
export async function bundleAgent(options: BundleOptions): Promise<string[]> {
  const { metafile } = await build({
    ...optionsFor(options),
    // A thread is a file of its own, which lies beside what starts it.
    entryPoints: { agent: join(options.root, 'agent/main.ts'), thread: join(options.root, 'agent/search/thread.ts') },
    chunkNames: 'agent-[hash]',
    metafile: true,
    minifyWhitespace: true, // V8 keeps the source of what it has loaded
    minifySyntax: true,
    lineLimit: LINE_COLUMNS,
    alias: { ...NEVER_CALLED, 'node:http': NODE_HTTP },
  });
  return Object.keys(metafile.inputs);
}

/** Writes longshore.mjs: the command line with control and agent. Its agent starts the thread that `bundleAgent` wrote. */
export async function bundleCli(options: BundleOptions): Promise<string[]> {
  const { metafile } = await build({
    ...optionsFor(options),
    entryPoints: { longshore: join(options.root, 'cli/main.ts') },
    chunkNames: 'longshore-[hash]',
    metafile: true,
    alias: NEVER_CALLED,
  });
  return Object.keys(metafile.inputs);
}
