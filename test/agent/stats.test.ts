// Rounds of sampling over kernel files that the test writes, with Docker and time played by the test.
import { mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { Scope } from '#shared/lifecycle.ts';
import { silentLogger } from '#shared/log.ts';
import type { ServiceSample } from '#shared/model.ts';
import type { Container, ContainerUsage } from '../../agent/docker/engine.ts';
import type { Listener } from '../../agent/docker/events.ts';
import type { HostSample } from '#shared/stats.ts';
import { startStats } from '../../agent/stats/stats.ts';
import { eventually } from '../support/eventually.ts';
import { FakeEngine, NO_USAGE } from '../support/fake-engine.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';

const MIB = 1024 ** 2;
const ROUND_MS = 10_000;

/** Docker that notes what it is asked. */
class AskedEngine extends FakeEngine {
  asked: string[] = [];
  isAwayAfterList = false;
  override listAll() {
    this.asked.push('list');
    return super.listAll();
  }
  override async findContainer(id: string) {
    this.asked.push('inspect');
    if (this.isAwayAfterList) throw new LongshoreError('docker_unavailable');
    return super.findContainer(id);
  }
  override readUsage(id: string) {
    this.asked.push('usage');
    return super.readUsage(id);
  }
  override listVolumeSizes() {
    this.asked.push('volumes');
    return super.listVolumeSizes();
  }
}

/** A host with one service, `shop`, and what it tells control. */
async function startHost(t: Test) {
  const dir = makeFolder(t, 'agent');
  const folders = { proc: join(dir, 'proc'), cgroup: join(dir, 'cgroup'), sys: join(dir, 'sys') };
  const engine = new AskedEngine();
  const clock = new ManualClock();
  engine.now = () => clock.now();
  const listeners = new Set<Listener>();
  const names = [{ serviceId: 'svc_1', name: 'shop' }];
  const told: ServiceSample[][] = [];
  const toldHost: HostSample[] = [];
  const scope = new Scope(silentLogger());
  t.teardown(() => scope.stop());

  const event = (container: Container, action: string) => {
    const { id: containerId, project, service } = container;
    const signal = { kind: 'event', event: { action, containerId, project, service, at: 0, exitCode: null } } as const;
    for (const listener of listeners) listener(signal);
  };
  /** Running, with kernel files unless told otherwise. */
  const run = async (given: Partial<Container> = {}, { hasFiles = true } = {}): Promise<Container> => {
    const labels = { 'longshore.service': 'svc_1' };
    const name = `shop-web-${engine.containers.size}`;
    const container = engine.addContainer({ name, project: 'shop', service: 'web', labels, ...given });
    await engine.startContainer(container.id);
    if (hasFiles) use(container, { cpuNanos: 0, memoryBytes: 10 * MIB });
    event(container, 'start');
    return container;
  };
  /** The kernel counts this from now on. */
  const use = ({ id, pid }: Container, { cpuNanos, memoryBytes }: Pick<ContainerUsage, 'cpuNanos' | 'memoryBytes'>) => {
    const own = join(folders.cgroup, 'docker', id);
    mkdirSync(own, { recursive: true });
    mkdirSync(join(folders.proc, String(pid)), { recursive: true });
    writeFileSync(join(folders.proc, String(pid), 'cgroup'), `0::/docker/${id}\n`);
    writeFileSync(join(own, 'cpu.stat'), `usage_usec ${cpuNanos / 1000}\n`);
    writeFileSync(join(own, 'memory.current'), `${memoryBytes + MIB}\n`);
    writeFileSync(join(own, 'memory.stat'), `anon 1\ninactive_file ${MIB}\n`);
  };
  const hub = {
    subscribe: (_: string, listener: Listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const tell = (samples: ServiceSample[]) => void told.push(samples);
  const tellHost = (sample: HostSample) => void toldHost.push(sample);
  const log = silentLogger();
  const services = { names: () => names, secretsOf: () => ['canary-77b1'] };
  const start = () => startStats({ dataDir: dir, services, engine, hub, tell, tellHost, clock, log, folders }, scope);
  /** Until the round that is under way has ended: then the next one waits for its time. */
  const rest = () => eventually(() => clock.pending === 1, { intervalMs: 1 });
  const rounds = async (count = 1) => {
    for (let i = 0; i < count; i++) {
      clock.advance(ROUND_MS);
      await rest();
    }
    return told.splice(0);
  };
  const openFiles = () =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folders.cgroup);
      } catch {
        return false; // the folder's own, gone since
      }
    }).length;
  return { dir, engine, clock, names, told, toldHost, folders, scope, run, use, event, start, rest, rounds, openFiles };
}

