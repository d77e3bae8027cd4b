// What restic (0.17 and newer) prints with --json, as far as we read it. Pure. A line of a kind we do not know, of a newer
// restic say, is undefined.
import type { BackupSummary } from '#shared/backup.ts';
import type { ArchiveNode } from './archive-rules.ts';

/** Older ones exit with 1 for everything and report no progress of a restore. */
export const RESTIC_MIN = '0.17';

export type ResticLine =
  | { kind: 'status'; percent: number; bytesDone: number; totalBytes: number }
  | { kind: 'summary'; summary: BackupSummary }
  | { kind: 'error'; item: string; message: string }
  | { kind: 'exit'; message: string }
  /** Not JSON: what restic says before it has read its arguments. */
  | { kind: 'text'; text: string };

export interface Snapshot {
  id: string;
  paths: string[];
  tags: string[];
  /** Milliseconds since the epoch. */
  at: number;
  summary: BackupSummary;
}

type Fields = Record<string, unknown>;

export function fromRestic(line: string): ResticLine | undefined {
  const fields = parseObject(line);
  if (!fields) return fromText(line.trim());
  switch (fields['message_type']) {
    case 'status':
      return toStatus(fields);
    case 'summary':
      return textOf(fields['snapshot_id']) === '' ? undefined : { kind: 'summary', summary: toSummary(fields) };
    case 'error':
      return { kind: 'error', item: textOf(fields['item']), message: errorOf(fields['error']) };
    case 'exit_error':
      return { kind: 'exit', message: textOf(fields['message']).replace(/^Fatal: /, '') };
    default:
      return undefined;
  }
}

/** Of `restic snapshots --json`, the oldest first. */
export function fromSnapshots(text: string): Snapshot[] {
  const all: unknown = JSON.parse(text);
  return (Array.isArray(all) ? all : []).map((one: Fields) => {
    const summary = toSummary({ ...(one['summary'] as Fields | undefined), snapshot_id: one['id'] });
    const [paths, tags] = [one['paths'], one['tags']].map((list) => (list as string[] | undefined) ?? []);
    return {
      id: summary.snapshotId,
      paths: paths ?? [],
      tags: tags ?? [],
      at: Date.parse(textOf(one['time'])),
      summary,
    };
  });
}

/** Of `restic ls --json`; undefined for the line about the snapshot itself. */
export function toNode(line: string): ArchiveNode | undefined {
  const fields = parseObject(line);
  if (fields?.['message_type'] !== 'node' && fields?.['struct_type'] !== 'node') return undefined;
  const [path, type] = [textOf(fields['path']), textOf(fields['type'])];
  return { path, type, size: numberOf(fields['size']), mode: numberOf(fields['mode']) };
}

/** Of `restic version`; undefined for what is not restic. */
export const versionOf = (text: string): string | undefined => /^restic (\d+\.\d+(?:\.\d+)?)/.exec(text)?.[1];

export function isRecent(version: string): boolean {
  const [[major = 0, minor = 0], [minMajor = 0, minMinor = 0]] = [partsOf(version), partsOf(RESTIC_MIN)];
  return major > minMajor || (major === minMajor && minor >= minMinor);
}

/** A file that was there when its folder was read and is gone a moment later: services work on while they are copied. */
export const isVanished = (message: string): boolean => message.endsWith('no such file or directory');

const partsOf = (version: string): number[] => version.split('.').map(Number);

/** Backup and restore count the same under different names. */
function toStatus(fields: Fields): ResticLine {
  return {
    kind: 'status',
    percent: 100 * numberOf(fields['percent_done']),
    bytesDone: numberOf(fields['bytes_done'] ?? fields['bytes_restored']),
    totalBytes: numberOf(fields['total_bytes']),
  };
}

const toSummary = (fields: Fields): BackupSummary => ({
  snapshotId: textOf(fields['snapshot_id']),
  files: numberOf(fields['total_files_processed']),
  totalBytes: numberOf(fields['total_bytes_processed']),
  addedBytes: numberOf(fields['data_added_packed']),
});

function parseObject(line: string): Fields | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Fields;
  } catch {
    return undefined;
  }
}

/** What restic was to copy and did not find is no message of JSON. */
function fromText(text: string): ResticLine | undefined {
  const skipped = /^(.+) does not exist, skipping$/.exec(text)?.[1];
  if (skipped !== undefined) return { kind: 'error', item: skipped, message: text };
  return text === '' ? undefined : { kind: 'text', text };
}

const errorOf = (error: unknown): string =>
  typeof error === 'object' && error !== null ? textOf((error as Fields)['message']) : textOf(error);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);
