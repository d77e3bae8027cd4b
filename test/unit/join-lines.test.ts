import { spawnSync } from 'node:child_process';
import t from 'tap';
import { parse } from 'yaml';
import { toJoinLines } from '../../control/app/hosts/join-lines.ts';

const PIN = `sha256//${Buffer.alloc(32, 0xfb).toString('base64')}`;
const PUBLIC = { url: 'https://panel.example.com', token: 'lsj_abc-_1', tlsPin: undefined };
const PINNED = { ...PUBLIC, url: 'https://203.0.113.7:8443', tlsPin: PIN };
const PLAIN = { ...PUBLIC, url: 'http://10.0.0.5:8080' };

/** What a shell makes of the line: each program with its arguments, none of them run; those of a pipe speak at once. */
function wordsOf(line: string): string[][] {
  const show =
    'show() { printf "%s\\n" "$(printf "%s\\037" "$@")"; }; curl() { show curl "$@" >&2; }; sudo() { show sudo "$@" >&2; }; ';
  const { stderr } = spawnSync('sh', ['-c', `${show}sh() { show sh "$@" >&2; }; ${line}`], { encoding: 'utf8' });
  const calls = stderr.trim().split('\n').toSorted();
  return calls.map((call) => call.split('\u001f').slice(0, -1));
}

t.test('a line for a terminal: public, pinned, plain', async (t) => {
  t.equal(
    toJoinLines(PUBLIC).command,
    '(curl -fsSL https://panel.example.com/install.sh || echo exit 1) | sudo sh -s -- agent --token lsj_abc-_1',
  );
  t.equal(
    toJoinLines(PINNED).command,
    `(curl -fsSL -k --pinnedpubkey ${PIN} https://203.0.113.7:8443/install.sh || echo exit 1) | sudo sh -s -- agent --token lsj_abc-_1`,
  );
  t.equal(
    toJoinLines(PLAIN).command,
    '(curl -fsSL http://10.0.0.5:8080/install.sh || echo exit 1) | sudo sh -s -- agent --token lsj_abc-_1',
  );
});

t.test('a line for a terminal fails where there is no script to run, or half of one', async (t) => {
  const line = toJoinLines(PUBLIC).command;
  const end = (curl: string) =>
    spawnSync('sh', ['-c', `sudo() { "$@"; }; curl() { ${curl}; }; ${line}`], { encoding: 'utf8' }).status;
  t.equal(end('echo "exit 0"'), 0);
  t.not(end('return 22'), 0);
  t.not(end("printf 'main() {\n  true'; return 18"), 0);
  t.not(end("printf 'main() {\n  true\n}\n\nma'; return 18"), 0);
});

t.test('a shell reads what was meant, whatever the URL holds', async (t) => {
  for (const url of ['https://[2001:db8::7]:8443', "https://x.example/a'b;id", 'https://x.example/$(id)`id`"&|']) {
    t.same(wordsOf(toJoinLines({ ...PINNED, url }).command), [
      ['curl', '-fsSL', '-k', '--pinnedpubkey', PIN, `${url}/install.sh`],
      ['sudo', 'sh', '-s', '--', 'agent', '--token', 'lsj_abc-_1'],
    ]);
  }
});

t.test('user data for cloud-init is YAML of one command', async (t) => {
  for (const joining of [PUBLIC, PINNED, PLAIN]) {
    const { cloudInit } = toJoinLines(joining);
    t.match(cloudInit, /^#cloud-config\n/);
    const { runcmd } = parse(cloudInit) as { runcmd: string[][] };
    t.match(runcmd, [['sh', '-c', /^curl -fsSL/]]);
    const [fetch, install] = wordsOf(runcmd[0]?.[2] ?? '');
    t.match(fetch, ['curl', '-fsSL']);
    t.equal(fetch?.includes(`${joining.url}/install.sh`), true);
    t.equal(fetch?.includes('--pinnedpubkey'), joining === PINNED);
    t.same(install, ['sh', '/run/longshore-install.sh', 'agent', '--token', joining.token]);
  }
});

t.test('the task for Ansible is YAML of one task, runs as root once, and does not show the token', async (t) => {
  for (const joining of [PUBLIC, PINNED, PLAIN, { ...PINNED, url: "https://x.example/it's: {{ #" }]) {
    const [task, ...rest] = parse(toJoinLines(joining).ansible) as Record<string, unknown>[];
    t.same(rest, []);
    t.match(task, { become: true, no_log: true });
    const { cmd, creates } = (task ?? {})['ansible.builtin.shell'] as { cmd: string; creates: string };
    t.equal(creates, '/etc/systemd/system/longshore-agent.service');
    t.same(wordsOf(cmd)[1], ['sh', '/run/longshore-install.sh', 'agent', '--token', joining.token]);
  }
});