t.test('what a service uses comes from the kernel, and in a quiet round Docker is asked for nothing', async (t) => {
  const host = await startHost(t);
  const web = await host.run({ memoryLimitBytes: 64 * MIB });
  host.start();
  await host.rest();
  t.match(host.told.splice(0), [[{ serviceId: 'svc_1', cpuCores: null, memoryBytes: 10 * MIB }]]);
  host.engine.asked = [];
  host.use(web, { cpuNanos: 5e9, memoryBytes: 30 * MIB });
  t.match(await host.rounds(), [[{ cpuCores: 0.5, memoryBytes: 30 * MIB, memoryLimitBytes: 64 * MIB }]]);
  t.same(host.engine.asked, []);
});

t.test('the same on a host with cgroup v1, with network, disks and processes', async (t) => {
  const host = await startHost(t);
  const web = await host.run({ hasOwnNetwork: true }, { hasFiles: false });
  const { proc, cgroup } = host.folders;
  const count = (round: number) => {
    const files = {
      [join(proc, String(web.pid), 'cgroup')]: ['cpu,cpuacct', 'memory', 'blkio', 'pids']
        .map((controllers, i) => `${9 - i}:${controllers}:/docker/${web.id}\n`)
        .join(''),
      [join(proc, String(web.pid), 'net/dev')]: `  eth0: ${round * 1000} 1 0 0 0 0 0 0 ${round * 500} 1 0 0 0 0 0 0\n`,
      [join(cgroup, 'cpu,cpuacct/docker', web.id, 'cpuacct.usage')]: `${round * 5e9}\n`,
      [join(cgroup, 'memory/docker', web.id, 'memory.usage_in_bytes')]: `${30 * MIB}\n`,
      [join(cgroup, 'memory/docker', web.id, 'memory.stat')]: `total_inactive_file ${10 * MIB}\n`,
      [join(cgroup, 'blkio/docker', web.id, 'blkio.throttle.io_service_bytes_recursive')]:
        `8:0 Read ${round * 4000}\n8:0 Write ${round * 2000}\nTotal ${round * 6000}\n`,
      [join(cgroup, 'pids/docker', web.id, 'pids.current')]: '7\n',
    };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, text);
    }
  };
  count(0);
  const stats = host.start();
  await host.rest();
  host.engine.asked = [];
  count(1);
  await host.rounds();
  t.match((await stats.service({ serviceId: 'svc_1' })).containers, [
    {
      cpuCores: 0.5,
      memoryBytes: 20 * MIB,
      rxBytesPerS: 100,
      txBytesPerS: 50,
      readBytesPerS: 400,
      writeBytesPerS: 200,
      pids: 7,
    },
  ]);
  t.same(host.engine.asked, []);
});

t.test('an idle service is said again every five minutes, and not between', async (t) => {
  const host = await startHost(t);
  await host.run();
  host.start();
  await host.rest();
  await host.rounds(2);
  t.same(await host.rounds(27), []);
  t.match(await host.rounds(3), [[{ cpuCores: 0 }]]);
});

t.test('where the kernel cannot be read Docker is asked', async (t) => {
  const host = await startHost(t);
  const web = await host.run({}, { hasFiles: false });
  host.engine.usages.set(web.id, { ...NO_USAGE, cpuNanos: 1e9, memoryBytes: 5 * MIB });
  host.start();
  await host.rest();
  host.engine.usages.set(web.id, { ...NO_USAGE, cpuNanos: 11e9, memoryBytes: 6 * MIB });
  const told = [...host.told.splice(0), ...(await host.rounds())];
  t.match(told, [[{ cpuCores: null, memoryBytes: 5 * MIB }], [{ cpuCores: 1, memoryBytes: 6 * MIB }]]);
});

t.test('a container that is started anew counts anew, one that ended counts no more', async (t) => {
  const host = await startHost(t);
  const web = await host.run();
  host.start();
  await host.rest();
  host.told.splice(0);
  await host.engine.restartContainer(web.id);
  host.use({ ...web, pid: host.engine.containers.get(web.id)?.pid ?? 0 }, { cpuNanos: 0, memoryBytes: 20 * MIB });
  host.event(web, 'start');
  t.match(await host.rounds(), [[{ cpuCores: null, memoryBytes: 20 * MIB }]]);
  await host.engine.stopContainer(web.id);
  host.event(web, 'die');
  t.match(await host.rounds(), [[{ cpuCores: 0, memoryBytes: 0 }]]);
  t.equal(host.openFiles(), 0);
});

