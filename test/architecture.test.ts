// The house's rules as data: who may import what, and why. A failure names the file, what it did, and the reason.
// To change a rule change its line here, in the same commit as the code that needs it.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, matchesGlob } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Files of these folders may import only these files of ours. Every line that fits a file holds for it. */
const FOLDERS: [from: string, mayImport: string[], reason: string][] = [
  ['shared/**', ['shared/**'], 'both processes load it'],
  ['agent/**', ['shared/**', 'agent/**'], 'the wire is the only contact'],
  ['control/**', ['shared/**', 'control/**'], 'the wire is the only contact'],
  ['cli/**', ['shared/**', 'cli/**', '{agent,control}/main.ts'], 'the client speaks only the public API'],
  ['control/{db,store}/**', ['shared/**', 'control/{db,store}/**'], 'rows know nothing of who asks for them'],
  ['control/app/**', ['shared/**', 'control/{app,store}/**', 'control/agents/sessions.ts'], 'no cycles, by order'],
  ['control/ai/**', ['shared/**', 'control/ai/**'], 'who asks, and for which job, is the business of control/agents'],
  ['control/oidc/**', ['shared/**', 'control/{app,oidc}/**'], 'it fills one port of the app layer'],
  ['control/dns/**', ['shared/**', 'control/{app,dns}/**'], 'it fills one port of the app layer'],
  [
    'control/{http,dialects,realtime,jobs}/**',
    ['shared/**', 'control/{app,http,dialects,realtime,jobs}/**'],
    'no way around the rules of the app layer',
  ],
  [
    'control/egress/**',
    ['shared/**', 'control/egress/**'],
    'a door for calls outwards knows nothing of who makes them',
  ],
];

/** Only these files may import the package. `bench/` measures from outside and is free. */
const PACKAGES: [name: RegExp, onlyIn: string[], reason: string][] = [
  [/^dockerode$/, ['agent/docker/**'], 'one place to fake, one to version'],
  [
    /^node:child_process$/,
    [
      'agent/docker/**',
      'agent/deploy/git/**',
      'agent/backup/**',
      'control/tls/self-signed.ts',
      'shared/systemd{,-facts}.ts',
      'cli/**',
    ],
    'a child process gets an argv in one of few places, never a shell',
  ],
  [/^node:worker_threads$/, ['agent/search/**'], 'a thread of its own is for what may have to be ended'],
  [
    /^ws$/,
    ['agent/link/connection.ts', 'control/agents/gateway.ts', 'control/{realtime,http}/**', 'cli/**'],
    'limits and auth live there',
  ],
  [
    /^better-sqlite3$/,
    ['control/{db,store}/**', 'agent/state/**', 'shared/sqlite.ts'],
    'rows never leave the store; one place opens files, with the pragmas that make an answer durable',
  ],
  [/^(@?fastify\b.*)$/, ['control/{http,dialects}/**'], 'the app layer is free of transport'],
  [/^diff$/, ['control/app/deploys/unified-diff.ts'], 'one place says how much of a comparison is worth its time'],
  [/^openai\b/, ['control/ai/endpoint.ts'], 'one place to version; its errors may hold the API key and stay there'],
  [/^openid-client$/, ['control/oidc/**'], 'one place to version; its errors hold tokens and stay there'],
  [
    /^smol-toml$/,
    ['control/templates/import/**', 'agent/deploy/recipes/manifests.ts'],
    'one format of imported templates, and the manifests of Python and Rust, are written in it',
  ],
  [/^yargs$/, ['*/config.ts', 'cli/**'], 'configuration is read once'],
  [
    /^node-cron$/,
    ['shared/schedule/cron.ts', 'control/jobs/**'],
    'one place reads cron lines; whoever needs none loads none',
  ],
  [
    /^undici$/,
    ['control/egress/**', '{agent,cli}/**'],
    'what both sides share opens no connection; the control plane calls out through one guarded door',
  ],
  [
    /^ipaddr\.js$/,
    ['shared/address.ts'],
    'one place says which addresses may be called; it is loaded by whoever calls, not at start',
  ],
  [/^standardwebhooks$/, ['control/app/webhooks/**'], 'one place signs'],
  [/^yaml$/, ['shared/compose/**', '{agent,control,cli}/**'], 'the agent loads shared code at once and yaml late'],
  [
    /^(?!node:|pino$|hyperid$|zod$)/,
    ['shared/{compose/**,schedule/cron.ts,sqlite.ts,address.ts}', '{agent,control,cli}/**'],
    'shared code is loaded by both processes and stays lean: pino, hyperid and zod',
  ],
];

