// Three hosts with systemd get a new release from their control plane, then a broken one. Services must not notice.
import { renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { RELEASE_FILES, tarballName, type Manifest } from '#shared/release/manifest.ts';
import { formatSums, signSums } from '#shared/release/sums.ts';
import { sha256Of } from '../../cli/release/archive.ts';
import { ROOT } from '../../cli/release/bundle.ts';
import { loadSigningKey } from '../../cli/release/signing-key.ts';
import { runProgram } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { FLEET_TEST_LIMIT_MS, requireFleet } from '../support/fleet/fleet.ts';
import { startFleetWorld, type FleetWorld } from '../support/fleet/world.ts';
import { makeFolder } from '../support/folder.ts';
import { buildRelease, unpackRelease, type TestRelease } from '../support/release.ts';

/** Downloads, restarts and settles, in two waves, on a busy machine. */
const UPGRADE_MS = 240_000;
const SHORT_PATIENCE = '[Service]\nEnvironment=CONNECT_LIMIT_S=8\n';

/** Changes the schema, as a new agent may, and is never heard of. */
const MUTE_AGENT = `import { DatabaseSync } from 'node:sqlite';
const db = new DatabaseSync('/var/lib/longshore/agent.db');
if (db.prepare('PRAGMA user_version').get().user_version < 9999) {
  db.exec("VACUUM INTO '/var/lib/longshore/agent.db.before'");
  db.exec('PRAGMA user_version = 9999');
}
setInterval(() => {}, 1000);
`;

interface Upgrade {
  id: string;
  state: string;
  hosts: Record<string, number>;
  halted_by: { host_id: string; reason: string } | null;
}

t.setTimeout(FLEET_TEST_LIMIT_MS);

t.test('hosts are upgraded in waves', async (t) => {
  if (!(await requireFleet(t))) return;
  const offer = startOffer(t, await buildRelease());
  const [world, { second, broken }] = await Promise.all([
    startFleetWorld(t, { count: 3, spare: 0, distDir: offer.dir }),
    buildRelease({ version: '0.2.0' }).then(async (second) => ({ second, broken: await breakRelease(t, second) })),
  ]);
  const upgrade = async (id: string) => (await world.api.get<Upgrade>(`/api/hosts/upgrades/${id}`)).body;
  const begin = async (body: object = {}) => (await world.api.post<Upgrade>('/api/hosts/upgrades', body)).body.id;
  const until = (id: string, state: string) =>
    eventually(() => upgrade(id), { until: (now) => now.state === state, timeoutMs: UPGRADE_MS });
  const before = await containersOf(world);

  await t.test('to a newer release, though control dies meanwhile, and no container notices', async (t) => {
    offer.show(second.dir);
    const started = Date.now();
    const id = await begin({ wave: '2', version: '0.2.0' });
    await world.control.end('SIGKILL');
    await world.startControl();
    t.match(await until(id, 'succeeded'), { hosts: { succeeded: 3 } });
    t.comment(`three hosts in ${Date.now() - started} ms`);
    for (const { host, id: hostId } of world.sites) {
      await world.untilHostIs({ host, id: hostId }, 'connected');
      t.match((await world.api.get(`/api/hosts/${hostId}`)).body, { facts: { agent_version: '0.2.0' } });
      t.equal(
        await host.shell('ls /opt/longshore/releases; readlink /opt/longshore/current'),
        '0.1.0\n0.2.0\nreleases/0.2.0',
      );
    }
    t.strictSame(await containersOf(world), before, 'the same containers, started when they were');
  });

  await t.test(
    'to a release whose agent does not connect: the first host takes it back, the others never see it',
    async (t) => {
      offer.show(broken);
      const [site] = world.sites;
      if (!site) return;
      for (const { host } of world.sites) {
        await host.write('/etc/systemd/system/longshore-upgrade.service.d/patience.conf', SHORT_PATIENCE);
        await host.run('systemctl', 'daemon-reload');
      }
      const halted = await until(await begin(), 'halted');
      t.match(halted, { hosts: { failed: 1, pending: 2 }, halted_by: { reason: /not connected .* within 8 s/ } });
      const struck = world.sites.find(({ id }) => id === halted.halted_by?.host_id) ?? site;
      await world.untilHostIs(struck, 'connected');
      t.ok((await world.told(struck)).some(({ status }) => status === 'upgrade_reverted'));
      t.equal(await struck.host.run('readlink', '/opt/longshore/current'), 'releases/0.2.0');
      t.strictSame(await containersOf(world), before);
      for (const { oracle } of world.sites) t.strictSame((await oracle.ask()).faults, []);
    },
  );
});

/** A folder that shows one release after the other, each at once. */
function startOffer(t: Test, { dir }: TestRelease) {
  const link = join(makeFolder(t, 'offer'), 'dist');
  const show = (folder: string) => {
    symlinkSync(folder, `${link}.new`);
    renameSync(`${link}.new`, link);
  };
  show(dir);
  return { dir: link, show };
}

/** Of every host: each container with its start. */
const containersOf = (world: FleetWorld): Promise<string[]> =>
  Promise.all(
    world.sites.map(({ host }) =>
      host.shell(`docker ps -q --no-trunc | sort | xargs docker inspect -f '{{.Id}} {{.State.StartedAt}}'`),
    ),
  );

/** Signed like any other, but its agent says nothing. */
async function breakRelease(t: Test, good: TestRelease): Promise<string> {
  const version = '0.3.0';
  const tree = await unpackRelease(t, good);
  const broken = join(dirname(tree), `longshore-${version}`);
  renameSync(tree, broken);
  writeFileSync(join(broken, 'lib/agent.mjs'), MUTE_AGENT);
  const dir = makeFolder(t, 'broken');
  const [{ arch } = { arch: 'x64' as const }] = good.manifest.files;
  const name = tarballName(version, arch, 'gz');
  await runProgram('tar', [
    '-c',
    '-I',
    'gzip -1',
    '-f',
    join(dir, name),
    '-C',
    dirname(broken),
    `longshore-${version}`,
  ]);
  const sha256 = await sha256Of(join(dir, name));
  const files: Manifest['files'] = [{ name, arch, format: 'gz', size: statSync(join(dir, name)).size, sha256 }];
  writeFileSync(join(dir, RELEASE_FILES.manifest), JSON.stringify({ version, protocol: 1, files }));
  const sums = new Map([[name, sha256]]).set(RELEASE_FILES.manifest, await sha256Of(join(dir, RELEASE_FILES.manifest)));
  const text = Buffer.from(formatSums(sums));
  const { privatePem, publicPem } = loadSigningKey(undefined, join(ROOT, 'dist/test-key.pem'), () => undefined);
  writeFileSync(join(dir, RELEASE_FILES.sums), text);
  writeFileSync(join(dir, RELEASE_FILES.signature), signSums(text, privatePem));
  writeFileSync(join(dir, RELEASE_FILES.publicKey), publicPem);
  return dir;
}
