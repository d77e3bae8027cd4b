// Hosts as they are rented, for tests: systemd as pid 1, a Docker Engine, a disk and an address of their own, booted by
// the scripts beside this file, which docs/testing-on-a-fleet.md shows from the shell.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { docker, missingDocker, runProgram, uniqueName } from '../docker.ts';

const SCRIPTS = fileURLToPath(new URL('.', import.meta.url));
/** Not /tmp, which may be memory: disks of 4 GB, sparse, lie here. */
const STATE = '/var/tmp/longshore-fleets';
/** Image and boot, of which a busy machine takes minutes; only one that can't do it waits so long. */
const UP_LIMIT_MS = 480_000;
const FAULT_LIMIT_MS = 150_000;
/** For `t.setTimeout` of a file: the image, the release, the boot and all it does, on a busy machine that knows none of them. */
export const FLEET_TEST_LIMIT_MS = 600_000;

export interface FleetHost {
  /** Container and host name. */
  name: string;
  address: string;
  /** Runs a program there and returns its stdout, trimmed. */
  run(...command: string[]): Promise<string>;
  /** Likewise by a shell, as a person at its terminal would; `timeoutMs`: 2 min by default. */
  shell(script: string, options?: { timeoutMs?: number }): Promise<string>;
  /** Writes a file there. */
  write(path: string, content: string): Promise<void>;
  /** Where a path of its disk is on this machine. */
  path(path: string): string;
  /** `fault('disk-full')`, `fault('delay', '500ms')`: see fault.sh. Resolves when it is so. */
  fault(...fault: [string, ...string[]]): Promise<void>;
  /** Undoes all faults but a skewed clock. */
  heal(): Promise<void>;
}

export interface FleetOptions {
  count: number;
  /** Of this machine's engine, put into each host's. */
  images?: string[];
  /** More flags for `docker run` of each host. */
  runArgs?: string[];
}

export interface Fleet {
  name: string;
  /** Where hosts reach this machine. */
  gateway: string;
  hosts: FleetHost[];
}

/** Boots one that is taken down when the test ends, however it does. */
export async function startFleet(t: Test, { count, images = [], runArgs = [] }: FleetOptions): Promise<Fleet> {
  await sweep();
  const name = uniqueName('fleet');
  own(name);
  t.teardown(() => script(name, 'down.sh', []));
  const env = { FLEET_RUN_ARGS: runArgs.join(' ') };
  const lines = await script(name, 'up.sh', [String(count), ...images], { env, timeoutMs: UP_LIMIT_MS });
  const hosts = lines.split('\n').map((line) => {
    const [host = '', address = ''] = line.split('\t');
    return createHost(name, host, address);
  });
  const format = '{{(index .IPAM.Config 0).Gateway}}';
  return { name, gateway: await docker(['network', 'inspect', '-f', format, name]), hosts };
}

function createHost(fleet: string, name: string, address: string): FleetHost {
  const shell: FleetHost['shell'] = (text, options) => docker(['exec', name, 'sh', '-c', text], options);
  const fault: FleetHost['fault'] = async (...args) => {
    await script(fleet, 'fault.sh', [name, ...args], { timeoutMs: FAULT_LIMIT_MS });
  };
  const path = (inside: string) => join(STATE, fleet, `${name}.disk`, inside);
  return {
    name,
    address,
    run: (...command) => docker(['exec', name, ...command]),
    shell,
    write: async (file, content) => {
      await docker([
        'exec',
        name,
        'sh',
        '-c',
        'mkdir -p "$(dirname "$1")" && printf %s "$2" >"$1"',
        'sh',
        file,
        content,
      ]);
    },
    path,
    fault,
    heal: () => fault('heal'),
  };
}

const script = (
  fleet: string,
  file: string,
  args: string[],
  { env = {}, timeoutMs }: { env?: Record<string, string>; timeoutMs?: number } = {},
): Promise<string> =>
  runProgram(join(SCRIPTS, file), args, {
    env: { ...env, FLEET: fleet, FLEET_STATE: STATE },
    ...(timeoutMs !== undefined && { timeoutMs }),
  });

// ── what a run that crashed left behind ──────────────────────────────────────────────────────────────────────────────

const ownerFile = (fleet: string) => join(STATE, fleet, 'owner');

function own(fleet: string): void {
  mkdirSync(join(STATE, fleet), { recursive: true });
  writeFileSync(ownerFile(fleet), ownerOf(process.pid));
}

/** Number and start of a process: the number alone may be another's by now. Empty when there is none. */
function ownerOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`);
  return stat && `${pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
}

/** Takes down fleets whose test is gone. One without an owner was booted by hand and stays. */
async function sweep(): Promise<void> {
  mkdirSync(STATE, { recursive: true });
  for (const fleet of readdirSync(STATE)) {
    const owner = read(ownerFile(fleet));
    if (!owner || owner === ownerOf(Number.parseInt(owner, 10))) continue;
    await script(fleet, 'down.sh', []).catch(() => undefined); // another run may be at it as well
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

// ── whether this machine can ─────────────────────────────────────────────────────────────────────────────────────────

/** Why this machine can't boot such hosts, or false. */
export async function missingFleet(): Promise<string | false> {
  const noDocker = await missingDocker();
  if (noDocker) return noDocker;
  if (process.getuid?.() !== 0) return 'hosts of their own are booted by root';
  const can = (file: string, ...args: string[]) => runProgram(file, args).then(Boolean, () => false);
  if (!(await can('apt-get', '--version')))
    return 'hosts of their own are built of Debian packages, and here is no apt-get';
  if (!(await can('losetup', '--find'))) return 'hosts of their own need loop devices for their disks';
  return false;
}

/** `if (!(await requireFleet(t))) return;`: where this machine can't, the report says so. In CI a skip is a failure. */
export async function requireFleet(t: Test): Promise<boolean> {
  const reason = await missingFleet();
  if (reason) t.plan(0, `not run: ${reason}`);
  return !reason;
}
