// The kernel's own files against what Docker says of the same container.
import t from 'tap';
import { createDockerEngine } from '../../agent/docker/docker-engine.ts';
import { CgroupFiles, KERNEL_FOLDERS } from '../../agent/stats/cgroup-files.ts';
import { HostMeter } from '../../agent/stats/host/host-meter.ts';
import { SOCKET } from '../support/deploy-host.ts';
import { docker, ensureImages, missingDocker, uniqueName } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';

const skip = await missingDocker();
const MIB = 1024 ** 2;

t.test("the kernel's files say what Docker says, until the container ends", { skip }, async (t) => {
  await ensureImages();
  const name = uniqueName('stats');
  t.teardown(() => docker(['rm', '-f', name]));
  // 8 MiB of memory, 8 MiB of file cache, which does not count.
  const script = [
    'dd if=/dev/zero of=/dev/shm/used bs=1M count=8',
    'dd if=/dev/zero of=/cached bs=1M count=8',
    'exec sleep 1000',
  ];
  const id = await docker(['run', '-d', '--init', '--name', name, 'busybox:1', 'sh', '-c', script.join(' && ')]);
  const engine = createDockerEngine({ socketPath: SOCKET });
  const pid = (await engine.findContainer(id))?.pid ?? 0;
  const files = CgroupFiles.open(KERNEL_FOLDERS, { id, pid, hasOwnNetwork: true });
  t.ok(files, 'the files are found on this machine');
  t.teardown(() => files?.close());

  await eventually(async () => (await docker(['top', name])).includes('sleep 1000'));
  const [read, asked] = [files?.read(), await engine.readUsage(id)];
  t.ok(read && asked);
  const used = read?.memoryBytes ?? 0;
  t.ok(used > 8 * MIB && used < 15 * MIB, `${used} is what is used, without the cache`);
  // File cache is written back in its own time, so that the two looks may differ by what became clean between them.
  t.ok(Math.abs(used - (asked?.memoryBytes ?? 0)) <= 2 * MIB, 'the same memory');
  t.ok(
    (read?.cpuNanos ?? 0) > 0 && (read?.cpuNanos ?? 0) <= (asked?.cpuNanos ?? 0),
    'the same counter, a moment before',
  );

  // `--init` and what it runs; a network that nobody uses hears a few packets of the bridge's.
  t.match(read, { pids: 2, rxBytes: Number, txBytes: Number, readBytes: Number, writeBytes: Number });
  t.equal(read?.pids, asked?.pids);
  t.ok((read?.rxBytes ?? 0) <= (asked?.rxBytes ?? 0) && (asked?.rxBytes ?? 1e6) < 1e5, 'the same interfaces');
  t.equal((await engine.findContainer(id))?.hasOwnNetwork, true);

  t.equal(
    CgroupFiles.open(KERNEL_FOLDERS, { id, pid: process.pid, hasOwnNetwork: true }),
    undefined,
    "another process's files are not taken",
  );
  await docker(['rm', '-f', name]);
  t.equal(files?.read(), undefined);
});

t.test('the machine and the disk of its Docker can be measured', { skip }, async (t) => {
  const meter = new HostMeter({ folders: KERNEL_FOLDERS, dataDir: makeFolder(t, 'host') });
  t.teardown(() => meter.close());
  await meter.measure(0);
  const host = await meter.measure(10_000);
  t.ok((host.cpuCores ?? -1) >= 0 && (host.load1 ?? -1) >= 0);
  t.ok((host.memoryBytes ?? 0) > 0 && (host.memoryBytes ?? 0) < (host.memoryTotalBytes ?? 0));
  t.ok((host.diskBytes ?? 0) > 0 && (host.diskBytes ?? 0) < (host.diskTotalBytes ?? 0));
  t.ok((await createDockerEngine({ socketPath: SOCKET }).measureDisk()).imageBytes);
});
