// What systemd says of a unit and of the clock, for an examination; null, or empty, where there is no systemd.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { UnitFacts } from './doctor/findings.ts';

const DEADLINE_MS = 5_000;

const runProgram = promisify(execFile);

async function ask(program: string, ...args: string[]): Promise<Map<string, string> | null> {
  try {
    const { stdout } = await runProgram(program, args, { timeout: DEADLINE_MS });
    const lines = stdout.split('\n').filter((line) => line.includes('='));
    return new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  } catch {
    return null;
  }
}

export async function fetchUnit(name: string): Promise<UnitFacts | null> {
  const told = await ask('systemctl', 'show', '--property=ActiveState,UnitFileState', name);
  return told && { name, active: told.get('ActiveState') ?? '', enabled: told.get('UnitFileState') ?? '' };
}

/** Whether a time service keeps the clock. */
export async function isClockSynchronized(): Promise<boolean | null> {
  const told = await ask('timedatectl', 'show', '--property=NTPSynchronized');
  return told && told.get('NTPSynchronized') === 'yes';
}

export async function fetchSystemdVersion(): Promise<string | null> {
  const told = await ask('systemctl', 'show', '--property=Version');
  return told?.get('Version') ?? null;
}
