// What an examination of a machine found: one line for each thing that was looked at, with the way out where something is
// wrong. The judgements that both sides share. Pure.

export const VERDICTS = ['ok', 'warn', 'fail'] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface Finding {
  check: string;
  /** `warn`: it works, and will not for long, or not for everything. */
  verdict: Verdict;
  found: string;
  /** What to do; null where nothing is to be done. */
  fix: string | null;
}

export const fine = (check: string, found: string): Finding => ({ check, verdict: 'ok', found, fix: null });
export const warn = (check: string, found: string, fix: string): Finding => ({ check, verdict: 'warn', found, fix });
export const fail = (check: string, found: string, fix: string): Finding => ({ check, verdict: 'fail', found, fix });

export interface PathFacts {
  path: string;
  /** Permission bits; null: it is not there. */
  mode: number | null;
}

/** Keys lie there: nobody but the owner has any business in it. */
export function judgePrivate(check: string, { path, mode }: PathFacts, usual: 0o600 | 0o700): Finding {
  if (mode === null) return warn(check, `${path} is not there`, 'Nothing, if it never started; else restore a backup');
  if ((mode & 0o077) === 0) return fine(check, `${path}, for its owner alone`);
  return fail(check, `${path} is open to others (${toOctal(mode)})`, `chmod ${toOctal(usual)} ${path}`);
}

const toOctal = (mode: number): string => mode.toString(8).padStart(3, '0');

export interface DiskFacts {
  path: string;
  totalBytes: number;
  freeBytes: number;
}

/** Below it an agent takes no new jobs, and a database no writes. */
const LEAST_FREE_BYTES = 64e6;
/** An image or two. */
const COMFORT_BYTES = 2e9;
const COMFORT_SHARE = 0.05;

export function judgeDisk({ path, totalBytes, freeBytes }: DiskFacts): Finding {
  const found = `${toGigabytes(freeBytes)} of ${toGigabytes(totalBytes)} free at ${path}`;
  const fix = 'Free some: `docker system df`, `longshore hosts prune HOST`, `journalctl --vacuum-size=200M`';
  if (freeBytes < LEAST_FREE_BYTES) return fail('disk', found, fix);
  const isTight = freeBytes < COMFORT_BYTES || freeBytes < totalBytes * COMFORT_SHARE;
  return isTight ? warn('disk', found, fix) : fine('disk', found);
}

const toGigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** Certificates, schedules and the times in logs are off by it; deadlines of jobs are not. */
const MOST_SKEW_MS = 10_000;

/** `skewMs`: by how much this clock is ahead of the other side's; null: it did not tell. Likewise `isSynchronized`. */
export function judgeClock(skewMs: number | null, isSynchronized: boolean | null): Finding {
  const fix = 'Turn on a time service: `timedatectl set-ntp true`';
  if (skewMs !== null && Math.abs(skewMs) > MOST_SKEW_MS) {
    const seconds = Math.round(Math.abs(skewMs) / 1000);
    const found = `${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} the control plane's`;
    return fail('clock', found, fix);
  }
  const agreed = skewMs === null ? '' : ", as the control plane's";
  if (isSynchronized === false) return warn('clock', `not kept by a time service${agreed}`, fix);
  return fine('clock', `${isSynchronized === null ? 'taken as it is' : 'kept by a time service'}${agreed}`);
}

export interface UnitFacts {
  name: string;
  /** As `systemctl show` has them; empty where there is no such unit. */
  active: string;
  enabled: string;
}

/** `isAlive`: it answers, whoever started it. */
export function judgeUnit({ name, active, enabled }: UnitFacts, isAlive: boolean): Finding {
  if (enabled === '') {
    return isAlive
      ? fine('unit', `no unit ${name}; it runs by itself`)
      : fail('unit', `no unit ${name}, and it does not run`, 'Install it: docs/operating.md');
  }
  if (active !== 'active')
    return fail('unit', `${name} is ${active}`, `journalctl -u ${name}; systemctl restart ${name}`);
  if (enabled !== 'enabled')
    return warn('unit', `${name} runs, and will not after a reboot`, `systemctl enable ${name}`);
  return fine('unit', `${name} runs, and will after a reboot`);
}

/** Whether a version is that one or a later one; what cannot be read is not. */
export function isAtLeast(version: string, least: string): boolean {
  const [have, need] = [version, least].map((text) => (/\d+(\.\d+)*/.exec(text)?.[0] ?? '-1').split('.').map(Number));
  for (const [i, wanted] of (need ?? []).entries()) {
    const part = have?.[i] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
