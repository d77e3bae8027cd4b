// The guides say what is: commands, flags, settings, exit codes and links are compared with the thing itself.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { COMMANDS } from '../../cli/commands.ts';
import { EXIT_CODES } from '../../cli/exit-codes.ts';
import { AGENT_FLAGS, CONTROL_FLAGS, type FlagList } from '../../cli/flags.ts';
import { loadAgentConfig } from '../../agent/config.ts';
import { loadControlConfig } from '../../control/config.ts';
import { loadTemplates } from '../../control/templates/load.ts';
import { runCli } from '../support/cli.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const GUIDES = [
  'README.md',
  ...[
    'cli',
    'deploy',
    'git',
    'ai',
    'rollouts',
    'drift',
    'adopt',
    'images',
    'templates',
    'operating',
    'fleet',
    'stats',
  ].map((name) => `docs/${name}.md`),
];
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

/** `longshore …` as the guides write it: a line of a block, or inline code; without what follows, or is behind `--`. */
function commandLinesOf(text: string): string[] {
  const inBlocks = [...text.matchAll(/^```\w*\n(.*?)^```/gms)].flatMap((match) => (match[1] ?? '').split('\n'));
  const inline = [...text.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');
  const lines = [...inBlocks, ...inline].map((line) => line.trim().replace(/^npx /, ''));
  return lines.filter((line) => line.startsWith('longshore ')).map((line) => line.replace(/ (\|\||--) .*/, ''));
}

/** What `--help` says of the command that these words begin with. */
async function helpOf(t: Test, words: string[]): Promise<string> {
  const said: string[] = [];
  const restore = t.capture(console, 'log', (line: string) => said.push(line)).restore;
  const { stderr } = await runCli([...words, '--help'], { columns: 400 });
  restore();
  return said.join('\n') + stderr;
}

const hasSubcommands = (name: string) =>
  ['hosts', 'services', 'sets', 'jobs', 'templates', 'keys', 'sessions'].includes(name);

void t.test('every command and flag in the guides exists', async (t) => {
  for (const guide of GUIDES) {
    for (const line of commandLinesOf(read(guide))) {
      const [, name = '', ...rest] = line.split(/\s+/);
      if (name === 'COMMAND') continue;
      t.ok(Object.hasOwn(COMMANDS, name) || name === 'completion', `${guide}: ${line}`);
      const path = hasSubcommands(name) ? [name, rest[0] ?? ''] : [name];
      const help = await helpOf(t, path);
      t.match(help, `longshore ${path.join(' ').trim()}`, `${guide}: ${line}`);
      for (const flag of rest.filter((word) => /^--?[a-z]/.test(word))) {
        const shown = flag.replace(/^--no-/, '--').split('=')[0] ?? '';
        t.ok(new RegExp(`(^|[\\s,])${shown}[\\s,]`).test(help), `${guide}: ${flag} of ${line}`);
      }
    }
  }
});

void t.test('docs/cli.md lists the subcommands that there are', async (t) => {
  const listed = [...read('docs/cli.md').matchAll(/^\| `longshore ([\w-]+)( [^|]*)?` ?([^|]*)\|/gm)];
  const names = listed.map((match) => match[1] ?? '');
  t.same(names.toSorted(), [...Object.keys(COMMANDS), 'completion'].toSorted());
  for (const [row, name = ''] of listed.filter((match) => hasSubcommands(match[1] ?? ''))) {
    const written = [...row.matchAll(/`(?:longshore [\w-]+ )?([\w-]+)`/g)].map((match) => match[1]);
    const help = await helpOf(t, [name]);
    const real = [...help.matchAll(new RegExp(`^ {2}longshore ${name} ([\\w-]+)`, 'gm'))].map((match) => match[1]);
    t.same(written, real, name);
  }
});

void t.test('docs/cli.md lists the exit codes that there are', async (t) => {
  const rows = [...read('docs/cli.md').matchAll(/^\| (\d+) \| (.*) \|$/gm)].map((match) => [match[1], match[2]]);
  t.same(
    rows,
    Object.values(EXIT_CODES).map(({ code, meaning }) => [String(code), meaning]),
  );
});

void t.test('docs/templates.md lists the templates that there are', async (t) => {
  const [, table = ''] = /^\| id \|.*\n\|---.*\n((?:\|.*\n)+)/m.exec(read('docs/templates.md')) ?? [];
  const rows = [...loadTemplates().values()].map(({ id, category, tagline }) => `| ${id} | ${category} | ${tagline} |`);
  t.same(table.trim().split('\n'), rows);
});

const GOOD: Record<string, string> = {
  'data-dir': '/tmp',
  listen: '127.0.0.1:1',
  'public-url': 'https://x.example',
  tls: 'auto',
  'base-domain': 'apps.example.com',
  'acme-email': 'ops@example.com',
  'acme-directory': 'internal',
  'edge-image': 'caddy:2',
  'edge-project': 'edge',
  'edge-http-port': '8081',
  'edge-https-port': '8443',
  'dist-dir': '/tmp',
  'log-level': 'warn',
  'rate-limit': '1',
  'rate-limit-anonymous': '1',
  'rate-limit-deploy': '1',
  'trusted-proxy': '10.0.0.0/8',
  'aikit-port': '5000',
  'allow-private-webhooks': '1',
  'allow-file-git': '1',
  'ai-base-url': 'https://api.example.com/v1',
  'ai-model': 'model',
  'ai-api-key-file': fileURLToPath(import.meta.url),
  'oidc-issuer': 'https://id.example',
  'oidc-client-id': 'longshore',
  'oidc-client-secret-file': fileURLToPath(import.meta.url),
  'oidc-scopes': 'openid',
  'oidc-permissions-claim': 'groups',
  'oidc-permissions': 'admins=*',
  'oidc-customer-claim': 'tenant',
  'docker-socket': '/x.sock',
  'reconnect-max': '5',
  'build-image-prefix': 'registry.example.com/mirror/',
  'image-check': '12',
  'build-cache-limit': '5GB',
};

void t.test(
  'control and agent take the flags that help and docs/operating.md name, each with its variable',
  async (t) => {
    const guide = read('docs/operating.md');
    const check = (flags: FlagList) => {
      for (const name of Object.keys(flags)) {
        t.match(guide, `\`--${name}\``);
        t.match(guide, `\`LONGSHORE_${name.toUpperCase().replaceAll('-', '_')}\``);
      }
    };
    check(CONTROL_FLAGS);
    check(AGENT_FLAGS);
    const { token: _, ...agentFlags } = AGENT_FLAGS; // a real one is needed; cli.test.ts gives a bad one
    t.doesNotThrow(() =>
      loadControlConfig(
        Object.keys(CONTROL_FLAGS).map((name) => `--${name}=${GOOD[name]}`),
        {},
      ),
    );
    await t.resolves(
      loadAgentConfig(
        Object.keys(agentFlags).map((name) => `--${name}=${GOOD[name]}`),
        {},
      ),
    );
  },
);

/** The anchors that a page's headings make, as GitHub spells them. */
const anchorsOf = (text: string): Set<string> =>
  new Set(
    [...text.replace(/^```.*?^```/gms, '').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );

void t.test('links of all guides lead somewhere', async (t) => {
  const guides = globSync('{README,CHANGELOG}.md', { cwd: ROOT }).concat(globSync('docs/**/*.md', { cwd: ROOT }));
  for (const guide of guides) {
    for (const [, target = ''] of read(guide).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const page = file === '' ? guide : join(dirname(guide), file);
      t.ok(existsSync(join(ROOT, page)), `${guide} links to ${target}`);
      if (anchor) t.ok(anchorsOf(read(page)).has(anchor), `${guide}: the anchor of ${target}`);
    }
  }
});
