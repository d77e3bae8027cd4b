// The log that is kept of a container which is gone: a compressed json-file log whose name tells the rest, so that an
// operator finds it with `ls` and reads it with `zcat`.
//
//     DATA/logs/<service id>/20260329T100000.123Z_0123456789ab_shop-web-1.log.gz

/** Docker's short form of an id. */
export const SHORT_ID_CHARS = 12;

export interface KeptLog {
  path: string;
  container: string;
  /** Its first characters. */
  containerId: string;
  /** It had a terminal: its lines end in \r\n. */
  isTty: boolean;
  /** When it was found gone, milliseconds since the epoch. */
  keptAt: number;
}

/** Of one container, before compression: some 40 000 lines. */
export const MAX_KEPT_BYTES = 4 * 1024 * 1024;

/** The log of a container that may go away. */
export interface HeldLog {
  readonly isTty: boolean;
  /** Its last records, whole, to the end of the container. */
  tail(): Promise<Buffer>;
  release(): Promise<unknown>;
}

const NAME = /^(\d{8}T\d{6}\.\d{3}Z)_([0-9a-f]{12})_([\w.-]+)\.(log|tty)\.gz$/;

export function nameOf({ container, containerId, isTty, keptAt }: Omit<KeptLog, 'path'>): string {
  const at = new Date(keptAt).toISOString().replaceAll(/[-:]/g, '');
  return `${at}_${containerId.slice(0, SHORT_ID_CHARS)}_${container}.${isTty ? 'tty' : 'log'}.gz`;
}

/** Undefined for a file that is not ours. */
export function parseName(name: string): Omit<KeptLog, 'path'> | undefined {
  const [, at = '', containerId = '', container = '', kind] = NAME.exec(name) ?? [];
  const keptAt = Date.parse(at.replace(/^(....)(..)(..T..)(..)/, '$1-$2-$3:$4:'));
  return Number.isNaN(keptAt) ? undefined : { container, containerId, isTty: kind === 'tty', keptAt };
}

/** Bytes on disk. */
export interface KeptLimits {
  service: number;
  host: number;
}

export interface KeptFile {
  serviceId: string;
  path: string;
  keptAt: number;
  bytes: number;
}

/** What has to go so that the limits hold: the oldest first, of a service that has too much before all others. */
export function beyondLimits(files: readonly KeptFile[], limits: KeptLimits): KeptFile[] {
  const newestFirst = files.toSorted((a, b) => b.keptAt - a.keptAt);
  const used = new Map<string, number>();
  const withinService = newestFirst.filter(({ serviceId, bytes }) => {
    const sum = (used.get(serviceId) ?? 0) + bytes;
    used.set(serviceId, sum);
    return sum <= limits.service;
  });
  let total = 0;
  const kept = new Set(withinService.filter(({ bytes }) => (total += bytes) <= limits.host));
  return newestFirst.filter((file) => !kept.has(file));
}
