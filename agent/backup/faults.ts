// What restic's end means for whoever asked for the backup. Pure: how it ended and what it said in, a coded error out.
import { LongshoreError, type ErrorCode } from '#shared/errors.ts';

export interface ResticEnd {
  code: number | null;
  signal: string | null;
  killedBy: 'deadline' | 'abort' | null;
}

/** Errors about single files, then what restic gave as its reason. */
export interface ResticWords {
  errors: readonly { item: string; message: string }[];
  reason: string;
}

/** Of restic's own exit codes (restic 0.17, "Exit codes" in its manual). */
const NO_REPOSITORY = 10;
const LOCKED = 11;
const WRONG_PASSWORD = 12;
/** Enough to see what they have in common. */
const SHOWN_ERRORS = 5;

/** `action`: `Cannot back up "shop"`. `otherwise`: what it is called when the words say nothing more exact. */
export function resticFault(action: string, otherwise: ErrorCode, end: ResticEnd, words: ResticWords): LongshoreError {
  if (end.killedBy === 'deadline') {
    const details = words.reason === '' ? 'restic got no further' : `restic got no further: ${words.reason}`;
    return new LongshoreError('timed_out', { message: `${action} in time`, details });
  }
  if (end.signal !== null) {
    return new LongshoreError('interrupted', { message: `${action}: restic was ended by ${end.signal}` });
  }
  const said = [...words.errors.slice(0, SHOWN_ERRORS).map(({ message }) => message), words.reason].filter(Boolean);
  const details = BY_EXIT[end.code ?? 0] ?? (said.join('\n') || 'restic gave no reason');
  return new LongshoreError(codeOf(said.join('\n'), otherwise), { message: action, details });
}

const BY_EXIT: Readonly<Record<number, string>> = {
  [NO_REPOSITORY]: 'The repository is gone or damaged: it has no config file',
  [LOCKED]: 'The repository is locked: another restic works on it',
  [WRONG_PASSWORD]: 'The repository does not open with its password: one of the two is from elsewhere',
};

function codeOf(said: string, otherwise: ErrorCode): ErrorCode {
  if (/no space left on device|disk quota exceeded/.test(said)) return 'host_disk_full';
  return /permission denied|operation not permitted|read-only file system/.test(said) ? 'volume_denied' : otherwise;
}

/** A program that works on a volume's files has failed, with what it said last. */
export const toolFault = (program: string, exitCode: number | null, said: string): LongshoreError =>
  new LongshoreError(codeOf(said.toLowerCase(), 'restore_failed'), {
    message: `Cannot restore: ${program} ended with ${exitCode ?? 'no code'}`,
    ...(said !== '' && { details: said }),
  });

/** The way out, wherever a volume's files cannot be touched. */
export const deniedVolume = (action: string, path: string, cause: unknown): LongshoreError =>
  new LongshoreError('volume_denied', {
    message: `${action}: "${path}" cannot be opened`,
    details:
      'To read volumes the agent needs CAP_DAC_READ_SEARCH: the unit for systemd gives it. One that is root needs no more.',
    cause,
  });