/** Decisions without I/O: at run time they import shared code, each other and what only computes. */
const PURE = [
  'agent/deploy/{rendered,from-config,limits,observe,dotenv}.ts',
  'agent/deploy/plan/{plan,diff,downloads,outlook,show-change}.ts',
  'agent/deploy/overlap/{order,stages}.ts',
  'agent/deploy/revisions/origin.ts',
  'agent/deploy/git/{git-faults,lfs-pointer,limits,submodules}.ts',
  'agent/deploy/ai/{describe,hide-secrets}.ts',
  'agent/deploy/recipes/**',
  'agent/docker/{copied-config,live-*,engine,running-exec,exec-output,container-view,usage-view,progress,sealed-setup}.ts',
  'agent/docker/image-name.ts',
  'agent/exec/{choose,masked-output}.ts',
  'agent/images/{challenge,endpoints,manifest,prune-plan,reference,registry-answers,verdict}.ts',
  'agent/drift/{adapt-key,compare,message,show,snapshot}.ts',
  'agent/stats/{counters,cgroup-place,service-sample,moved,news}.ts',
  'agent/stats/history/{slot,layout,downsample}.ts',
  'agent/stats/host/{host-counters,host-news}.ts',
  'agent/backup/{restic-output,faults,contents,retention,dump-plan,archive-rules,volume-map,scratch-service}.ts',
  'agent/backup/folders/{limits,tool-image,volume-folders}.ts',
  'agent/health/{tracker,plan-checks,health-check,probe-result}.ts',
  'agent/healing/{policy,container-policy,faults,record,limits,looks,after-start}.ts',
  'agent/schedule/{aim,due,jitter}.ts',
  'agent/local/{routes,views,event-view,act-budget}.ts',
  'agent/adoption/{finds,from-live,secrets-out}.ts',
  'agent/deploy/adoption/divide.ts',
  'agent/search/{docker-escapes,matcher,scan,sweep}.ts',
  'agent/kept-logs/kept-log.ts',
  'agent/containers/shown.ts',
  'agent/{owner,standing}.ts',
  'agent/ingress/{caddy-config,flaws,slots,status,target}.ts',
  '{agent,control}/doctor/judge.ts',
  'shared/doctor/findings.ts',
  'cli/release/{stamp,strip-elf}.ts',
  'control/ai/prompt.ts',
  'control/app/deploys/review.ts',
  'control/app/log-search/newest.ts',
  'control/dialects/names.ts',
  'control/dialects/*/{log-level,mapping,own-port,status,version,webhook}.ts',
  'control/dialects/phoenix/{health,pages,service-view,task,words}.ts',
  'control/app/containers/pick.ts',
  'control/http/views/published-url.ts',
  'control/app/hosts/{data-of-service,host-name,outage}.ts',
  'control/app/incidents/{losses,mass-disconnect,words}.ts',
  'control/egress/url.ts',
  'control/dns/{wire,tsig}.ts',
  'control/app/dns/{plan,retry}.ts',
  'control/app/domains/{addresses,default-names,dns-check,domain-view,edge-state}.ts',
  'control/http/metrics/{exposition,fleet}.ts',
  'control/app/moves/{fit,plan}.ts',
  'control/app/sets/rollout-plan.ts',
  'control/app/updates/{decide,window}.ts',
  'control/app/upgrades/{select,standing}.ts',
  'control/app/webhooks/{breaker,event-types,patterns,payload,retry,verdict}.ts',
  'shared/{address,serial,stats,storage-standing,time,zoned-time}.ts',
  'shared/release/sums.ts',
  'shared/schedule/next-run.ts',
  'shared/release/version.ts',
  'shared/compose/{policy,paths,values,judge,judge-*}.ts',
];
const COMPUTING = /^(node:(util|crypto|path|zlib)|ipaddr\.js|smol-toml)$/;
const PURE_REASON = 'tested without fakes';

