// The decisions around programs in containers, without Docker: which container, what may be shown, what is kept.
import t from 'tap';
import { splitExecOutput } from '../../agent/docker/exec-output.ts';
import { chooseContainer, type Choice } from '../../agent/exec/choose.ts';
import { MaskedOutput } from '../../agent/exec/masked-output.ts';
import { ProgramInput } from '../../agent/exec/program-input.ts';
import { createMask } from '../../agent/secrets/mask.ts';
import { endDetail, startDetail } from '../../control/app/exec/exec-audit.ts';
import { decodeExecFrame, encodeExecNews, encodeExecOutput } from '#shared/protocol/exec-frame.ts';
import type { ExecEnded } from '#shared/protocol/exec-parts.ts';
import { ManualClock } from '../support/manual-clock.ts';

const ID = '0123456789abcdef'.repeat(4);
const container = (name: string, service: string, state: 'running' | 'exited' = 'running', id = `id-${name}`) => ({
  id,
  name,
  service,
  state,
});
const WEB = container('app-web-1', 'web', 'running', ID);
const WEB_2 = container('app-web-2', 'web');
const DB = container('app-db-1', 'db');
const OLD = container('app-migrate-1', 'migrate', 'exited');

t.test('which container', async (t) => {
  const choose = (containers: (typeof DB)[], choice: Partial<Choice> = {}) => {
    try {
      return chooseContainer(containers, { service: null, container: null, ...choice }).name;
    } catch (error) {
      const { code, message, fields } = error as { code: string; message: string; fields?: object };
      return fields ? { code, fields } : { code, message };
    }
  };
  const invalid = (fields: object) => ({ code: 'validation_error', fields });

  t.test('the only one that runs needs no name', async (t) => {
    t.equal(choose([WEB, OLD]), 'app-web-1');
  });

  t.test('of several the one that is named, by service, name or id', async (t) => {
    t.equal(choose([WEB, DB], { service: 'db' }), 'app-db-1');
    t.equal(choose([WEB, WEB_2], { container: 'app-web-2' }), 'app-web-2');
    t.equal(choose([WEB, WEB_2], { container: ID }), 'app-web-1');
    t.equal(choose([WEB, WEB_2], { container: ID.slice(0, 12) }), 'app-web-1');
  });

  t.test('else the choices are named', async (t) => {
    t.same(choose([WEB, DB]), invalid({ service: 'Choose one of: db, web' }));
    t.same(choose([WEB, WEB_2]), invalid({ container: 'Choose one of: app-web-1, app-web-2' }));
    t.same(choose([WEB, DB], { service: 'x' }), invalid({ service: 'There is no such service; there are: db, web' }));
    const ofDb = invalid({ container: 'There is no such container; there are: app-db-1' });
    t.same(choose([WEB, DB], { service: 'db', container: 'app-web-1' }), ofDb, 'of another service');
    t.same(choose([WEB], { container: ID.slice(0, 11) }), {
      ...invalid({ container: 'There is no such container; there are: app-web-1' }),
    });
    t.same(choose([], { service: 'web' }), invalid({ service: 'There are none' }));
  });

  t.test('one that does not run is a conflict', async (t) => {
    const conflict = (message: string) => ({ code: 'state_conflict', message });
    t.same(choose([]), conflict('No container of the service runs'));
    t.same(choose([WEB, OLD], { service: 'migrate' }), conflict('Container "app-migrate-1" does not run'));
    t.same(choose([OLD, { ...OLD, name: 'b' }]), conflict('No container of the service runs'));
  });
});

t.test('secrets in a stream', async (t) => {
  const secrets = ['correct-horse', 'horse-battery', 'correct-horse-battery-staple'];
  const mask = createMask(secrets);
  const show = (pieces: Buffer[]) => {
    const output = new MaskedOutput(() => mask);
    return Buffer.concat([...pieces.map((piece) => output.push(piece)), output.flush()]).toString();
  };

  t.test('are hidden however the pieces are cut', async (t) => {
    const text = Buffer.from('a correct-horse b correct-horse-battery-staple c correct-hors d correct-horse-battery e');
    const whole = show([text]);
    t.equal(whole, 'a *** b *** c correct-hors d *** e');
    for (let size = 1; size <= text.length; size++) {
      const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
        text.subarray(i * size, (i + 1) * size),
      );
      t.equal(show(pieces), whole, `pieces of ${size}`);
    }
  });

  t.test('what cannot become one is shown at once, what can waits for a flush', async (t) => {
    const output = new MaskedOutput(() => mask);
    t.equal(output.push(Buffer.from('$ ls\n')).toString(), '$ ls\n');
    t.notOk(output.holds);
    t.equal(output.push(Buffer.from('$ corr')).toString(), '$ ');
    t.ok(output.holds);
    t.equal(output.flush().toString(), 'corr');
    t.notOk(output.holds);
  });

  t.test('nothing waits where there is nothing to hide', async (t) => {
    const output = new MaskedOutput(() => undefined);
    t.equal(output.push(Buffer.from('correct')).toString(), 'correct');
    t.notOk(output.holds);
  });
});

