// Which databases a backup dumps, and by which programs.
import t from 'tap';
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
