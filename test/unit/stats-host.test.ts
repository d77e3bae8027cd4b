// What the kernel says of a whole machine, and what Docker says of its disk.
import t from 'tap';
import { HOST_FIGURES, nothingOf, type HostSample } from '#shared/stats.ts';
import { fromStats, toDockerDisk } from '../../agent/docker/usage-view.ts';
import { readHost } from '../../agent/stats/host/host-counters.ts';
import { isHostNews } from '../../agent/stats/host/host-news.ts';

const TEXTS = {
  stat: 'cpu  100 10 20 9000 500 3 4 77 50 0\ncpu0 1 1 1 1\n',
  meminfo: 'MemTotal:        2000 kB\nMemFree:          100 kB\nMemAvailable:     500 kB\n',
  loadavg: '8.28 5.25 6.01 18/1041 919\n',
  network: [
    'Inter-|   Receive  |  Transmit',
    ' face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed',
    '    lo: 999 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0',
    '  eth0: 100 1 0 0 0 0 0 0 40 1 0 0 0 0 0 0',
    'docker0: 70 1 0 0 0 0 0 0 70 1 0 0 0 0 0 0',
    'veth12ab@if5: 70 1 0 0 0 0 0 0 70 1 0 0 0 0 0 0',
    'wlp3s0: 5 1 0 0 0 0 0 0 2 1 0 0 0 0 0 0',
    '',
  ].join('\n'),
  diskstats: [
    '   7       0 loop0 9 9 9 9 9 9 9 9 9 9 9',
    '   8       0 sda 10 0 100 5 20 0 200 5 0 5 5 0 0 0 0',
    '   8       1 sda1 10 0 100 5 20 0 200 5 0 5 5 0 0 0 0',
    ' 259       0 nvme0n1 1 0 10 5 2 0 20 5 0 5 5',
    ' 253       0 dm-0 10 0 100 5 20 0 200 5 0 5 5',
    '',
  ].join('\n'),
  uptime: '864000.12 1000.00\n',
};

t.test('the whole machine is read from six files, each thing counted once', async (t) => {
  t.strictSame(readHost(TEXTS), {
    busyTicks: 137, // without idle, waiting, what another machine took; guests are in user time
    memoryTotalBytes: 2000 * 1024,
    memoryBytes: 1500 * 1024,
    load1: 8.28,
    load5: 5.25,
    load15: 6.01,
    rxBytes: 105,
    txBytes: 42,
    readBytes: 110 * 512,
    writeBytes: 220 * 512,
    uptimeS: 864_000.12,
  });
});

t.test('what a kernel does not say is not known', async (t) => {
  const nothing = { stat: '', meminfo: '', loadavg: '', network: '', diskstats: '', uptime: '' };
  t.ok(Object.values(readHost(nothing)).every((value) => value === null));
  t.match(readHost({ ...TEXTS, meminfo: 'MemTotal: 2000 kB\n' }), { memoryBytes: null, memoryTotalBytes: 2000 * 1024 });
});

t.test('a host is told of when a figure has moved, and every five minutes', async (t) => {
  const told: HostSample = {
    ...nothingOf(HOST_FIGURES),
    cpuCores: 1,
    load5: null,
    load15: null,
    memoryTotalBytes: null,
    diskTotalBytes: null,
    uptimeS: null,
    docker: null,
    at: 1_000_000,
  };
  const isNews = (over: Partial<HostSample>) => isHostNews(told, { ...told, at: told.at + 10_000, ...over });
  t.ok(isHostNews(undefined, told));
  t.notOk(isNews({ cpuCores: 1.15, uptimeS: 10, load15: 4 }));
  t.ok(isNews({ cpuCores: 1.25 }));
  t.ok(isNews({ temperatureC: 40 }), 'known now');
  t.ok(isNews({ at: told.at + 300_000 }));
  t.ok(isNews({ at: told.at - 1 }), 'the clock went back');
});

t.test("Docker's disk is what is there once", async (t) => {
  const raw = {
    LayersSize: 1000,
    Containers: [{ SizeRw: 5 }, {}],
    Volumes: [
      { Name: 'a', UsageData: { Size: 7 } },
      { Name: 'remote', UsageData: { Size: -1 } },
    ],
    BuildCache: [
      { Size: 3, Shared: false },
      { Size: 900, Shared: true },
    ],
  };
  t.strictSame(toDockerDisk(raw), { imageBytes: 1000, containerBytes: 5, volumeBytes: 7, buildCacheBytes: 3 });
  const unknown = { imageBytes: null, containerBytes: null, volumeBytes: null, buildCacheBytes: null };
  t.strictSame(toDockerDisk({ Containers: null }), unknown);
});

t.test("Docker's own statistics say the same in both versions of cgroups", async (t) => {
  const memory_stats = { usage: 100, stats: { inactive_file: 10 } };
  const blkio = (read: string, write: string) => ({
    io_service_bytes_recursive: [
      { op: read, value: 1 },
      { op: write, value: 2 },
      { op: read, value: 3 },
    ],
  });
  const networks = { eth0: { rx_bytes: 5, tx_bytes: 6 }, eth1: { rx_bytes: 1, tx_bytes: 1 } };
  for (const blkio_stats of [blkio('read', 'write'), blkio('Read', 'Write')])
    t.match(fromStats({ memory_stats, networks, blkio_stats, pids_stats: { current: 4 } }), {
      memoryBytes: 90,
      rxBytes: 6,
      txBytes: 7,
      readBytes: 4,
      writeBytes: 2,
      pids: 4,
    });
  t.match(fromStats({ memory_stats, blkio_stats: {} }), { rxBytes: null, readBytes: null, pids: null });
});
