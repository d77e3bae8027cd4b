// What systemd hears of us, with a stand-in for `systemd-notify` that writes its arguments down.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { silentLogger } from '#shared/log.ts';
import { credentialOf, notifyEnvOf, socketOf, Systemd } from '#shared/systemd.ts';

/** Writes `NOTIFY_SOCKET: words` and the names of its environment into `heard`. */
function standIn(t: Test, script = 'echo "$NOTIFY_SOCKET: $*" >> "$0.heard"; env >> "$0.env"') {
  const folder = t.testdir({});
  const program = join(folder, 'systemd-notify');
  writeFileSync(program, `#!/bin/sh\n${script}\n`);
  chmodSync(program, 0o755);
  return {
    env: { NOTIFY_SOCKET: '/run/it', PATH: `${folder}:/usr/bin:/bin` },
    heard: () => readFileSync(`${program}.heard`, 'utf8'),
    seen: () => readFileSync(`${program}.env`, 'utf8'),
  };
}

t.test('ready, status and stopping arrive in the order they were said', async (t) => {
  const { env, heard } = standIn(t);
  const systemd = new Systemd({ env, log: silentLogger() });
  void systemd.notifyReady('works');
  void systemd.notifyStatus('connected');
  void systemd.notifyStopping();
  await systemd.notifyStatus('a late word');
  t.equal(
    heard(),
    '/run/it: READY=1 STATUS=works\n/run/it: STATUS=connected\n/run/it: STOPPING=1 STATUS=stopping\n',
    'and after the last word there is none',
  );
});

t.test('nobody is called when systemd does not listen', async (t) => {
  const { heard } = standIn(t);
  await new Systemd({ env: notifyEnvOf({ PATH: '/usr/bin' }), log: silentLogger() }).notifyReady('works');
  t.throws(heard, { code: 'ENOENT' });
});

t.test('the program gets nothing of our environment', async (t) => {
  const { env, seen } = standIn(t);
  process.env['LONGSHORE_CANARY'] = 'secret';
  t.teardown(() => delete process.env['LONGSHORE_CANARY']);
  await new Systemd({ env, log: silentLogger() }).notifyReady('works');
  t.match(seen(), 'NOTIFY_SOCKET=/run/it');
  t.notMatch(seen(), 'CANARY');
});

t.test('a program that fails or is not there is a line in the log, never an error', async (t) => {
  const { env } = standIn(t, 'echo "no such socket" >&2; exit 1');
  for (const broken of [env, { ...env, PATH: '/nowhere' }]) {
    const lines: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
    await new Systemd({ env: broken, log }).notifyReady('works');
    t.match(lines, [/systemd could not be told/]);
  }
});

t.test('a socket is ours when systemd opened it for this very process', async (t) => {
  t.equal(socketOf({ LISTEN_PID: '7', LISTEN_FDS: '1' }, 7), 3);
  t.equal(socketOf({ LISTEN_PID: '8', LISTEN_FDS: '1' }, 7), null, 'a child inherits the words, not the socket');
  t.equal(socketOf({ LISTEN_PID: '7', LISTEN_FDS: '0' }, 7), null);
  t.equal(socketOf({}, 7), null);
});

t.test('a credential is a file of the unit with something in it', async (t) => {
  const folder = t.testdir({ key: 'secret\n', empty: '\n' });
  const env = { CREDENTIALS_DIRECTORY: folder };
  t.equal(credentialOf(env, 'key'), join(folder, 'key'));
  t.equal(credentialOf(env, 'empty'), undefined, 'as the unit has it where there is no file');
  t.equal(credentialOf(env, 'other'), undefined);
  t.equal(credentialOf({}, 'key'), undefined);
});
