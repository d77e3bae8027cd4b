// What happens to single hosts: to one host in the order of the table, to several at the same time.
import { eventually } from '../support/eventually.ts';
import { STATE_DIR, UNIT, clone, showUnit } from '../support/fleet/agent.ts';
import type { Scenario, Scene } from './scenario.ts';

/** A deploy is under way while the host is struck, and ends well. */
const underWork =
  (...fault: [string, ...string[]]): Scenario['strike'] =>
  async ({ world, site }) => {
    const job = await world.change(site);
    await site.host.fault(...fault);
    return async () => void (await world.untilSucceeded(job));
  };

const STOPS: Scenario[] = [
  { name: 'a reboot under a deploy', site: 5, restartsContainers: true, strike: underWork('reboot') },
  { name: 'a crash of the machine under a deploy', site: 4, restartsContainers: true, strike: underWork('crash') },
  { name: 'kill -9 of the agent under a deploy', site: 5, strike: underWork('kill9', UNIT) },
  {
    name: 'kill -9 of dockerd under a deploy',
    site: 3,
    restartsContainers: true,
    strike: underWork('kill9', 'docker.service'),
  },
];

const STATES: Scenario[] = [
  {
    name: 'a clock that jumps by an hour and back',
    site: 3,
    strike: (scene) =>
      whileConnected(scene, async ({ world, site }) => {
        for (const seconds of ['+3600', '-3600', '0']) {
          await site.host.fault('skew', seconds, UNIT);
          await world.untilSucceeded(await world.change(site));
        }
      }),
  },
  {
    name: 'F27: a host that is put back to a snapshot is listed again, and nothing runs twice',
    site: 2,
    strike: async ({ t, world, site }) => {
      const { host } = site;
      const whileStopped = (script: string) => host.shell(`systemctl stop ${UNIT}; ${script}; systemctl start ${UNIT}`);
      await whileStopped(`cp -a ${STATE_DIR} /var/lib/snapshot`);
      await world.untilSucceeded(await world.change(site));
      const running = await host.run('docker', 'ps', '-q', '--no-trunc');
      await whileStopped(`rm -r ${STATE_DIR}; cp -a /var/lib/snapshot ${STATE_DIR}`);
      return async () => {
        t.equal(await host.run('docker', 'ps', '-q', '--no-trunc'), running, 'the containers are the same');
        t.ok((await world.told(site)).some(({ status }) => status === 'host_rolled_back'));
        await world.untilSucceeded(await world.change(site));
      };
    },
  },
  {
    name: 'F29: with a full disk new jobs are refused, and taken again once there is room',
    site: 3,
    strike: async (scene) => {
      const { site } = scene;
      const restart = () => tryRestart(scene);
      await whileConnected(scene, async () => {
        await site.host.fault('disk-full');
        await eventually(restart, { until: ({ error }) => error?.code === 'host_disk_full', timeoutMs: 60_000 });
      });
      await site.host.fault('disk-free');
      return async () =>
        void (await eventually(restart, { until: ({ state }) => state === 'succeeded', timeoutMs: 60_000 }));
    },
  },
];

/** Each takes the 45 s after which a side that hears nothing gives up. */
const SILENCES: Scenario[] = [
  {
    name: 'F16: half-open connections are noticed on both sides, and what the host did meanwhile is told',
    site: 0,
    strike: async ({ t, world, site }) => {
      const job = await world.change(site);
      await eventually(async () => (await world.api.get(`/api/jobs/${job}`)).body['started_at'] !== null);
      await site.host.fault('partition');
      await world.untilHostIs(site, 'offline');
      const standing = () => showUnit(site.host, 'StatusText');
      const told = await eventually(standing, { until: (text) => text.startsWith('offline'), timeoutMs: 60_000 });
      t.match(told, /^offline since 20/);
      await site.host.heal();
      return async () => void (await world.untilSucceeded(job));
    },
  },
  { name: 'a pause: the kernel answers, the agent does not', site: 1, strike: silence('pause', 'resume') },
  { name: 'a suspended machine', site: 2, strike: silence('suspend', 'resume') },
  {
    name: 'F18: a round trip of 500 ms and a loss of 10 % delay deploys, and no host counts as dead',
    site: 3,
    strike: async (scene) => {
      const { world, site } = scene;
      await whileConnected(scene, async () => {
        await site.host.fault('delay', '250ms');
        await site.host.fault('loss', '10%');
        for (let deploys = 0; deploys < 3; deploys++) await world.untilSucceeded(await world.change(site));
      });
      await site.host.heal();
    },
  },
  {
    name: 'F48: a host that was revoked while it was away stops acting and leaves its services running',
    site: 4,
    isLast: true,
    strike: async ({ t, world, site }) => {
      await site.host.fault('partition');
      await world.untilHostIs(site, 'offline');
      t.equal((await world.api.post(`/api/hosts/${site.id}/revoke`)).status, 200);
      await site.host.heal();
      await eventually(() => site.oracle.factOnHost('revokedAt') !== undefined, { timeoutMs: 90_000 });
      t.equal((await world.api.get(`/api/hosts/${site.id}`)).body['status'], 'revoked');
      t.strictSame(await site.oracle.askCalm(), []);
    },
  },
  {
    name: 'F26: of a cloned machine neither is let in, one alert says so; one of the two joins anew',
    site: 5,
    isLast: true,
    strike: async ({ t, world, site }) => {
      const copy = world.spare;
      await clone(site.host, copy);
      await copy.shell(`systemctl daemon-reload; systemctl start ${UNIT}`);
      await world.untilHostIs(site, 'fenced');
      await copy.shell(`systemctl stop ${UNIT}; rm -rf ${STATE_DIR}/*`);
      t.not(await world.enrol(copy), site.id, 'the clone is a host of its own');
      t.equal((await world.told(site)).filter(({ status }) => status === 'identity_conflict').length, 1);
      t.strictSame(await site.oracle.askCalm(), []);
    },
  },
];

export const HOSTS: Scenario[] = [...STOPS, ...STATES, ...SILENCES];

function silence(fault: string, mend: string): Scenario['strike'] {
  return async ({ world, site }) => {
    await site.host.fault(fault);
    await world.untilHostIs(site, 'offline');
    await site.host.fault(mend);
    return async () => void (await world.untilSucceeded(await world.change(site)));
  };
}

async function whileConnected(scene: Scene, work: (scene: Scene) => Promise<void>): Promise<void> {
  const before = await timesLost(scene);
  await work(scene);
  scene.t.equal(await timesLost(scene), before, 'it stays connected');
}

async function timesLost({ world, site }: Pick<Scene, 'world' | 'site'>): Promise<number> {
  return (await world.told(site)).filter(({ status }) => status === 'offline').length;
}

async function tryRestart({ world, site }: Pick<Scene, 'world' | 'site'>) {
  const { body } = await world.api.post<{ job_id: string }>(`/api/services/${site.busy}/restart?wait=0`);
  return world.api.jobEnd(body.job_id, 60_000);
}
