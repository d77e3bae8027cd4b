// A network of its own for one process: a namespace joined to this one by a cable (veth) that a test can cut.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { Test } from 'tap';

const run = promisify(execFile);

export interface NetworkNamespace {
  /** This side of the cable: what a server listens on. */
  address: string;
  /** Puts an argv inside: `spawn(...inside(['node', 'x.ts']))`. */
  inside(argv: string[]): [file: string, args: string[]];
  /** Drops every packet, both ways, and tells nobody. */
  cut(): Promise<void>;
  /** Drops the packets of one connection only, by the port it has inside. */
  cutPort(port: number): Promise<void>;
  heal(): Promise<void>;
}

/** Why this machine can't have one, or false. */
export async function missingNamespaces(): Promise<string | false> {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const name = `lsp${randomBytes(3).toString('hex')}`;
  try {
    await ensureTools();
    await run('ip', ['netns', 'add', name]);
    await run('ip', ['netns', 'exec', name, 'iptables', '-L', '-n']);
    return false;
  } catch (error) {
    return `network namespaces need iproute2, iptables and a kernel that allows them: ${(error as Error).message.split('\n')[0]}`;
  } finally {
    await run('ip', ['netns', 'del', name]).catch(() => {});
  }
}

export async function createNamespace(t: Test): Promise<NetworkNamespace> {
  const id = randomBytes(3).toString('hex');
  const [name, here, there] = [`ls${id}`, `ls${id}h`, `ls${id}n`];
  const [a, b] = randomBytes(2);
  const subnet = `10.${((a ?? 0) % 100) + 150}.${b}`; // away from Docker's and most LANs' ranges
  t.teardown(async () => {
    await run('ip', ['link', 'del', here]).catch(() => {});
    await run('ip', ['netns', 'del', name]).catch(() => {});
  });
  const ip = (...args: string[]) => run('ip', args);
  const iptables = (...args: string[]) => run('ip', ['netns', 'exec', name, 'iptables', ...args]);

  await ip('netns', 'add', name);
  await ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', name);
  await ip('addr', 'add', `${subnet}.1/30`, 'dev', here);
  await ip('link', 'set', here, 'up');
  await ip('-n', name, 'addr', 'add', `${subnet}.2/30`, 'dev', there);
  await ip('-n', name, 'link', 'set', there, 'up');

  return {
    address: `${subnet}.1`,
    inside: (argv) => ['ip', ['netns', 'exec', name, ...argv]],
    async cut() {
      await iptables('-A', 'INPUT', '-j', 'DROP');
      await iptables('-A', 'OUTPUT', '-j', 'DROP');
    },
    async cutPort(port) {
      await iptables('-A', 'INPUT', '-p', 'tcp', '--dport', `${port}`, '-j', 'DROP');
      await iptables('-A', 'OUTPUT', '-p', 'tcp', '--sport', `${port}`, '-j', 'DROP');
    },
    async heal() {
      await iptables('-F');
    },
  };
}

/** A bare machine has none of them; where apt is, they come by these names. */
async function ensureTools(): Promise<void> {
  try {
    await Promise.all([run('ip', ['-V']), run('iptables', ['-V'])]);
  } catch {
    await run('apt-get', ['update', '-qq']).catch(() => {}); // an old list is better than none
    const install = ['install', '-y', '-qq', '-o', 'DPkg::Lock::Timeout=120', '--no-install-recommends'];
    await run('apt-get', [...install, 'iproute2', 'iptables']);
  }
}