t.test('the end of input', async (t) => {
  const begin = (hasTerminal: boolean) => {
    const clock = new ManualClock();
    const got: string[] = [];
    const exec = {
      write: async (bytes: Uint8Array) => void got.push(Buffer.from(bytes).toString()),
      endInput: () => void got.push('^D'),
      resize: async () => void got.push('size'),
    };
    return { clock, got, input: new ProgramInput({ exec, hasTerminal, clock }) };
  };
  const typed = (text: string) => ({ data: Buffer.from(text).toString('base64') });

  t.test('of a pipe is said once', async (t) => {
    const { clock, got, input } = begin(false);
    await input.take({ ...typed('a'), isLast: true });
    t.same([got, clock.pending], [['a', '^D'], 0]);
  });

  t.test('of a terminal is said again, ever more seldom, until the program ends', async (t) => {
    const { clock, got, input } = begin(true);
    await input.take({ ...typed('a'), isLast: true });
    const counts = [100, 200, 400, 60_000].map((ms) => {
      clock.advance(ms);
      return got.length - 1;
    });
    t.same(counts, [2, 3, 4, 12]);
    await input.take({ size: { columns: 80, rows: 24 } });
    clock.advance(10_000);
    t.same(got.slice(-2), ['size', '^D']);
    input.close();
    t.equal(clock.pending, 0);
    await input.take({ isLast: true });
    t.equal(clock.pending, 0, 'nor after it has ended');
  });

  t.test('was none where something follows', async (t) => {
    const { clock, got, input } = begin(true);
    await input.take({ isLast: true });
    await input.take(typed('more'));
    clock.advance(60_000);
    t.same(got, ['^D', 'more']);
  });
});

t.test("Docker's frames are taken apart however they are cut", async (t) => {
  const frame = (stream: number, text: string) => {
    const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
    header.writeUInt32BE(text.length, 4);
    return Buffer.concat([header, Buffer.from(text)]);
  };
  const bytes = Buffer.concat([frame(1, 'out'), frame(2, 'err'), frame(1, ''), frame(1, 'more')]);
  const split = async (size: number) => {
    async function* chunks() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    }
    const shown = { stdout: '', stderr: '' };
    for await (const { stream, bytes: data } of splitExecOutput(chunks())) shown[stream] += data.toString();
    return shown;
  };
  for (let size = 1; size <= bytes.length; size++)
    t.same(await split(size), { stdout: 'outmore', stderr: 'err' }, `pieces of ${size}`);
  async function* noFrames() {
    yield Buffer.from('plain text');
  }
  await t.rejects(splitExecOutput(noFrames()).next(), { code: 'docker_error' });
});

const ENDED: ExecEnded = {
  kind: 'ended',
  exitCode: 0,
  reason: 'exited',
  isLeftRunning: false,
  isTruncated: false,
  durationMs: 12,
};

t.test('frames of the wire', async (t) => {
  const started = { kind: 'started' as const, container: 'app-db-1', service: 'db', command: ['id'] };
  for (const news of [started, ENDED]) t.same(decodeExecFrame(encodeExecNews(news)), news);
  const bytes = Buffer.from([0, 1, 2, 255]);
  t.same(decodeExecFrame(encodeExecOutput('stderr', bytes)), { kind: 'output', stream: 'stderr', bytes });
  const broken = [Buffer.alloc(0), Buffer.of(3), Buffer.from('\0{'), Buffer.from('\0{"kind":"exploded"}')];
  for (const frame of broken) t.throws(() => decodeExecFrame(frame), { code: 'protocol_violation' });
});

t.test('what the audit log keeps', async (t) => {
  const started = (command: string[]) => ({ kind: 'started' as const, container: 'app-db-1', service: 'db', command });
  const order = { command: ['not this one'], user: 'root', workingDir: '/', env: { TOKEN: 'value' } };

  t.test('the command as the host shows it, names of variables, never their values', async (t) => {
    t.same(startDetail('exe_1', started(['echo', '***']), order, true), {
      exec_id: 'exe_1',
      container: 'app-db-1',
      command: ['echo', '***'],
      user: 'root',
      working_dir: '/',
      env: ['TOKEN'],
      terminal: true,
    });
    t.same(startDetail('exe_1', started(['id']), { command: ['id'] }, false), {
      exec_id: 'exe_1',
      container: 'app-db-1',
      command: ['id'],
      terminal: false,
    });
  });

  t.test('of a long command its beginning', async (t) => {
    const { command } = startDetail('exe_1', started(['sh', '-c', 'x'.repeat(10_000), 'a', 'b']), order, false);
    t.same(command, ['sh', '-c', `${'x'.repeat(4096 - 6)}…`, '… 2 more']);
  });

  t.test('how it ended', async (t) => {
    const base = { exec_id: 'exe_1', container: 'app-db-1' };
    t.same(endDetail('exe_1', started([]), { ...ENDED, exitCode: 3 }), { ...base, exit_code: 3 });
    const late = { ...ENDED, exitCode: null, reason: 'timed_out' as const, isLeftRunning: true };
    t.same(endDetail('exe_1', started([]), late), { ...base, exit_code: null, timed_out: true, left_running: true });
    t.same(endDetail('exe_1', started([]), undefined), { ...base, exit_code: null }, 'its host went away');
  });
});
