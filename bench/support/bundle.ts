// The agent as one file, the way a release ships it: what is rarely used stays out of memory, and dockerode's ssh and
// BuildKit sessions, which Longshore never calls, are left out.
import { copyFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** CommonJS dependencies expect these three in an ES module bundle. */
const COMMONJS_NAMES = `import { createRequire as $cr } from 'node:module'; import { fileURLToPath as $fp } from 'node:url';
import { dirname as $dn } from 'node:path'; const require = $cr(import.meta.url), __filename = $fp(import.meta.url), __dirname = $dn(__filename);`;

/** Bundles `entry` with all it imports into a folder with the SQLite addon beside it; returns the path of the program. */
export async function bundleAgent(outDir = join(ROOT, 'dist')): Promise<string> {
  mkdirSync(outDir, { recursive: true });
  const stub = join(ROOT, 'bench/support/absent-package.cjs');
  const http = join(ROOT, 'bench/support/node-http.cjs');
  await build({
    // A thread is a file of its own, which lies beside what starts it.
    entryPoints: { agent: join(ROOT, 'agent/main.ts'), thread: join(ROOT, 'agent/search/thread.ts') },
    outdir: outDir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true, // what is imported late is loaded late
    minifyWhitespace: true, // V8 keeps the source of what it has loaded
    minifySyntax: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    logLevel: 'error',
    alias: { ssh2: stub, '@grpc/grpc-js': stub, '@grpc/proto-loader': stub, protobufjs: stub, 'node:http': http },
    external: ['buffer/'], // hyperid would take it in a browser
    loader: { '.node': 'empty' },
    banner: { js: COMMONJS_NAMES },
  });
  const sqlite = dirname(createRequire(import.meta.url).resolve('better-sqlite3/package.json'));
  copyFileSync(addonOf(sqlite), join(outDir, 'better_sqlite3.node'));
  return join(outDir, 'agent.mjs');
}

const addonOf = (sqlite: string) => join(sqlite, 'prebuilds', `linux-${process.arch}.node`);
