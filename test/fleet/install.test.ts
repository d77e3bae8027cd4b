// install.sh on real hosts: what it takes, what it refuses, what it leaves, and how a second run goes on. One server and
// one host, from bare to bare.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createJoinSecret, formatJoinToken, parseJoinToken } from '#shared/protocol/identity.ts';
import { formatSums, signSums } from '#shared/release/sums.ts';
import { archive, sha256Of } from '../../cli/release/archive.ts';
import { ROOT } from '../../cli/release/bundle.ts';
import { loadSigningKey } from '../../cli/release/signing-key.ts';
import { eventually } from '../support/eventually.ts';
import { startCuttingProxy } from '../support/fleet/cutting-proxy.ts';
import { makeFolder } from '../support/folder.ts';
import { FLEET_TEST_LIMIT_MS, requireFleet, startFleet, type FleetHost } from '../support/fleet/fleet.ts';
import { ensureImages } from '../support/docker.ts';
import { buildRelease, type TestRelease } from '../support/release.ts';

const LIMIT_MS = 180_000;
const AGAIN = '/opt/longshore/current/install.sh agent';
const COMPOSE = `services: { web: { image: "busybox:1", command: [sleep, "3600"], init: true, stop_grace_period: 0s, volumes: ["data:/data"] } }
volumes: { data: }`;

/** What a person at the terminal sees, and the exit code. */
async function at(host: FleetHost, command: string) {
  const said = await host.shell(`cd /root; { ${command}\n} 2>&1; printf '\\n%s' $?`, { timeoutMs: LIMIT_MS });
  const place = said.lastIndexOf('\n');
  return { said: said.slice(0, place).trimEnd(), exitCode: Number(said.slice(place + 1)) };
}

const install = (server: FleetHost, folder: string, flags = '') =>
  at(server, `./${folder}/install.sh control ${flags}`);
const lineOf = (server: FleetHost, flags = '') => server.shell(`longshore hosts join ${flags}`);
const processOf = (host: FleetHost, unit: string) => host.shell(`systemctl show -p MainPID --value ${unit}`);
const isBare = (host: FleetHost) =>
  host.shell(
    '! ls -d /opt/longshore/current /etc/longshore/agent.token /etc/systemd/system/longshore-agent.service 2>&1',
  );

