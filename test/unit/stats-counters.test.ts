// What the kernel's files say: where they lie, what is in them, and what two looks at them mean.
import t from 'tap';
import { placeOf } from '../../agent/stats/cgroup-place.ts';
import { interfacesOf, usageBetween, usageOf } from '../../agent/stats/counters.ts';

const ID = '50d8348820044e23c6b2d26848208a8099e4182d6f26ec3e7b9bdda22d0c2640';
const MIB = 1024 ** 2;

t.test('the files of a container are found under each layout', async (t) => {
  const v2 = (path: string) => ({
    version: 'v2',
    cpu: `${path}/cpu.stat`,
    memory: `${path}/memory.current`,
    memoryStat: `${path}/memory.stat`,
    io: `${path}/io.stat`,
    pids: `${path}/pids.current`,
  });
  const scope = `/system.slice/docker-${ID}.scope`;
  t.same(placeOf(`0::${scope}\n`, ID), v2(scope), 'v2 under systemd');
  t.same(placeOf(`0::/docker/${ID}\n`, ID), v2(`/docker/${ID}`), 'v2 under cgroupfs');
  t.same(placeOf(`0::${scope}/init.scope\n`, ID), v2(scope), 'a container with cgroups of its own');
  t.same(
    placeOf(`0::/user.slice/shop.slice/docker-${ID}.scope\n`, ID),
    v2(`/user.slice/shop.slice/docker-${ID}.scope`),
  );

  const v1 = (cpu: string, memory: string) => ({
    version: 'v1',
    cpu: `${cpu}/docker/${ID}/cpuacct.usage`,
    memory: `${memory}/docker/${ID}/memory.usage_in_bytes`,
    memoryStat: `${memory}/docker/${ID}/memory.stat`,
    io: undefined,
    pids: undefined,
  });
  const own = `/docker/${ID}`;
  const joint = `4:memory:${own}\n3:cpu,cpuacct:${own}\n1:name=systemd:${own}\n0::${own}\n`;
  t.same(placeOf(joint, ID), v1('cpu,cpuacct', 'memory'), 'v1 beside v2');
  t.same(placeOf(`4:memory:${own}\n2:cpuacct:${own}\n1:cpu:${own}\n`, ID), v1('cpuacct', 'memory'), 'v1 one by one');
  t.match(placeOf(`9:pids:${own}\n8:blkio:${own}\n4:memory:${own}\n2:cpuacct:${own}\n`, ID), {
    io: `blkio/docker/${ID}/blkio.throttle.io_service_bytes_recursive`,
    pids: `pids/docker/${ID}/pids.current`,
  });
});

t.test("another process's files are never taken for the container's", async (t) => {
  for (const text of [
    '',
    '0::/user.slice/session-1.scope\n',
    '0::/docker/ffff\n',
    `0::/../../docker/${ID}\n`,
    'nonsense',
  ])
    t.equal(placeOf(text, ID), undefined, JSON.stringify(text));
});

const NETWORK = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:    9999       9    0    0    0     0          0         0     9999       9    0    0    0     0       0          0
  eth0:     240       2    0    0    0     0          0         0       42       1    0    0    0     0       0          0
  eth1:1000 2    0    0    0     0          0         0       100       1    0    0    0     0       0          0
`;

t.test('counters are read from the files of v2', async (t) => {
  const files = {
    cpu: 'usage_usec 27270\nuser_usec 20000\nsystem_usec 7270\nnr_periods 0\n',
    memory: `${100 * MIB}\n`,
    memoryStat: `anon 53248\nfile 1982464\nactive_file 7\ninactive_file ${20 * MIB}\n`,
    io: '8:0 rbytes=100 wbytes=7 rios=1 wios=1 dbytes=50 dios=0\n253:0 rbytes=20 wbytes=0 rios=1 wios=0\n',
    pids: '12\n',
    network: NETWORK,
  };
  t.strictSame(usageOf('v2', files), {
    cpuNanos: 27_270_000,
    memoryBytes: 80 * MIB,
    rxBytes: 1240,
    txBytes: 142,
    readBytes: 120,
    writeBytes: 7,
    pids: 12,
  });
});

t.test('counters are read from the files of v1, with the cgroups inside', async (t) => {
  const files = {
    cpu: '27270580\n',
    memory: `${100 * MIB}\n`,
    memoryStat: `cache 5\ninactive_file 3\ntotal_cache 5\ntotal_inactive_file ${30 * MIB}\ntotal_active_file 9\n`,
    io: '8:0 Read 100\n8:0 Write 7\n8:0 Sync 3\n8:0 Total 107\n8:16 Read 20\n8:16 Write 1\nTotal 128\n',
    pids: '3\n',
  };
  t.match(usageOf('v1', files), {
    cpuNanos: 27_270_580,
    memoryBytes: 70 * MIB,
    readBytes: 120,
    writeBytes: 8,
    pids: 3,
    rxBytes: null,
  });
});

t.test('what a file does not say counts as nothing, what has no file is not known', async (t) => {
  const empty = { rxBytes: null, txBytes: null, readBytes: null, writeBytes: null, pids: null };
  t.strictSame(usageOf('v2', { cpu: '', memory: 'max\n', memoryStat: '' }), { cpuNanos: 0, memoryBytes: 0, ...empty });
  t.match(usageOf('v2', { cpu: '', memory: '5\n', memoryStat: 'inactive_file 9\n' }), { memoryBytes: 0 });
  t.match(usageOf('v2', { cpu: 'xusage_usec 5\n', memory: '5\n', memoryStat: 'total_inactive_file 4' }), {
    cpuNanos: 0,
    memoryBytes: 5,
  });
  t.match(usageOf('v2', { cpu: '', memory: '', memoryStat: '', io: '', pids: '', network: '' }), {
    rxBytes: 0,
    readBytes: 0,
    pids: 0,
  });
  t.strictSame(interfacesOf(NETWORK, /^eth0$/), { rxBytes: 1000, txBytes: 100 });
});

t.test('two readings make cores and rates', async (t) => {
  const at = 1_000_000;
  const zero = usageOf('v2', { cpu: '', memory: '7\n', memoryStat: '', io: '', network: '' });
  const before = { ...zero, cpuNanos: 5e9, rxBytes: 1000, at };
  const cores = (cpuNanos: number, after: number) =>
    usageBetween(before, { ...before, cpuNanos, at: at + after }).cpuCores;
  t.equal(cores(6.5e9, 10_000), 0.15);
  t.equal(cores(25e9, 10_000), 2);
  t.equal(cores(5e9, 10_000), 0);
  t.equal(cores(1e9, 10_000), 0.1, 'a counter that started over');
  t.equal(cores(6e9, 100), null, 'too close to say');
  t.strictSame(usageBetween(before, { ...zero, cpuNanos: 5e9, rxBytes: 41_000, pids: 3, at: at + 10_000 }), {
    cpuCores: 0,
    memoryBytes: 7,
    rxBytesPerS: 4000,
    txBytesPerS: 0,
    readBytesPerS: 0,
    writeBytesPerS: 0,
    pids: 3,
  });
  t.match(usageBetween(undefined, before), { cpuCores: null, memoryBytes: 7, rxBytesPerS: null });
});
