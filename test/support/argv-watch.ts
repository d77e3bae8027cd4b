// The command lines of all processes of this machine while something happens: what anybody here could have read.
import { readdirSync, readFileSync } from 'node:fs';

/** A child that lives shorter than this may be missed; Compose takes ten times as long. */
const POLL_MS = 4;

export interface ArgvWatch {
  seen: ReadonlySet<string>;
  stop(): void;
}

export function watchArgv(): ArgvWatch {
  const seen = new Set<string>();
  const look = () => {
    for (const pid of readdirSync('/proc')) if (/^\d+$/.test(pid)) seen.add(argvOf(pid));
  };
  const timer = setInterval(look, POLL_MS);
  return { seen, stop: () => clearInterval(timer) };
}

/** Empty for one that is gone, and for a thread of the kernel. */
function argvOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}
