// `install.sh agent`, `control` and `uninstall` as far as they only look: a dry run changes nothing and still says why a
// host would not connect, the one most likely cause by an exit code of its own. Real hosts: test/fleet.
import { createServer as createPlain, type RequestListener, type Server } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { formatJoinToken, createJoinSecret } from '#shared/protocol/identity.ts';
import { ensureSelfSigned } from '../control/tls/self-signed.ts';
import { systemClock } from '#shared/time.ts';
import { makeFolder } from './support/folder.ts';
import { INSTALL, NEW_DOCKER, run, watchedMachine, type Programs } from './support/installer.ts';

const NO_DOCKER = { docker: 'exit 1' };
const DAY_MS = 86_400_000;
const healthy: RequestListener = (_request, response) => response.end('ok');

const tokenOf = (url: string, tlsPin?: string): string =>
  formatJoinToken({
    url,
    tokenId: 'jtk_1',
    secret: createJoinSecret(),
    controlPin: createJoinSecret(),
    ...(tlsPin !== undefined && { tlsPin }),
  });

async function listen(t: Test, server: Server, scheme: string): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const plain = (t: Test, answer = healthy) => listen(t, createPlain(answer), 'http');

async function secure(t: Test, answer = healthy) {
  const { certFile, keyFile } = await ensureSelfSigned(makeFolder(t, 'tls'), ['127.0.0.1'], systemClock);
  const cert = readFileSync(certFile);
  const url = await listen(t, createSecure({ cert, key: readFileSync(keyFile) }, answer), 'https');
  const spki = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  return { url, pin: `sha256//${createHash('sha256').update(spki).digest('base64')}` };
}

const agent = (t: Test, ...flags: string[]) => agentWhere(t, NEW_DOCKER, ...flags);

const agentWhere = (t: Test, programs: Programs, ...flags: string[]) =>
  run(INSTALL, ['agent', '--dry-run', ...flags], watchedMachine(t, programs));

t.test('a dry run names each step and changes nothing', async (t) => {
  const url = await plain(t);
  const { exitCode, stderr } = await agent(t, '--token', tokenOf(url));
  t.equal(exitCode, 0, stderr);
  t.notMatch(stderr, /CHANGED/);
  const steps = [
    new RegExp(`would take the release for linux-(x64|arm64) from ${url}/dist`),
    /would run: install -d -m 700 -o longshore -g longshore \/var\/lib\/longshore/,
    /would unpack it into \/opt\/longshore\/releases/,
    /would write: \/etc\/longshore\/agent\.token/,
    /would install the units longshore-agent longshore-upgrade/,
    /would run: systemctl enable --quiet longshore-agent\.service/,
    /would run: systemctl restart longshore-agent\.service/,
  ];
  const places = steps.map((step) => stderr.search(step));
  t.notOk(places.includes(-1), stderr);
  t.strictSame(
    places,
    places.toSorted((a, b) => a - b),
  );
});

t.test('the token may come by the environment, where no list of processes shows it', async (t) => {
  const env = { ...watchedMachine(t, NO_DOCKER), LONGSHORE_TOKEN: tokenOf(await plain(t)) };
  t.match(await run(INSTALL, ['agent', '--dry-run'], env), { exitCode: 8, stderr: /no Docker Engine answers/ });
});

t.test('no token, or half of one, is told before anything else', async (t) => {
  t.match(await agent(t), { exitCode: 2, stderr: /agent needs --token/ });
  t.match(await agent(t, '--token', tokenOf('http://127.0.0.1').slice(0, 20)), {
    exitCode: 7,
    stderr: /not a whole join token/,
  });
  t.match(await agent(t, tokenOf('http://127.0.0.1')), { exitCode: 2, stderr: /goes behind --token/ });
});

t.test('a token is never printed', async (t) => {
  const token = tokenOf(await plain(t));
  for (const flags of [['--token', token], [token], ['--token', token, token]]) {
    const { stdout, stderr } = await agent(t, ...flags);
    t.notMatch(stdout + stderr, token);
  }
});

t.test('the one most likely cause, by its own exit code, and the way out', async (t) => {
  const other = await secure(t);
  const stranger = await plain(t, (_request, response) => response.writeHead(404).end());
  const cases: [name: string, token: string, exitCode: number, says: RegExp][] = [
    ['nobody answers', tokenOf('http://127.0.0.1:1'), 4, /nobody answers at .*\n {2}way out: .*firewall/],
    ['somebody else answers', tokenOf(stranger), 4, /not as a Longshore/],
    ['nobody vouches for it', tokenOf(other.url), 5, /is not trusted here .*\n {2}way out: .*authority/],
    ['another key', tokenOf((await secure(t)).url, other.pin), 5, /another key than the one this line was made for/],
  ];
  for (const [name, token, exitCode, says] of cases) {
    const outcome = await agent(t, '--token', token);
    t.match(outcome, { exitCode, stderr: says }, name);
    t.notMatch(outcome.stderr, /would/, 'and nothing would be done');
  }
});

t.test('a name without an address is a matter of DNS', async (t) => {
  const token = tokenOf('http://panel.example.com');
  const outcome = await agentWhere(t, { ...NEW_DOCKER, curl: 'exit 6' }, '--token', token);
  t.match(outcome, {
    exitCode: 3,
    stderr: /no address is known here for http:\/\/panel\.example\.com\n {2}way out: .*DNS/,
  });
});

