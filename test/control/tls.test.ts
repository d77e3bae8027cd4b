// TLS of the control plane: real sockets, real files, real curl.
import { spawnSync, execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { Scope } from '#shared/lifecycle.ts';
import { silentLogger } from '#shared/log.ts';
import { parseJoinToken } from '#shared/protocol/identity.ts';
import { systemClock } from '#shared/time.ts';
import { tlsPinOf } from '#shared/tls-pin.ts';
import { loadControlConfig, startControl } from '../../control/main.ts';
import { isVouchedFor, loadCertificate } from '../../control/tls/certificate.ts';
import { startTls } from '../../control/tls/tls.ts';
import { Authority } from '../support/certificates.ts';
import { ADMIN } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';
import { TestSocket } from '../support/http-server.ts';
import { ManualClock } from '../support/manual-clock.ts';

t.beforeEach((t) => t.teardown(() => undefined));

async function start(t: Test, dir: string, flags: string[]) {
  const scope = new Scope(silentLogger());
  t.teardown(() => scope.stop());
  const config = loadControlConfig(['--data-dir', dir, '--listen', '127.0.0.1:0', ...flags], {});
  const control = await startControl(config, { clock: systemClock, log: silentLogger() }, scope);
  return { control, scope, key: readFileSync(control.adminKeyFile, 'utf8').trim() };
}

/** As the printed line calls it; what it printed, or curl's exit code. */
async function curl(...args: string[]): Promise<string | number> {
  const run = promisify(execFile)('curl', ['-sS', '--noproxy', '*', '--max-time', '20', ...args]);
  return await run.then(({ stdout }) => stdout).catch((error: { code: number }) => error.code);
}

const certificateIn = (dir: string) => new X509Certificate(readFileSync(join(dir, 'tls-cert.pem')));
const OTHER_PIN = `sha256//${Buffer.alloc(32).toString('base64')}`;

t.test('auto: one key, one certificate, everything over it', async (t) => {
  const dir = makeFolder(t, 'control');
  const aikitPort = await freePort();
  const { control, scope, key } = await start(t, dir, ['--tls', 'auto', '--aikit-port', `${aikitPort}`]);
  const pin = control.tlsPin ?? '';

  await t.test('curl gets in by the pin, and by no other', async (t) => {
    t.match(control.url, /^https:/);
    t.equal(await curl('-k', '--pinnedpubkey', pin, `${control.url}/healthz`), '{"status":"ok"}');
    t.equal(
      await curl('-k', '--pinnedpubkey', OTHER_PIN, `${control.url}/healthz`),
      90,
      'CURLE_SSL_PINNEDPUBKEYNOTMATCH',
    );
    t.equal(await curl(`${control.url}/healthz`), 60, 'CURLE_PEER_FAILED_VERIFICATION');
    t.equal(await curl('--cacert', join(dir, 'tls-cert.pem'), `${control.url}/healthz`), '{"status":"ok"}');
  });

  await t.test('also the port of AIKit and WebSockets', async (t) => {
    const answer = await curl(
      '-k',
      '--pinnedpubkey',
      pin,
      '-o',
      '/dev/null',
      '-w',
      '%{http_code}',
      `https://127.0.0.1:${aikitPort}/api/health`,
    );
    t.match(answer, /^[24]\d\d$/);
    const url = `${control.url.replace('https', 'wss')}/api/ws?api_key=${key}`;
    const socket = new TestSocket(new WebSocket(url, { ca: readFileSync(join(dir, 'tls-cert.pem')) }));
    t.equal(await socket.opened, true);
    socket.ws.terminate();
  });

  await t.test('nothing below TLS 1.2, and plain bytes get an end', async (t) => {
    const { port } = new URL(control.url);
    for (const [version, isTaken] of [
      ['1.1', false],
      ['1.2', true],
      ['1.3', true],
    ] as const) {
      const answer = await curl('-k', `--tlsv${version}`, '--tls-max', version, `${control.url}/healthz`);
      t.equal(answer === '{"status":"ok"}', isTaken, `TLS ${version}`);
    }
    const plain = connectTcp(Number(port), '127.0.0.1');
    plain.on('error', () => undefined).write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
    plain.resume();
    await once(plain, 'close');
  });

  await t.test('the key is for its owner, the certificate for the names of this machine', async (t) => {
    t.equal(statSync(join(dir, 'tls-key.pem')).mode & 0o777, 0o600);
    const certificate = certificateIn(dir);
    t.equal(tlsPinOf(certificate), pin);
    t.equal(certificate.checkIP('127.0.0.1'), '127.0.0.1');
    t.equal(certificate.checkHost('localhost'), 'localhost');
    t.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
    t.ok(certificate.validToDate.getTime() - Date.now() > 9 * 365 * 86_400_000);
    t.equal(certificate.ca, false);
  });

  await t.test('a token and its line carry the pin', async (t) => {
    const made = await control.app.joinTokens.create(ADMIN, {});
    t.equal(parseJoinToken(made.token).tlsPin, pin);
    t.match(made, { url: control.url, tlsPin: pin });
    t.ok(made.command.startsWith(`(curl -fsSL -k --pinnedpubkey ${pin} ${control.url}/install.sh || `), made.command);
    t.match(parseJoinToken(await control.createLocalJoinToken()), { url: control.url, tlsPin: pin });
  });

  await t.test('over a restart both stay; a new name makes a new certificate over the same key', async (t) => {
    const { fingerprint256 } = certificateIn(dir);
    await scope.stop();
    const again = await start(t, dir, ['--tls', 'auto']);
    t.equal(again.control.tlsPin, pin);
    t.equal(certificateIn(dir).fingerprint256, fingerprint256);
    await again.scope.stop();
    const moved = await start(t, dir, ['--tls', 'auto', '--public-url', 'https://panel.example.com']);
    t.equal(moved.control.tlsPin, pin);
    t.equal(certificateIn(dir).checkHost('panel.example.com'), 'panel.example.com');
  });
});

t.test(
  'own files that cannot be used end the start with 78 and name the setting, the file and the fault',
  async (t) => {
    const dir = makeFolder(t, 'control');
    const authority = new Authority(join(dir, 'ca'));
    const [one, two] = [authority.issue(['localhost']), authority.issue(['localhost'])];
    writeFileSync(join(dir, 'text.pem'), 'no certificate');
    const bad: [string, string, RegExp][] = [
      [join(dir, 'none.pem'), one.keyFile, /setting tls: ".*none\.pem" cannot be used: ENOENT/],
      [join(dir, 'text.pem'), one.keyFile, /text\.pem" holds no certificate/],
      [one.certFile, one.certFile, /cannot be used/],
      [one.certFile, two.keyFile, /is not the key of the certificate in/],
    ];
    for (const [certFile, keyFile, message] of bad) {
      const started = start(t, makeFolder(t, 'control'), ['--tls', `${certFile},${keyFile}`]);
      await t.rejects(started, { code: 'config_invalid', message });
    }
    const cli = join(import.meta.dirname, '../../cli/main.ts');
    const args = [
      'control',
      '--listen',
      '127.0.0.1:0',
      '--data-dir',
      join(dir, 'data'),
      '--tls',
      `${one.certFile},${two.keyFile}`,
    ];
    const { status, stderr } = spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8' });
    t.equal(status, 78);
    t.match(stderr, /setting tls/);
  },
);

t.test('settings that contradict each other are refused', async (t) => {
  const flags = ['--tls', 'auto', '--public-url', 'http://panel.example.com'];
  t.throws(() => loadControlConfig(flags, {}), { code: 'config_invalid', message: /public-url must be https/ });
  t.throws(() => loadControlConfig(['--tls', 'on'], {}), { code: 'config_invalid', message: /--tls is "on"/ });
  for (const url of ["https://x/'$(id)", 'https://x/?a', 'https://a:b@x', 'https://x/a;id'])
    t.throws(
      () => loadControlConfig(['--public-url', url], {}),
      { code: 'config_invalid', message: /--public-url/ },
      url,
    );
});

/** A server of these files, and what it shows to whoever comes next. */
async function shown(t: Test, files: { certFile: string; keyFile: string }, authority?: Authority) {
  const scope = new Scope(silentLogger());
  t.teardown(() => scope.stop());
  const clock = new ManualClock();
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const authorities = () => (authority ? [authority.pem] : []);
  const config = { tls: files, dataDir: '', listen: { host: '127.0.0.1', port: 0 }, publicUrl: null };
  const tls = await startTls(config, { clock, log, authorities }, scope);
  if (!tls) throw new Error('TLS is on');
  const server = tls.createServer((_request, response) => response.end('hello'), {}).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const look = async (): Promise<string> => {
    const socket: TLSSocket = connect({ port: (server.address() as AddressInfo).port, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const serial = socket.getPeerX509Certificate()?.fingerprint256 ?? '';
    socket.destroy();
    return serial;
  };
  return { tls, clock, lines, look };
}

t.test('own files are read anew when they change: a renewal needs no restart', async (t) => {
  const dir = makeFolder(t, 'control');
  const authority = new Authority(join(dir, 'ca'));
  const files = { certFile: join(dir, 'cert.pem'), keyFile: join(dir, 'key.pem') };
  const put = (from: { certFile: string; keyFile: string }) => {
    copyFileSync(from.certFile, files.certFile);
    copyFileSync(from.keyFile, files.keyFile);
  };
  const first = authority.issue(['localhost']);
  put(first);
  const { tls, clock, lines, look } = await shown(t, files, authority);
  const [before, pin] = [await look(), tls.pin];
  t.equal(tls.pinFor('https://localhost'), undefined, 'an authority vouches for it');
  t.equal(tls.pinFor('https://other.example.com'), pin, 'not under this name');

  copyFileSync(authority.issue(['localhost']).certFile, files.certFile);
  const passed = async () => {
    clock.advance(10_000);
    return lines.length > 0;
  };
  await eventually(passed);
  t.equal(await look(), before, 'half a renewal is left alone');
  t.match(lines[0], /is not the key of the certificate/);

  put(authority.issue(['localhost', 'other.example.com']));
  const renewed = await eventually(async () => {
    clock.advance(10_000);
    const now = await look();
    return now !== before && now;
  });
  t.not(tls.pin, pin);
  t.equal(tls.pinFor('https://other.example.com'), undefined);
  t.match(lines.join(''), /another key: who pinned the old one stays out/);

  writeFileSync(files.keyFile, 'broken');
  const told = lines.length;
  await eventually(async () => {
    clock.advance(10_000);
    return lines.length > told;
  });
  t.equal(await look(), renewed, 'the good one stays');
});

t.test(
  'who vouches for a certificate: an authority of the system, for the names in it, also by one between',
  async (t) => {
    const dir = makeFolder(t, 'control');
    const [ours, other] = [new Authority(join(dir, 'a')), new Authority(join(dir, 'b'))];
    const certificate = loadCertificate(ours.issue(['panel.example.com', '2001:db8::7']));
    const by = (authority: Authority) => [new X509Certificate(authority.pem)];
    t.equal(isVouchedFor(certificate, 'panel.example.com', by(ours)), true);
    t.equal(isVouchedFor(certificate, '[2001:db8::7]', by(ours)), true);
    t.equal(isVouchedFor(certificate, 'example.com', by(ours)), false);
    t.equal(isVouchedFor(certificate, 'panel.example.com', by(other)), false);
    t.equal(isVouchedFor(certificate, 'panel.example.com', []), false);
    t.throws(() => loadCertificate({ certFile: dir, keyFile: dir }), { code: 'config_invalid' });
  },
);