/** This text appears only in these files. */
const WORDS: [text: RegExp, onlyIn: string[], reason: string][] = [
  [/\bprocess\.env\b/, ['*/config.ts', 'cli/**', 'bench/**'], 'configuration is read once'],
  [
    /\bprocess\.(exit\b|exitCode\b|on(ce)?\(\s*'SIG)/,
    ['*/main.ts', 'shared/lifecycle.ts', 'cli/**', 'bench/**'],
    'one way to die',
  ],
  [/\bthrow new Error\(/, ['bench/**'], 'errors have codes from one table: throw a LongshoreError'],
  [
    /import \{ z \} from 'zod'/,
    ['control/**', 'cli/**'],
    "say `import * as z`: the agent's bundle would hold zod's messages in every language",
  ],
  [/\bshell: *true\b|\bexec(File)?Sync\(|\{[^}]*\bexec\b[^}]*\} from 'node:child_process'/, [], 'no shell, ever'],
];

/** Packages that an agent loads when it first needs them. */
const LATE = /^(dockerode|ipaddr\.js|node-cron|smol-toml|systeminformation|undici|yaml|yargs)$/;
const LATE_REASON = 'an agent at rest holds what it has loaded in memory: import it where it is used';

const PATTERN_FOLDERS = ['utils', 'helpers', 'common', 'managers', 'controllers', 'models'];

type Import = { specifier: string; file?: string; typeOnly: boolean; isLate?: true };
type Source = { path: string; code: string; imports: Import[] };

const sources = globSync('{agent,control,shared,cli,bench}/**/*.ts', { cwd: ROOT }).toSorted().map(readSource);

t.test('a folder imports only what lies below it', async (t) => {
  report(t, (fail) => {
    for (const [from, mayImport, reason] of FOLDERS) {
      for (const { path, imports } of sources.filter(within([from]))) {
        for (const { file } of imports) {
          if (file && file !== 'package.json' && !matches(file, mayImport)) fail(path, `imports ${file}`, reason);
        }
      }
    }
  });
});

t.test('a package is imported only where it is fenced in', async (t) => {
  report(t, (fail) => {
    for (const [name, onlyIn, reason] of PACKAGES) {
      for (const { path, imports } of sources.filter(without([...onlyIn, 'bench/**']))) {
        for (const { file, specifier } of imports)
          if (!file && name.test(specifier)) fail(path, `imports ${specifier}`, reason);
      }
    }
  });
});

t.test('decisions import no I/O', async (t) => {
  report(t, (fail) => {
    for (const { path, imports } of sources.filter(within(PURE))) {
      for (const { file, specifier, typeOnly } of imports) {
        if (!typeOnly && !COMPUTING.test(specifier) && !(file && matches(file, ['shared/**', ...PURE])))
          fail(path, `imports ${specifier}`, PURE_REASON);
      }
    }
  });
});

t.test('an agent at rest has not loaded what it may never need', async (t) => {
  report(t, (fail) => {
    for (const { path, imports } of loadedAtStart('agent/main.ts')) {
      for (const { specifier } of imports.filter(isAtStart))
        if (LATE.test(specifier)) fail(path, `loads ${specifier} at start`, LATE_REASON);
    }
  });
});

t.test('no imports go in a circle', async (t) => {
  report(t, (fail) => {
    for (const circle of circles())
      fail(circle[0] ?? '', `imports itself: ${circle.join(' → ')}`, 'what can be read alone can be tested alone');
  });
});

t.test('some words belong to some files', async (t) => {
  report(t, (fail) => {
    for (const [text, onlyIn, reason] of WORDS) {
      for (const { path, code } of sources.filter(without(onlyIn))) {
        const found = text.exec(code);
        if (found) fail(path, `says \`${found[0].replace(/\s+/g, ' ')}\``, reason);
      }
    }
  });
});

t.test('what runs in a test has a folder that goes last', async (t) => {
  const [running, own] = [
    ['agent', 'docker', 'e2e', 'support'],
    ['support/folder.ts', 'support/small-disk.ts'],
  ];
  const paths = globSync(`test/{${running.join()}}/**/*.ts`, { cwd: ROOT, exclude: own.map((file) => `test/${file}`) });
  report(t, (fail) => {
    for (const path of paths.toSorted()) {
      const found = /\btestdir\(({})?\)|\btestdirName\b|\bmkdtempSync\(/.exec(readSource(path).code);
      if (found) fail(path, `says \`${found[0]}\``, 'such a folder goes too early, or stays: say makeFolder');
    }
  });
});

t.test('folders name a subject, never a pattern', async (t) => {
  report(t, (fail) => {
    for (const { path } of sources) {
      const folder = dirname(path)
        .split('/')
        .find((name) => PATTERN_FOLDERS.includes(name));
      if (folder) fail(path, `lies in ${folder}/`, 'such a folder collects what nobody owns');
    }
  });
});

t.test('the reader of imports sees each form', async (t) => {
  const code = `
    import a from 'a';
    import { b,
      c } from "b";
    import type { D } from './d.ts';
    import 'e';
    export * from '#shared/f.ts';
    export type { G } from '../g.ts';
    const h = await import('h/sub');
    // import x from 'x';
    /* import y from 'y'; */
    export const from = 'z';
  `;
  t.strictSame(readImports('agent/link/it.ts', code), [
    { specifier: 'a', typeOnly: false },
    { specifier: 'b', typeOnly: false },
    { specifier: './d.ts', file: 'agent/link/d.ts', typeOnly: true },
    { specifier: 'e', typeOnly: false },
    { specifier: '#shared/f.ts', file: 'shared/f.ts', typeOnly: false },
    { specifier: '../g.ts', file: 'agent/g.ts', typeOnly: true },
    { specifier: 'h/sub', typeOnly: false, isLate: true },
  ]);
});

function report(t: Test, check: (fail: (path: string, fault: string, reason: string) => void) => void): void {
  const faults: string[] = [];
  check((path, fault, reason) => faults.push(`${path} ${fault}: ${reason}`));
  t.strictSame(faults, []);
}

function readSource(path: string): Source {
  const code = withoutComments(readFileSync(join(ROOT, path), 'utf8'));
  return { path, code, imports: readImports(path, code) };
}

/** Good enough for our own formatted code: a `//` inside a string is followed by no space and led by no space. */
function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

function readImports(path: string, code: string): Import[] {
  const statement =
    /^\s*(?:import|export)\s+(type\s)?(?:[^'"`;=]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;
  return [...withoutComments(code).matchAll(statement)].map(([, type, named, dynamic]) => {
    const specifier = named ?? dynamic ?? '';
    const file = resolve(path, specifier);
    return { specifier, ...(file && { file }), typeOnly: Boolean(type), ...(dynamic && { isLate: true as const }) };
  });
}

/** The file of ours that is meant, relative to the root; undefined for a package. */
function resolve(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('#')) return specifier.slice(1);
  return specifier.startsWith('.') ? join(dirname(path), specifier) : undefined;
}

const isAtStart = ({ typeOnly, isLate }: Import): boolean => !typeOnly && !isLate;

/** All that the file imports, and what that imports, when a process begins with it. */
function loadedAtStart(entry: string, found = new Set<Source>()): Set<Source> {
  const source = sources.find(({ path }) => path === entry);
  if (!source || found.has(source)) return found;
  found.add(source);
  for (const { file } of source.imports.filter(isAtStart)) if (file) loadedAtStart(file, found);
  return found;
}

function circles(): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const walk = (path: string, trail: string[]) => {
    if (trail.includes(path)) found.push([...trail.slice(trail.indexOf(path)), path]);
    if (trail.includes(path) || done.has(path)) return;
    for (const { file } of byPath.get(path)?.imports ?? []) if (file) walk(file, [...trail, path]);
    done.add(path);
  };
  for (const { path } of sources) walk(path, []);
  return found;
}

function matches(path: string, globs: string[]): boolean {
  return globs.some((glob) => matchesGlob(path, glob));
}

function within(globs: string[]): (source: Source) => boolean {
  return ({ path }) => matches(path, globs);
}

function without(globs: string[]): (source: Source) => boolean {
  return ({ path }) => !matches(path, globs);
}
