// Which programs a backup runs inside containers, and what each of them says of its database. Pure.
//
// Passwords are those that the container itself has in its environment; the text of these commands names the variables
// and never a value, and no program gets one as an argument.
import { MAX_DUMPS, type BackupSettings, type DumpKind, type DumpSpec } from '#shared/backup.ts';
import { LongshoreError } from '#shared/errors.ts';

export interface Dump {
  /** The compose service. */
  service: string;
  /** What the dump is called in the backup. */
  file: string;
  command: string[];
}

type Known = Exclude<DumpKind, 'command'>;

/** By the last part of an image's name, as those of Docker Hub, Bitnami and their like are called. */
const IMAGES: Readonly<Record<Known, RegExp>> = {
  postgres: /^(postgres|postgresql|postgis|pgvector|timescaledb|timescaledb-ha)$/,
  mysql: /^(mysql|mariadb|percona|percona-server|mysql-server)$/,
  mongodb: /^(mongo|mongodb|mongodb-community-server)$/,
  redis: /^(redis|redis-stack|redis-stack-server|valkey)$/,
};

/** As the images document it: a variable, or the file that another one names. */
const secret = (name: string): string => `"\${${name}:-$(cat "\${${name}_FILE:-/dev/null}" 2>/dev/null)}"`;

const SCRIPTS: Readonly<Record<Known, { file: string; script: string }>> = {
  postgres: {
    file: 'sql',
    script: `export PGPASSWORD=${secret('POSTGRES_PASSWORD')}; exec pg_dumpall --clean --if-exists -U "\${POSTGRES_USER:-postgres}"`,
  },
  mysql: {
    file: 'sql',
    script: `p=${secret('MYSQL_ROOT_PASSWORD')}; export MYSQL_PWD="\${p:-${secret('MARIADB_ROOT_PASSWORD').slice(1, -1)}}"
d=$(command -v mariadb-dump || echo mysqldump); exec "$d" --all-databases --single-transaction --routines --events -u root`,
  },
  // printf is the shell's own: nothing of it shows in a list of processes. YAML doubles quotes.
  mongodb: {
    file: 'archive',
    script: `p=${secret('MONGO_INITDB_ROOT_PASSWORD')}; [ -n "$p" ] || exec mongodump --quiet --archive
printf "password: '%s'\\n" "$(printf %s "$p" | sed "s/'/''/g")" |
  mongodump --quiet --archive --config /dev/stdin --authenticationDatabase admin -u "$MONGO_INITDB_ROOT_USERNAME"`,
  },
  redis: {
    file: 'rdb',
    script: `p="\${REDISCLI_AUTH:-\${REDIS_PASSWORD:-}}"; [ -z "$p" ] || export REDISCLI_AUTH="$p"; exec redis-cli --rdb -`,
  },
};

/** Undefined for an image that is none of these. */
export function databaseOf(image: string): Known | undefined {
  const name =
    image
      .replace(/@.*$/, '')
      .replace(/:[^/]*$/, '')
      .split('/')
      .at(-1) ?? '';
  return (Object.keys(IMAGES) as Known[]).find((kind) => IMAGES[kind].test(name));
}

/** `services`: which run, with their images. Throws `state_conflict` for a dump of one that does not. */
export function planDumps(asked: BackupSettings['dumps'], services: ReadonlyMap<string, string>): Dump[] {
  const specs = asked === 'auto' ? recognised(services) : asked;
  const missing = specs.find(({ service }) => !services.has(service));
  if (!missing) return specs.map(toDump);
  throw new LongshoreError('state_conflict', {
    message: `Cannot dump "${missing.service}": it does not run`,
    details: 'Start the service, or take this dump out of its backup settings.',
  });
}

function recognised(services: ReadonlyMap<string, string>): DumpSpec[] {
  const found = [...services].map(([service, image]) => ({ service, kind: databaseOf(image) }));
  return found
    .filter((one): one is { service: string; kind: Known } => one.kind !== undefined)
    .toSorted((a, b) => (a.service < b.service ? -1 : 1))
    .slice(0, MAX_DUMPS);
}

function toDump({ service, kind, command }: DumpSpec): Dump {
  if (kind === 'command') return { service, file: `${service}.dump`, command: command ?? [] };
  const { file, script } = SCRIPTS[kind];
  return { service, file: `${service}.${kind}.${file}`, command: ['sh', '-c', script] };
}
