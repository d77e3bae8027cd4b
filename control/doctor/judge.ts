// What the facts of a control plane's machine mean for whoever runs it. Pure.
import { fail, fine, judgeClock, judgeDisk, judgePrivate, judgeUnit, warn } from '#shared/doctor/findings.ts';
import type { DiskFacts, Finding, PathFacts, UnitFacts } from '#shared/doctor/findings.ts';

/** Who answers at an address: the control plane, another program, nobody. */
export interface Reached {
  url: string;
  fault: string | null;
  isRefused: boolean;
  /** Milliseconds since the epoch; null without TLS. */
  certificateEndsAt: number | null;
}

export interface ControlExam {
  version: string;
  node: string;
  unit: UnitFacts | null;
  folder: PathFacts;
  keys: PathFacts[];
  disk: DiskFacts | null;
  /** `found`: null where there is no database yet. `fault`: why it cannot be read. */
  schema: { found: number | null; known: number; fault: string | null };
  /** Where it listens, as this machine reaches it. */
  own: Reached;
  /** As hosts and people reach it; null where nobody said how. */
  public: Reached | null;
  release: { folder: string; version: string | null; fault: string | null };
  isClockSynchronized: boolean | null;
}

const DAY_MS = 86_400_000;
/** Those who renew certificates do it a month before the end. */
const SOON_MS = 14 * DAY_MS;

export function judgeControl(exam: ControlExam, now: number): Finding[] {
  const { own, unit, folder, keys, disk } = exam;
  const certificateEndsAt = exam.public?.certificateEndsAt ?? own.certificateEndsAt;
  return [
    fine('version', `Longshore ${exam.version}, Node ${exam.node}`),
    ...(unit ? [judgeUnit(unit, own.fault === null)] : []),
    judgeOwn(own),
    ...(exam.public ? [judgePublic(exam.public)] : []),
    ...(certificateEndsAt === null ? [] : [judgeCertificate(certificateEndsAt, now)]),
    judgeSchema(exam.schema),
    judgePrivate('folder', folder, 0o700),
    ...keys.map((key) => judgePrivate('key', key, 0o600)),
    ...(disk ? [judgeDisk(disk)] : []),
    judgeClock(null, exam.isClockSynchronized),
    judgeRelease(exam.release),
  ];
}

function judgeOwn({ url, fault, isRefused }: Reached): Finding {
  if (fault === null) return fine('port', `answers at ${url}`);
  if (isRefused) return fail('port', `nobody listens at ${url}`, 'systemctl start longshore-control');
  return fail('port', `${url}: ${fault}`, 'Is another program on that port? `ss -ltnp`; see LONGSHORE_LISTEN');
}

function judgePublic({ url, fault }: Reached): Finding {
  if (fault === null) return fine('public URL', `${url} answers`);
  const fix = 'Does the name lead here? Does a firewall or a proxy stand before it? See LONGSHORE_PUBLIC_URL';
  return fail('public URL', `${url}: ${fault}`, fix);
}

function judgeCertificate(endsAt: number, now: number): Finding {
  const days = Math.floor((endsAt - now) / DAY_MS);
  const fix = 'Renew it: the files are looked at again by themselves';
  if (endsAt <= now) return fail('certificate', `ended ${-days} days ago`, fix);
  const found = `good for ${days} days`;
  return endsAt - now < SOON_MS ? warn('certificate', found, fix) : fine('certificate', found);
}

function judgeSchema({ found, known, fault }: ControlExam['schema']): Finding {
  if (fault !== null) return fail('database', fault, 'longshore control restore FILE');
  if (found === null) return warn('database', 'there is none yet', 'Start the control plane, or restore a backup');
  if (found > known) {
    const fix = 'Install the newer version again, or restore the backup made before the upgrade';
    return fail('database', `schema ${found} of a newer version; this one knows ${known}`, fix);
  }
  return fine('database', found === known ? `schema ${found}` : `schema ${found}; the next start makes it ${known}`);
}

function judgeRelease({ folder, version, fault }: ControlExam['release']): Finding {
  if (version !== null && fault === null) return fine('release', `${version} in ${folder}, whole and signed`);
  const found = version === null && fault === null ? `none in ${folder}: hosts cannot be installed or upgraded` : fault;
  return warn('release', found ?? '', 'npm run build, or install.sh control again');
}
