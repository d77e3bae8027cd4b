// What the kernel's files say: where they lie, what is in them, and what two looks at them mean.
import t from 'tap';
import { placeOf } from '../../agent/stats/cgroup-place.ts';
import { coresBetween, usageOf } from '../../agent/stats/counters.ts';

const ID = '50d8348820044e23c6b2d26848208a8099e4182d6f26ec3e7b9bdda22d0c2640';
const MIB = 1024 ** 2;

t.test('the files of a container are found under each layout', async (t) => {
  const v2 = (path: string) => ({
    version: 'v2',
    cpu: `${path}/cpu.stat`,
    memory: `${path}/memory.current`,
    memoryStat: `${path}/memory.stat`,
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
  });
  const own = `/docker/${ID}`;
  const joint = `4:memory:${own}\n3:cpu,cpuacct:${own}\n1:name=systemd:${own}\n0::${own}\n`;
  t.same(placeOf(joint, ID), v1('cpu,cpuacct', 'memory'), 'v1 beside v2');
  t.same(placeOf(`4:memory:${own}\n2:cpuacct:${own}\n1:cpu:${own}\n`, ID), v1('cpuacct', 'memory'), 'v1 one by one');
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

t.test('counters are read from the files of v2', async (t) => {
  const files = {
    cpu: 'usage_usec 27270\nuser_usec 20000\nsystem_usec 7270\nnr_periods 0\n',
    memory: `${100 * MIB}\n`,
    memoryStat: `anon 53248\nfile 1982464\nactive_file 7\ninactive_file ${20 * MIB}\n`,
  };
  t.same(usageOf('v2', files), { cpuNanos: 27_270_000, memoryBytes: 80 * MIB });
});

t.test('counters are read from the files of v1, with the cgroups inside', async (t) => {
  const files = {
    cpu: '27270580\n',
    memory: `${100 * MIB}\n`,
    memoryStat: `cache 5\ninactive_file 3\ntotal_cache 5\ntotal_inactive_file ${30 * MIB}\ntotal_active_file 9\n`,
  };
  t.same(usageOf('v1', files), { cpuNanos: 27_270_580, memoryBytes: 70 * MIB });
});

t.test('what a file does not say counts as nothing, and memory is never less than that', async (t) => {
  t.same(usageOf('v2', { cpu: '', memory: 'max\n', memoryStat: '' }), { cpuNanos: 0, memoryBytes: 0 });
  t.same(usageOf('v2', { cpu: '', memory: '5\n', memoryStat: 'inactive_file 9\n' }), { cpuNanos: 0, memoryBytes: 0 });
  t.same(usageOf('v2', { cpu: 'xusage_usec 5\n', memory: '5\n', memoryStat: 'total_inactive_file 4' }), {
    cpuNanos: 0,
    memoryBytes: 5,
  });
});

t.test('two readings make cores', async (t) => {
  const at = 1_000_000;
  const before = { cpuNanos: 5e9, at };
  t.equal(coresBetween(before, { cpuNanos: 6.5e9, at: at + 10_000 }), 0.15);
  t.equal(coresBetween(before, { cpuNanos: 25e9, at: at + 10_000 }), 2);
  t.equal(coresBetween(before, { cpuNanos: 5e9, at: at + 10_000 }), 0);
  t.equal(coresBetween(before, { cpuNanos: 1e9, at: at + 10_000 }), 0.1, 'a counter that started over');
  t.equal(coresBetween(before, { cpuNanos: 6e9, at: at + 100 }), null, 'too close to say');
  t.equal(coresBetween(before, { cpuNanos: 6e9, at: at - 3_600_000 }), null, 'the clock went back');
});
