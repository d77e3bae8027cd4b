// How a program says that it stands, and when it wants to be restarted.
import Database from 'better-sqlite3';
import { join } from 'node:path';
import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { judgeWrite } from '#shared/storage-standing.ts';
import { toStanding as toControlStanding } from '../../control/standing.ts';
import { toStanding, type StandingFacts } from '../../agent/standing.ts';

const AT = Date.UTC(2026, 10, 21, 9, 30, 15, 250);
const SOUND: StandingFacts = {
  control: {
    url: 'https://panel.example.com',
    hostId: 'host_1',
    offlineSince: null,
    cause: undefined,
    keptEvents: 0,
  },
  services: 12,
  dockerAwaySince: null,
  overdueCalls: 0,
  storage: { isSound: true, trouble: null },
};
const OFFLINE = { ...SOUND.control, offlineSince: AT, cause: 'Cannot reach the control plane', keptEvents: 120 };

const CASES: [name: string, facts: Partial<StandingFacts>, status: string, fault: string | null][] = [
  ['all is well', {}, 'connected to https://panel.example.com as host_1; 12 services; Docker answers', null],
  [
    'a control plane out of reach is no reason for a restart',
    { control: OFFLINE },
    'offline since 2026-11-21T09:30:15Z (Cannot reach the control plane); 120 events kept; 12 services; Docker answers',
    null,
  ],
  [
    'nor is it before the first try has failed',
    { control: { ...OFFLINE, cause: undefined, keptEvents: 1 }, services: 1 },
    'offline since 2026-11-21T09:30:15Z; 1 event kept; 1 service; Docker answers',
    null,
  ],
  [
    'F12: nor is an engine that hangs',
    { dockerAwaySince: AT },
    'connected to https://panel.example.com as host_1; 12 services; Docker has not answered since 2026-11-21T09:30:15Z',
    null,
  ],
  [
    'F29: nor is a full disk',
    { storage: { isSound: true, trouble: 'the disk is full' } },
    'connected to https://panel.example.com as host_1; 12 services; Docker answers; the disk is full',
    null,
  ],
  [
    'a journal that takes no writes is one',
    { storage: { isSound: false, trouble: 'the database takes no writes (SQLITE_IOERR_WRITE)' } },
    'about to be restarted: the database takes no writes (SQLITE_IOERR_WRITE); connected to https://panel.example.com as host_1; 12 services; Docker answers',
    'the database takes no writes (SQLITE_IOERR_WRITE)',
  ],
  [
    'so is a call to Docker that did not end',
    { overdueCalls: 2 },
    'about to be restarted: 2 calls to Docker did not end in time; connected to https://panel.example.com as host_1; 12 services; Docker answers',
    '2 calls to Docker did not end in time',
  ],
];

for (const [name, facts, status, fault] of CASES) {
  t.test(name, async (t) => {
    t.strictSame(toStanding({ ...SOUND, ...facts }), { status, fault });
  });
}

t.test('what others say cannot say anything to systemd', async (t) => {
  const { status } = toStanding({ ...SOUND, control: { ...OFFLINE, cause: 'no\nWATCHDOG=1\r\n\u2028x' } });
  t.match(status, '(no WATCHDOG=1 x)');
  t.notMatch(status, /[\n\r\u2028]/);
  t.ok(toStanding({ ...SOUND, control: { ...OFFLINE, cause: 'x'.repeat(10_000) } }).status.length < 1000);
});

t.test('the control plane says how many hosts are connected', async (t) => {
  const ours = new LongshoreError('storage_full', { cause: sqliteError('SQLITE_FULL') });
  t.strictSame(
    [undefined, ours, sqliteError('SQLITE_CORRUPT')].map((error) => toControlStanding('http://x', 3, error)),
    [
      { status: 'answers at http://x; hosts connected: 3', fault: null },
      { status: 'answers at http://x; hosts connected: 3; the disk is full', fault: null },
      {
        status: 'answers at http://x; hosts connected: 3; the database takes no writes (SQLITE_CORRUPT)',
        fault: 'the database takes no writes (SQLITE_CORRUPT)',
      },
    ],
  );
});

const sqliteError = (code: string) => Object.assign(new Error('…'), { code });

t.test('what a restart does not mend is no fault of the process', async (t) => {
  for (const code of [
    'SQLITE_FULL',
    'SQLITE_IOERR_SHMSIZE',
    'SQLITE_BUSY',
    'SQLITE_BUSY_SNAPSHOT',
    'SQLITE_LOCKED',
    'SQLITE_READONLY',
  ])
    t.match(judgeWrite(sqliteError(code)), { isSound: true, trouble: String }, code);
  for (const code of ['SQLITE_IOERR', 'SQLITE_CORRUPT', 'SQLITE_CANTOPEN', 'SQLITE_READONLY_DBMOVED', 'SQLITE_NOTADB'])
    t.match(judgeWrite(sqliteError(code)), { isSound: false, trouble: new RegExp(`\\(${code}\\)`) }, code);
});

t.test('real databases: one is locked, one is closed', async (t) => {
  const file = join(t.testdir(), 'x.db');
  const [db, other] = [new Database(file, { timeout: 0 }), new Database(file, { timeout: 0 })];
  const write = () => {
    try {
      db.exec('CREATE TABLE IF NOT EXISTS x (y); INSERT INTO x VALUES (1)');
      return undefined;
    } catch (error) {
      return error;
    }
  };
  t.strictSame(judgeWrite(write()), { isSound: true, trouble: null });
  other.exec('BEGIN EXCLUSIVE');
  t.strictSame(judgeWrite(write()), { isSound: true, trouble: 'another program holds the database' });
  other.close();
  db.close();
  t.strictSame(judgeWrite(write()), { isSound: false, trouble: 'the database takes no writes (TypeError)' });
});
