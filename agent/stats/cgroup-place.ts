// Where the kernel keeps a container's counters: from /proc/<pid>/cgroup to files below the cgroup mount. Pure.

/** `v1` counts CPU in nanoseconds in a file of its own, `v2` in microseconds among other figures. */
export type CgroupVersion = 'v1' | 'v2';

/** Paths relative to where cgroups are mounted. */
export interface CgroupPlace {
  version: CgroupVersion;
  cpu: string;
  memory: string;
  memoryStat: string;
  /** Undefined where the kernel was built or started without the controller. */
  io: string | undefined;
  pids: string | undefined;
}

/**
 * Undefined where none of the process's cgroups is this container's: its number belongs to another machine's or
 * container's process then, and its files would tell of somebody else.
 *
 *     11:memory:/docker/<id>                            v1, a line for each controller or few of them
 *     0::/system.slice/docker-<id>.scope/init.scope     v2, one line; the container may have made cgroups of its own
 */
export function placeOf(cgroupFile: string, containerId: string): CgroupPlace | undefined {
  const paths = new Map<string, string>();
  for (const line of cgroupFile.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const own = path === undefined ? undefined : untilContainer(path, containerId);
    if (controllers === undefined || own === undefined) continue;
    for (const controller of controllers.split(',')) paths.set(controller, `${controllers}${own}`);
  }
  const unified = paths.get('');
  return inV1(paths) ?? (unified === undefined ? undefined : inV2(unified));
}

function inV1(paths: ReadonlyMap<string, string>): CgroupPlace | undefined {
  const [cpu, memory, io, pids] = ['cpuacct', 'memory', 'blkio', 'pids'].map((controller) => paths.get(controller));
  if (cpu === undefined || memory === undefined) return undefined;
  return {
    version: 'v1',
    cpu: `${cpu}/cpuacct.usage`,
    memory: `${memory}/memory.usage_in_bytes`,
    memoryStat: `${memory}/memory.stat`,
    io: io && `${io}/blkio.throttle.io_service_bytes_recursive`,
    pids: pids && `${pids}/pids.current`,
  };
}

const inV2 = (path: string): CgroupPlace => ({
  version: 'v2',
  cpu: `${path}/cpu.stat`,
  memory: `${path}/memory.current`,
  memoryStat: `${path}/memory.stat`,
  io: `${path}/io.stat`,
  pids: `${path}/pids.current`,
});

/** `/docker/<id>/init` → `/docker/<id>`. */
function untilContainer(path: string, containerId: string): string | undefined {
  const parts = path.split('/');
  const own = parts.findIndex((part) => part.includes(containerId));
  return own === -1 || parts.includes('..') ? undefined : parts.slice(0, own + 1).join('/');
}