t.test('a certificate that is not valid because of the clock is a matter of the clock', async (t) => {
  const { url, pin } = await secure(t, (_request, response) => {
    response.writeHead(200, { date: new Date(Date.now() + 400 * DAY_MS).toUTCString() }).end();
  });
  t.match(await agent(t, '--token', tokenOf(url)), { exitCode: 6, stderr: /clock .* 345\d{5} s away/ });
  t.match(await agent(t, '--token', tokenOf(url, pin)), { exitCode: 0, stderr: /check NTP/ }, 'a pin does not expire');
});

t.test('a date that is none says nothing of the clock', async (t) => {
  const url = await plain(t, (_request, response) => response.writeHead(200, { date: 'soon' }).end());
  t.match(await agent(t, '--token', tokenOf(url)), { exitCode: 0, stderr: /would take the release/ });
});

t.test('the pinned key is enough', async (t) => {
  const { url, pin } = await secure(t);
  t.match(await agent(t, '--token', tokenOf(url, pin)), { exitCode: 0 });
});

t.test('Docker is installed where that is asked for', async (t) => {
  const env = watchedMachine(t, NO_DOCKER);
  const token = tokenOf(await plain(t));
  const { exitCode, stderr } = await run(INSTALL, ['agent', '--dry-run', '--with-docker', '--token', token], env);
  t.equal(exitCode, 0, stderr);
  t.match(stderr, /would run: .*install -y/);
  t.notMatch(stderr, /CHANGED/);
});

t.test('control and uninstall name their steps and change nothing', async (t) => {
  const env = watchedMachine(t, NO_DOCKER);
  for (const [args, says] of [
    [
      ['control', '--domain', 'panel.example.com'],
      /would write: \/etc\/longshore\/control\.env[\s\S]*would install the units longshore-control/,
    ],
    [['uninstall'], /would run: rm -rf \/opt\/longshore \/usr\/local\/bin\/longshore/],
    [
      ['uninstall', '--purge'],
      /would run: rm -rf \/etc\/longshore \/var\/lib\/longshore \/var\/lib\/longshore-control/,
    ],
  ] as const) {
    const { exitCode, stderr } = await run(INSTALL, ['--dry-run', ...args], env);
    t.equal(exitCode, 0, stderr);
    t.match(stderr, says);
    t.notMatch(stderr, /CHANGED/);
  }
});

/** Functions of one of its parts, after what a test has put in place of others. */
const inPart = (part: string, script: string) =>
  run('sh', ['-euc', `ETC=/nowhere; . "$1"; ${script}`, 'sh', join(dirname(INSTALL), 'cli/install', part)]);

t.test('without --domain the URL has an address of the machine, whatever it is', async (t) => {
  const urlOf = (known: string, routes: string) =>
    inPart(
      'settings.sh',
      `has() { :; }; setting() { echo '${known}'; }; ip() { ${routes}; }
       DOMAIN='' TLS=auto LISTEN=0.0.0.0:8443 public_url`,
    );
  const v4 = 'echo "192.0.2.1 via 10.0.0.1 dev eth0 src 10.0.0.7 uid 0"';
  const v6 = '[ "$1" = -6 ] || return 2; echo "2001:db8:: from :: via fe80::1 dev eth0 src 2a01:4f8::7 metric 9"';
  t.match(await urlOf('', v4), { exitCode: 0, stdout: 'https://10.0.0.7:8443' });
  t.match(await urlOf('', v6), { exitCode: 0, stdout: 'https://[2a01:4f8::7]:8443' });
  t.match(await urlOf('https://[2a01:4f8::7]:9443', v4), { stdout: 'https://[2a01:4f8::7]:8443' });
  t.match(await urlOf('https://panel.example.com', v4), { stdout: 'https://panel.example.com:8443' });
});

t.test('a release is judged by the Node that is installed, where there is one', async (t) => {
  const root = makeFolder(t, 'judge');
  const put = (folder: string, exitCode: number) => {
    mkdirSync(join(root, folder, 'bin'), { recursive: true });
    writeFileSync(join(root, folder, 'bin/node'), `#!/bin/sh\nexit ${exitCode}\n`, { mode: 0o755 });
  };
  const judged = () => inPart('release.sh', `ROOT='${root}'; signed_by_node '${root}/unpacked'`);
  put('unpacked', 0);
  t.match(await judged(), { exitCode: 0 });
  put('current', 1);
  t.match(await judged(), { exitCode: 1 });
});

t.test('flags that are wrong are named', async (t) => {
  for (const flag of ['--token', '--proxy'])
    t.match(await agent(t, flag), { exitCode: 2, stderr: new RegExp(`${flag} needs a value`) });
  t.match(await agent(t, '--fast'), { exitCode: 2, stderr: /agent takes no "--fast"/ });
  t.match(await run(INSTALL, ['control', '--tls'], watchedMachine(t, {})), {
    exitCode: 2,
    stderr: /--tls needs a value/,
  });
  for (const flags of ['--listen 8443x', '--tls maybe', '--tls /no/cert,/no/key', '--speed 5'])
    t.match(await run(INSTALL, ['control', ...flags.split(' ')], watchedMachine(t, {})), { exitCode: 2 }, flags);
  t.match(await run(INSTALL, ['uninstall', '--all'], watchedMachine(t, {})), {
    exitCode: 2,
    stderr: /uninstall takes no "--all"/,
  });
});

t.test('docs/fleet.md names the exit codes that there are', async (t) => {
  const guide = readFileSync(new URL('../docs/fleet.md', import.meta.url), 'utf8');
  const named = [...guide.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  const own = [...readFileSync(INSTALL, 'utf8').matchAll(/\bE_[A-Z]+=(\d+)/g)].map(([, code]) => Number(code));
  t.strictSame(
    named.toSorted((a, b) => a - b),
    [1, 2, ...own],
  );
});
