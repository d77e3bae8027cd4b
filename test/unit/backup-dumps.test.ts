// Which databases a backup dumps, and by which programs.
import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { makeFolder } from '../support/folder.ts';
import { databaseOf, planDumps } from '../../agent/backup/dump-plan.ts';

t.test('databases are known by their images, wherever these come from', async (t) => {
  const known = {
    'postgres:16-alpine': 'postgres',
    'docker.io/library/postgres@sha256:0123': 'postgres',
    'registry.example.com:5000/bitnami/postgresql:16': 'postgres',
    'timescale/timescaledb:latest-pg16': 'postgres',
    'mariadb:11': 'mysql',
    'mysql/mysql-server:8.0': 'mysql',
    'mongo:7': 'mongodb',
    'valkey/valkey:8': 'redis',
    redis: 'redis',
  };
  for (const [image, kind] of Object.entries(known)) t.equal(databaseOf(image), kind, image);
  const others = [
    'prodrigestivill/postgres-backup-local',
    'oliver006/redis_exporter',
    'phpmyadmin',
    'localhost:5000/web',
    'mongo-express',
  ];
  for (const image of others) t.equal(databaseOf(image), undefined, image);
});

t.test('auto dumps each database that runs, by name', async (t) => {
  const services = new Map([
    ['web', 'nginx:1'],
    ['db', 'postgres:16'],
    ['cache', 'redis:7'],
  ]);
  const planned = planDumps('auto', services).map(({ service, file }) => `${service} ${file}`);
  t.strictSame(planned, ['cache cache.redis.rdb', 'db db.postgres.sql']);
  t.strictSame(planDumps('auto', new Map([['web', 'nginx:1']])), []);
});

t.test('a command of the user is run as it is, without a shell', async (t) => {
  const command = ['my-dump', '--to', 'a b; rm'];
  const [dump] = planDumps([{ service: 'db', kind: 'command', command }], new Map([['db', 'anything']]));
  t.strictSame(dump, { service: 'db', file: 'db.dump', command });
});

t.test('a dump of what does not run is no backup', async (t) => {
  const error = { code: 'state_conflict', message: 'Cannot dump "db": it does not run' };
  t.throws(() => planDumps([{ service: 'db', kind: 'postgres' }], new Map()), error);
});

t.test('passwords are the container’s own: none is an argument', async (t) => {
  const kinds = ['postgres', 'mysql', 'mongodb', 'redis'] as const;
  for (const kind of kinds) {
    const [dump] = planDumps([{ service: 'db', kind }], new Map([['db', 'x']]));
    const [program = '', option = '', script = ''] = dump?.command ?? [];
    t.strictSame([program, option], ['sh', '-c'], kind);
    t.notMatch(script, /(--password|-p)[ =]?["$]/, kind);
  }
});

/** Programs that say how they were called, and with what. */
const FAKES: Record<string, string> = {
  pg_dumpall: 'echo "$0 $* PGPASSWORD=$PGPASSWORD"',
  mysqldump: 'echo "$0 $* MYSQL_PWD=$MYSQL_PWD"',
  mongodump: 'echo "$0 $*"; case "$*" in *--config*) cat ;; esac',
  'redis-cli': 'echo "$0 $* REDISCLI_AUTH=${REDISCLI_AUTH-unset}"',
};

t.test('each program is called as its image keeps passwords, in variables or in files', async (t) => {
  const folder = makeFolder(t, 'programs');
  for (const [name, script] of Object.entries(FAKES)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  const file = join(folder, 'secret');
  writeFileSync(file, 'from a file\n');
  const run = (kind: 'postgres' | 'mysql' | 'mongodb' | 'redis', env: Record<string, string>) => {
    const [program = '', ...args] = planDumps([{ service: 'db', kind }], new Map([['db', 'x']]))[0]?.command ?? [];
    const said = execFileSync(program, args, { env: { ...env, PATH: `${folder}:/usr/bin:/bin` }, encoding: 'utf8' });
    return said.replaceAll(`${folder}/`, '').trim();
  };
  const postgres = 'pg_dumpall --clean --if-exists -U';
  t.equal(run('postgres', { POSTGRES_PASSWORD: 'a b' }), `${postgres} postgres PGPASSWORD=a b`);
  const fromFile = { POSTGRES_USER: 'shop', POSTGRES_PASSWORD_FILE: file };
  t.equal(run('postgres', fromFile), `${postgres} shop PGPASSWORD=from a file`);
  const mysql = 'mysqldump --all-databases --single-transaction --routines --events -u root';
  t.equal(run('mysql', { MYSQL_ROOT_PASSWORD: 'x$y' }), `${mysql} MYSQL_PWD=x$y`);
  t.equal(run('mysql', { MARIADB_ROOT_PASSWORD: 'z' }), `${mysql} MYSQL_PWD=z`);
  t.equal(run('mysql', { MARIADB_ROOT_PASSWORD_FILE: file }), `${mysql} MYSQL_PWD=from a file`);
  t.equal(run('mongodb', {}), 'mongodump --quiet --archive');
  const login = { MONGO_INITDB_ROOT_USERNAME: 'root', MONGO_INITDB_ROOT_PASSWORD: "it's: #1" };
  const mongo = 'mongodump --quiet --archive --config /dev/stdin --authenticationDatabase admin -u root';
  t.equal(run('mongodb', login), `${mongo}\npassword: 'it''s: #1'`);
  t.equal(run('redis', {}), 'redis-cli --rdb - REDISCLI_AUTH=unset');
  t.equal(run('redis', { REDIS_PASSWORD: 'r' }), 'redis-cli --rdb - REDISCLI_AUTH=r');
});
