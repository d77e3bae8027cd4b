// The words of backups that both sides share. Plain data, as in model.ts.

/** Jobs about a backup: they say nothing of what should run. A `drill` tries one out beside the service. */
export const BACKUP_KINDS = ['backup', 'restore', 'forget_backup', 'drill'] as const;
export type BackupKind = (typeof BACKUP_KINDS)[number];
export const isBackupKind = (kind: string): kind is BackupKind => (BACKUP_KINDS as readonly string[]).includes(kind);

/** `pending`: its job waits. Whatever else its job's end is called, a backup that is not there failed. */
export const BACKUP_STATES = ['pending', 'running', 'succeeded', 'failed'] as const;
export type BackupState = (typeof BACKUP_STATES)[number];

/** What becomes of a service's containers while its volumes are copied: nothing, or they stand still, or they are down. */
export const CONSISTENCIES = ['live', 'pause', 'stop'] as const;
export type Consistency = (typeof CONSISTENCIES)[number];

/** Databases whose dump command we know; `command` is one of the user's own. */
export const DUMP_KINDS = ['postgres', 'mysql', 'mongodb', 'redis', 'command'] as const;
export type DumpKind = (typeof DUMP_KINDS)[number];
/** A program inside a container whose output belongs into the backup. */
export interface DumpSpec {
  /** The compose service it runs in. */
  service: string;
  kind: DumpKind;
  /** For `command`: the program and its arguments. */
  command?: string[] | undefined;
}
export const MAX_DUMPS = 20;

/** How many backups stay: the last ones, and the newest of each of so many days, weeks and months. 0: none by that rule. */
export interface Retention {
  last: number;
  daily: number;
  weekly: number;
  monthly: number;
}

/** A restic repository outside of the host, with what opens it. */
export interface RepositorySpec {
  id: string;
  /** As restic takes it; see backup-url.ts. */
  url: string;
  password: string;
  /** Credentials of its server, by the names that restic reads from its environment. */
  env: Record<string, string>;
  /** For sftp only: a private key as OpenSSH writes it. */
  privateKey?: string | undefined;
  /** For sftp only: lines of a known_hosts file, the only ones to count. */
  knownHosts?: string | undefined;
}

/** How a service is backed up. Its host keeps it, so that schedules need nobody. */
export interface BackupSettings {
  consistency: Consistency;
  /** `auto`: of every database that is known by its image. */
  dumps: 'auto' | DumpSpec[];
  /** Null: every backup stays until it is deleted. */
  retention: Retention | null;
  /** A deploy that would change what runs takes one first. */
  beforeDeploy: boolean;
  /** Null: on the host itself. */
  repository: RepositorySpec | null;
}

export const DEFAULT_BACKUP_SETTINGS: BackupSettings = {
  consistency: 'live',
  dumps: [],
  retention: null,
  beforeDeploy: false,
  repository: null,
};

/** What a finished backup holds. */
export interface BackupSummary {
  /** Of restic. */
  snapshotId: string;
  files: number;
  totalBytes: number;
  /** What it took on disk: new data only, compressed. */
  addedBytes: number;
  /** Absent from a host of before there was a choice: live. */
  consistency?: Consistency | undefined;
  /** Compose services whose dumps are in it. */
  dumps?: string[] | undefined;
}