t.test("containers of others are not counted, nor a removed namesake's", async (t) => {
  const host = await startHost(t);
  await host.run({ project: 'other' });
  await host.run({ labels: { 'longshore.service': 'svc_0' } });
  host.start();
  await host.rest();
  t.match(host.told, [[{ serviceId: 'svc_1', memoryBytes: 0 }]]);
});

t.test('a health check is looked up every 30 s, and at once when Docker says that it turned', async (t) => {
  const host = await startHost(t);
  const web = await host.run({ hasHealthCheck: true, probedAt: 1_000, probeOutput: 'as canary-77b1: fine' });
  host.start();
  await host.rest();
  const lastOutput = 'as ***: fine'; // without the service's secrets
  t.match(host.told.splice(0), [[{ lastCheckAt: 1_000, consecutiveFailures: 0, lastOutput }]]);
  await host.rounds();
  host.engine.change(web.id, { probedAt: 31_000 });
  t.same(await host.rounds(), []);
  t.match(await host.rounds(), [[{ lastCheckAt: 31_000 }]]);
  host.engine.change(web.id, { probedAt: 41_000, failingStreak: 3 });
  host.event(web, 'health_status');
  t.match(await host.rounds(), [[{ lastCheckAt: 41_000, consecutiveFailures: 3, cpuCores: 0 }]]);
});

t.test('F36: a clock that is set changes no rate, and health checks are looked up as before', async (t) => {
  const host = await startHost(t);
  writeMachine(host, 0);
  const web = await host.run({ hasHealthCheck: true, probedAt: 1_000 });
  host.start();
  await host.rest();
  host.told.splice(0);
  for (const [round, hours] of [
    [1, -12],
    [2, 24],
  ] as const) {
    host.clock.jump(hours * 3_600_000);
    writeMachine(host, round);
    host.use(web, { cpuNanos: round * 5e9, memoryBytes: 10 * MIB });
    t.match((await host.rounds()).flat().at(-1), { cpuCores: 0.5 });
    t.match(host.toldHost.at(-1), { cpuCores: 0.5 });
  }
  host.clock.jump(-24 * 3_600_000);
  host.engine.change(web.id, { probedAt: 31_000 });
  t.match((await host.rounds(3)).flat().at(-1), { lastCheckAt: 31_000 });
});

t.test('volumes are measured after a deploy, then every five minutes', async (t) => {
  const host = await startHost(t);
  await host.run();
  for (const [name, bytes] of [
    ['data', 3 * MIB],
    ['cache', MIB],
  ] as const) {
    host.engine.volumes.set(name, 'shop');
    host.engine.volumeBytes.set(name, bytes);
  }
  host.engine.volumes.set('foreign', 'other');
  host.start();
  await host.rest();
  t.match((await host.rounds()).flat().at(-1), { storageBytes: 4 * MIB });
  host.engine.asked = [];
  await host.rounds(28);
  t.notOk(host.engine.asked.includes('volumes'));
  await host.rounds(2);
  t.equal(host.engine.asked.filter((what) => what === 'volumes').length, 1);

  host.engine.asked = [];
  host.engine.volumeBytes.set('data', 9 * MIB);
  await host.run();
  await host.rounds(4);
  t.notOk(host.engine.asked.includes('volumes'), 'not twice within a minute');
  t.match((await host.rounds(4)).flat().at(-1), { storageBytes: 10 * MIB });
});

t.test('a Docker that goes away and comes back is asked again', async (t) => {
  const host = await startHost(t);
  await host.run();
  host.engine.isAway = true;
  host.start();
  await host.rest();
  t.same(await host.rounds(2), []);
  host.engine.isAway = false;
  host.engine.isAwayAfterList = true;
  t.same(await host.rounds(), []);
  host.engine.isAwayAfterList = false;
  t.match(await host.rounds(), [[{ memoryBytes: 10 * MIB }]]);
});

t.test('control hears everything when the link is up anew', async (t) => {
  const host = await startHost(t);
  await host.run();
  const stats = host.start();
  await host.rest();
  await host.rounds();
  stats.tellAll();
  t.match(host.told, [[{ serviceId: 'svc_1', cpuCores: 0 }]]);
});