/** As a control plane that looks at nothing would. */
async function serveFolder(t: Test, folder: string): Promise<number> {
  const server = createServer(({ url = '' }, response) => {
    const file = join(folder, url.replace('/dist/', ''));
    if (url !== '/healthz' && !existsSync(file)) response.writeHead(404).end();
    else response.end(url === '/healthz' ? 'ok' : readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** As good as one that is used up or expired. */
const withOtherSecret = (line: string) =>
  line.replace(/lsj_\S+/, (token) => formatJoinToken({ ...parseJoinToken(token), secret: createJoinSecret() }));

/** A newer release, signed as if it were ours, whose Node ends at once. */
async function forge(t: Test, release: TestRelease, target: string): Promise<void> {
  const folder = join(makeFolder(t, 'forged'), 'longshore-0.3.0');
  mkdirSync(join(folder, 'bin'), { recursive: true });
  cpSync(join(ROOT, 'systemd'), join(folder, 'systemd'), { recursive: true });
  for (const [name, exitCode] of [
    ['longshore', 0],
    ['node', 1],
  ] as const)
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\nexit ${exitCode}\n`, { mode: 0o755 });
  mkdirSync(target);
  for (const name of ['install.sh', 'manifest.json', 'release.pub'])
    cpSync(join(release.dir, name), join(target, name));
  const tarball = (release.manifest.files[0]?.name ?? '').replace(release.manifest.version, '0.3.0');
  await archive(folder, join(target, tarball), 'gz');
  const text = formatSums(new Map([[tarball, await sha256Of(join(target, tarball))]]));
  const { privatePem } = loadSigningKey(undefined, join(ROOT, 'dist/test-key.pem'), () => undefined);
  writeFileSync(join(target, 'SHA256SUMS'), text);
  writeFileSync(join(target, 'SHA256SUMS.sig'), signSums(Buffer.from(text), privatePem));
}

t.setTimeout(FLEET_TEST_LIMIT_MS);

t.test('install.sh from bare to bare', async (t) => {
  if (!(await requireFleet(t))) return;
  const [{ hosts, gateway }, release, next] = await Promise.all([
    ensureImages().then(() => startFleet(t, { count: 2, images: ['busybox:1'] })),
    buildRelease(),
    buildRelease({ version: '0.2.0' }),
  ]);
  const [server, host] = hosts as [FleetHost, FleetHost];
  const put = (from: TestRelease, folder: string) =>
    cpSync(from.dir, server.path(`/root/${folder}`), { recursive: true });
  put(release, 'first');
  put(next, 'next');
  t.match(await install(server, 'first'), { exitCode: 0, said: /lsk_/ });

  await t.test('what is broken or forged is refused, and nothing of it stays', async (t) => {
    const folder = makeFolder(t, 'dist');
    const url = `http://${gateway}:${await serveFolder(t, folder)}`;
    const token = formatJoinToken({
      url,
      tokenId: 'jtk_1',
      secret: createJoinSecret(),
      controlPin: createJoinSecret(),
    });
    const tarball = join(folder, release.manifest.files[0]?.name ?? '');
    const flip = (file: string, place: number) => {
      const bytes = readFileSync(file);
      writeFileSync(file, bytes.fill((bytes[place] ?? 0) ^ 1, place, place + 1));
    };
    await host.write('/root/install.sh', readFileSync(join(release.dir, 'install.sh'), 'utf8'));
    const cases: [name: string, change: () => unknown, says: RegExp][] = [
      ['a tarball of another content', () => flip(tarball, 1000), /could not be had whole .*: nothing was changed/],
      ['another list', () => flip(join(folder, 'SHA256SUMS'), 0), /signature .* is wrong: nothing was changed/],
      ['no release', () => rmSync(join(folder, 'SHA256SUMS')), /offers no release\n.*npm run build/],
    ];
    for (const [name, change, says] of cases) {
      cpSync(release.dir, folder, { recursive: true });
      change();
      t.match(await at(host, `sh install.sh agent --token ${token}`), { exitCode: 9, said: says }, name);
    }
    cpSync(release.dir, folder, { recursive: true });
    await host.shell('mkdir -p /etc/longshore; echo another >/etc/longshore/release.pub');
    const { exitCode, said } = await at(host, `sh install.sh agent --token ${token}`);
    t.equal(exitCode, 9);
    t.match(said, /another key .*: nothing was changed\n.*rm \/etc\/longshore\/release\.pub/);
    await host.shell('rm /etc/longshore/release.pub');
    await isBare(host);
  });

  await t.test('Docker that does not answer is named before anything happens', async (t) => {
    await host.shell('systemctl stop docker.socket docker');
    t.match(await at(host, await lineOf(server)), {
      exitCode: 8,
      said: /no Docker Engine answers[\s\S]*--with-docker/,
    });
    await host.shell('systemctl start docker.socket docker');
    await isBare(host);
  });

  await t.test('a download that breaks off goes on, and a token that is refused is told at once', async (t) => {
    const proxy = await startCuttingProxy(t);
    const line = await lineOf(server);
    proxy.cutAfter(5_000_000);
    const { said, exitCode } = await at(host, `${withOtherSecret(line)} --proxy http://${gateway}:${proxy.port}`);
    t.equal(exitCode, 7, said);
    t.match(said, /broke off; going on[\s\S]*refuses the token[\s\S]*longshore hosts join/);
    const before = proxy.tunnels();
    t.match(await at(host, line), { exitCode: 0, said: /^connected to https:\S+ as host_/ }, 'a second run goes on');
    t.ok(proxy.tunnels() > before, 'the agent goes through the proxy that sudo forgot');
    await host.shell('rm /etc/longshore/agent.env; systemctl restart longshore-agent');
    await eventually(async () =>
      (await host.shell('systemctl show -p StatusText longshore-agent')).includes('=connected to'),
    );
    t.notMatch(
      await host.shell('ls /etc/longshore /var/cache'),
      /agent\.token|^longshore$/m,
      'token and download are gone',
    );
  });

  await t.test('again, with a token or without, changes nothing', async (t) => {
    const before = await processOf(host, 'longshore-agent');
    const spare = await lineOf(server);
    t.match(await at(host, spare), { exitCode: 0, said: /the token was not used\n[\s\S]*connected to/ });
    t.match(await at(host, AGAIN), { exitCode: 0, said: /^connected to .*$/ });
    t.equal(await processOf(host, 'longshore-agent'), before);
    const control = await processOf(server, 'longshore-control');
    t.match(await install(server, 'first'), { exitCode: 0, said: /^Longshore \S+ answers at \S+$/ });
    t.equal(await processOf(server, 'longshore-control'), control);
  });

  await t.test('what a run put in place that ended before its start is started by the next', async (t) => {
    for (const [machine, unit, again] of [
      [host, 'longshore-agent', () => at(host, AGAIN)],
      [server, 'longshore-control', () => install(server, 'first')],
    ] as const) {
      const before = await processOf(machine, unit);
      await machine.shell(
        'cd /opt/longshore/releases && v=$(readlink ../current) && v=${v##*/} && mv $v .old && cp -al .old $v',
      );
      t.match(await again(), { exitCode: 0 });
      t.not(await processOf(machine, unit), before, unit);
      await machine.shell('rm -r /opt/longshore/releases/.old');
    }
  });

  await t.test(
    'a newer release: the control plane with a backup first, then the host; containers run on',
    async (t) => {
      await server.write('/root/compose.yaml', COMPOSE);
      await server.shell('cd /root; longshore deploy -f compose.yaml --name kept --follow', { timeoutMs: LIMIT_MS });
      const started = () => host.shell("docker inspect -f '{{.State.StartedAt}}' $(docker ps -q)");
      const before = await started();
      t.match(await install(server, 'next'), {
        exitCode: 0,
        said: /backing up the database[\s\S]*Longshore 0\.2\.0 answers/,
      });
      t.match(await server.shell('ls /var/lib/longshore-control/backups'), /before-0\.2\.0/);
      t.match(await at(host, AGAIN), { exitCode: 0, said: /installing Longshore 0\.2\.0[\s\S]*connected to/ });
      t.equal(await host.shell('longshore --version'), '0.2.0');
      t.equal(await started(), before);
      t.match(await install(server, 'first'), { exitCode: 9, said: /newer than .*: nothing was changed/ });
    },
  );

  await t.test('a control plane that does not start gives way to the one before', async (t) => {
    await forge(t, next, server.path('/root/bad'));
    t.match(await install(server, 'bad'), { exitCode: 1, said: /0\.3\.0 did not start, 0\.2\.0 runs again/ });
    await eventually(async () => (await server.shell('longshore hosts list')).includes(`${host.name}\tconnected`));
    t.equal(
      await server.shell('curl -ks https://127.0.0.1:8443/dist/SHA256SUMS | grep -Fo longshore-0.2.0-'),
      'longshore-0.2.0-',
      'hosts still get it',
    );
  });

  await t.test('what left comes back as the same host', async (t) => {
    const id = () => server.shell('longshore hosts list --json | grep -o "host_[a-z0-9]*" | sort -u');
    const before = await id();
    t.match(await at(host, '/opt/longshore/current/install.sh uninstall'), { exitCode: 0, said: /services run on/ });
    await isBare(host);
    t.equal(await host.shell('stat -c %U:%a /var/lib/longshore'), 'root:700');
    t.match(await at(host, await lineOf(server)), { exitCode: 0 });
    t.equal(await id(), before);
  });

  await t.test('purged, nothing is left of it', async (t) => {
    t.match(await at(host, '/opt/longshore/current/install.sh uninstall --purge'), { exitCode: 0 });
    const left =
      'ls -d /opt/longshore /etc/longshore /var/lib/longshore* /usr/local/bin/longshore /etc/systemd/system/longshore* 2>/dev/null';
    t.equal(await host.shell(`${left}; docker ps -aq; docker volume ls -q; id longshore 2>/dev/null; true`), '');
  });
});
