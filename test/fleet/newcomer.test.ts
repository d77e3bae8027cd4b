// A newcomer with a server, a bare machine and docs/fleet.md: its commands, in its order, and nothing else.
import { cpSync, readFileSync } from 'node:fs';
import t from 'tap';
import { ensureAliases } from '../support/docker.ts';
import { FLEET_TEST_LIMIT_MS, requireFleet, startFleet, type FleetHost } from '../support/fleet/fleet.ts';
import { buildRelease } from '../support/release.ts';

const GUIDE = readFileSync(new URL('../../docs/fleet.md', import.meta.url), 'utf8');
/** What the guide deploys; no registry is asked for it. */
const IMAGE = 'nginx:1.28.0-alpine';
/** Docker comes from Debian's mirror. */
const LINE_LIMIT_MS = 300_000;
/** Debian as it is installed: no Docker, no source but its own release. */
const MAKE_BARE = `
  systemctl stop docker.socket docker containerd
  apt-get -qq remove -y docker.io docker-cli docker-compose docker-buildx containerd runc >/dev/null 2>&1
  apt-get -qq autoremove -y >/dev/null 2>&1
  grep -lr sid /etc/apt/sources.list* /etc/apt/preferences.d 2>/dev/null | xargs -r sed -i '/sid/d'
  ! command -v docker`;

/** The blocks to type, of one chapter. */
function commandsOf(chapter: string): string {
  const [, text = ''] = new RegExp(`^## ${chapter}\\n(.*?)^## `, 'ms').exec(GUIDE) ?? [];
  return [...text.matchAll(/^```sh\n(.*?)^```/gms)].map((match) => match[1]).join('');
}

const type = (machine: FleetHost, commands: string) =>
  machine.shell(`set -e\ncd /root\n${commands}`, { timeoutMs: LINE_LIMIT_MS });

t.setTimeout(FLEET_TEST_LIMIT_MS);

t.test('a newcomer succeeds with what docs/fleet.md says', async (t) => {
  if (!(await requireFleet(t))) return;
  const [{ hosts }, release] = await Promise.all([
    ensureAliases(`${IMAGE}=80`).then(() => startFleet(t, { count: 2, images: [IMAGE] })),
    buildRelease(),
  ]);
  const [server, machine] = hosts as [FleetHost, FleetHost];
  cpSync(release.dir, server.path('/root/longshore'), { recursive: true });
  await machine.shell(MAKE_BARE, { timeoutMs: LINE_LIMIT_MS });

  await t.test('the control plane', async (t) => {
    t.match(await type(server, commandsOf('The control plane')), /answers at https:\/\/[\d.]+:8443\n[\s\S]*lsk_/);
    t.notMatch(await type(server, commandsOf('The control plane')), /lsk_/, 'its key is shown once');
  });

  await t.test('a host, with Docker', async (t) => {
    const line = await type(server, commandsOf('A host'));
    const started = Date.now();
    await type(machine, `${line} --with-docker`);
    t.comment(`from the line to connected, Docker included: ${Date.now() - started} ms`);
    t.equal(await machine.shell('systemctl is-enabled longshore-agent'), 'enabled');
    t.match(await machine.shell('ls /etc/longshore'), /policy\.yaml/);
  });

  await t.test('a service', async (t) => {
    const said = await type(server, commandsOf('A service'));
    t.match(said, new RegExp(`${machine.name}\\sconnected`));
    t.match(said, /hello\srunning/);
    t.equal((await fetch(`http://${machine.address}:8088/`)).status, 200);
  });

  await t.test('leaving', async (t) => {
    const containers = () => machine.shell('docker ps -q --filter label=longshore.service');
    const before = await containers();
    t.not(before, '');
    await type(machine, commandsOf('Leaving'));
    t.equal(await containers(), before, 'services run on');
    t.match(
      await machine.shell('ls /var/lib/longshore; ls /etc/systemd/system; id longshore || echo no user'),
      /services[\s\S]*no user/,
    );
    t.notMatch(await machine.shell('ls /etc/systemd/system /opt /usr/local/bin'), /longshore/);
  });
});