/** The machine as the kernel shows it; busy for half a core more each round. */
function writeMachine(host: Awaited<ReturnType<typeof startHost>>, round: number): void {
  const { proc, sys } = host.folders;
  const write = (path: string, text: string) => {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
  };
  write(join(proc, 'stat'), `cpu  ${round * 500} 0 0 900 50 0 0 7 0 0\ncpu0 1 0 0 0\n`);
  write(join(proc, 'meminfo'), 'MemTotal:        4096 kB\nMemFree:  1 kB\nMemAvailable:    1024 kB\n');
  write(join(proc, 'loadavg'), '0.50 0.25 0.10 1/234 5678\n');
  write(join(proc, 'uptime'), '864000.12 1000.00\n');
  write(join(sys, 'class/hwmon/hwmon0/name'), 'coretemp\n');
  write(join(sys, 'class/hwmon/hwmon0/temp1_input'), '41000\n');
  write(join(sys, 'class/hwmon/hwmon0/temp2_input'), '52500\n');
  write(join(sys, 'class/hwmon/hwmon1/name'), 'nvme\n');
  write(join(sys, 'class/hwmon/hwmon1/temp1_input'), '90000\n');
}

t.test('control hears of a host what changed, and everything when the link is up anew', async (t) => {
  const host = await startHost(t);
  writeMachine(host, 0);
  const stats = host.start();
  await host.rest();
  t.match(host.toldHost.splice(0), [
    {
      cpuCores: null,
      load1: 0.5,
      load15: 0.1,
      memoryBytes: 3 * MIB,
      memoryTotalBytes: 4 * MIB,
      temperatureC: 52.5,
      uptimeS: 864_000.12,
      rxBytesPerS: null,
      docker: null,
    },
  ]);
  writeMachine(host, 1);
  await host.rounds();
  t.match(host.toldHost.splice(0), [{ cpuCores: 0.5 }]);
  writeMachine(host, 2);
  await host.rounds();
  t.same(host.toldHost, [], 'the same again is no news');
  stats.tellAll();
  t.match(host.toldHost.splice(0), [{ cpuCores: 0.5 }]);
  for (let round = 3; round < 33; round++) {
    writeMachine(host, round);
    await host.rounds();
  }
  t.match(host.toldHost, [{ docker: { imageBytes: 4e9, buildCacheBytes: 1e6 }, dockerBytes: 4_006_000_000 }]);
});

t.test('what was measured can be asked for, of the host, a service and its containers', async (t) => {
  const host = await startHost(t);
  writeMachine(host, 0);
  const web = await host.run({ restartCount: 2 });
  const stats = host.start();
  await host.rest();
  writeMachine(host, 1);
  host.use(web, { cpuNanos: 5e9, memoryBytes: 30 * MIB });
  await host.rounds();
  host.clock.advance(1);
  t.match((await stats.host({})).points.at(-1), {
    cpuCores: 0.5,
    memoryBytes: 3 * MIB,
    sampledAt: host.clock.now() - 1,
  });
  const service = await stats.service({ serviceId: 'svc_1' });
  t.match(service.points.slice(-2), [
    { cpuCores: null, memoryBytes: 10 * MIB },
    { cpuCores: 0.5, memoryBytes: 30 * MIB },
  ]);
  t.match(service.containers, [{ name: web.name, restartCount: 2, cpuCores: 0.5 }]);
  t.match((await stats.service({ serviceId: 'svc_1', container: web.name })).points.at(-1), { cpuCores: 0.5 });
  t.match((await stats.service({ serviceId: 'svc_1', container: 'none' })).points.at(-1), { cpuCores: null });
  t.match((await stats.service({ serviceId: 'svc_2' })).containers, []);
});

t.test('the machine and containers that are known are measured with Docker away', async (t) => {
  const host = await startHost(t);
  writeMachine(host, 0);
  const web = await host.run();
  const asked = await host.run({}, { hasFiles: false });
  const stats = host.start();
  await host.rest();
  host.engine.isAway = true;
  host.event(web, 'pause');
  host.use(web, { cpuNanos: 5e9, memoryBytes: 30 * MIB });
  await host.rounds();
  t.match((await stats.service({ serviceId: 'svc_1' })).containers, [
    { name: web.name, cpuCores: 0.5 },
    { name: asked.name, memoryBytes: null },
  ]);
  host.clock.advance(1);
  t.match((await stats.host({})).points.at(-1), { load1: 0.5 });
});

t.test('a host without services asks Docker for nothing, and a stopped agent holds no files', async (t) => {
  const host = await startHost(t);
  await host.run();
  const [own] = host.names.splice(0);
  host.start();
  await host.rest();
  await host.rounds(3);
  t.same([host.engine.asked, host.told], [[], []]);
  host.names.push(...(own ? [own] : []));
  t.match(await host.rounds(), [[{ memoryBytes: 10 * MIB }]]);
  t.equal(host.openFiles(), 3);
  await host.scope.stop();
  t.equal(host.openFiles(), 0);
});
