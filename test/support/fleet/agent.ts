// The agent on a host of a fleet: how it gets there, and what a look from this machine sees of it.
import { execFileSync } from 'node:child_process';
import type { Api } from '../api.ts';
import { runProgram } from '../docker.ts';
import type { FleetHost } from './fleet.ts';

export const UNIT = 'longshore-agent.service';
export const STATE_DIR = '/var/lib/longshore';
/** Download, check, unpack, start, on a machine where others do the same. */
const INSTALL_LIMIT_MS = 180_000;
/** What a copy of the disk has of the agent. */
const FILES = [
  'etc/longshore',
  'etc/systemd/system',
  'etc/passwd',
  'etc/group',
  'opt',
  'usr/local',
  STATE_DIR.slice(1),
];

/** By the line that control prints. Resolves once the host is connected, as the line does. */
export async function install(api: Api, host: FleetHost): Promise<void> {
  const { command } = (await api.post<{ command: string }>('/api/hosts/join-tokens', {})).body;
  await host.shell(command, { timeoutMs: INSTALL_LIMIT_MS });
}

/** Settings of the agent, for its next start. */
export const setAgent = (host: FleetHost, settings: Record<string, string>): Promise<void> =>
  host.write(
    '/etc/longshore/agent.env',
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );

/** As a hypervisor copies a machine that runs: at one moment. The copy is not started. */
export async function clone(from: FleetHost, to: FleetHost): Promise<void> {
  await from.fault('pause');
  for (const file of FILES) await runProgram('cp', ['-aT', from.path(file), to.path(file)]);
  await from.fault('resume');
}

/** What systemd knows of a unit there. */
export const showUnit = (host: FleetHost, property: string, unit = UNIT): Promise<string> =>
  host.run('systemctl', 'show', '-P', property, unit);

/** What the oracle asks of it: its words since it is there, and its number on this machine. */
export const agentOf = ({ name }: FleetHost) => ({
  get output(): string {
    return run('exec', name, 'journalctl', '-u', UNIT, '-o', 'cat', '--no-pager');
  },
  get pid(): number {
    const lines = run('top', name, '-eo', 'pid,args').split('\n');
    return Number.parseInt(lines.find((text) => text.includes('agent.mjs')) ?? '', 10);
  },
});

const run = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8', maxBuffer: 64 << 20 });
