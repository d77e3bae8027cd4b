import { execFile } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { Scope } from '../../shared/lifecycle.ts';
import { silentLogger } from '../../shared/log.ts';

t.test('parts stop in the reverse order of their start, each awaited', async (t) => {
  const scope = new Scope(silentLogger());
  const trace: string[] = [];
  for (const part of ['db', 'http', 'link']) {
    scope.onStop(part, async () => {
      await Promise.resolve();
      trace.push(part);
    });
  }
  await scope.stop();
  t.same(trace, ['link', 'http', 'db']);
});

t.test('a part that fails to stop does not keep the others running', async (t) => {
  const scope = new Scope(silentLogger());
  let stopped = false;
  scope.onStop('db', () => void (stopped = true));
  scope.onStop('http', () => Promise.reject(new TypeError('stuck')));
  await scope.stop();
  t.ok(stopped);
});

t.test('stop aborts long tasks, waits for them, and may be called twice', async (t) => {
  const scope = new Scope(silentLogger());
  let ended = false;
  scope.run('loop', async (signal) => {
    await once(signal, 'abort');
    await Promise.resolve();
    ended = true;
  });
  const stops = [scope.stop('test'), scope.stop('again')];
  t.equal(stops[0], stops[1]);
  await Promise.all(stops);
  t.ok(ended);
  t.match(scope.signal.reason, { name: 'AbortError', message: 'test' });
});

/** Runs a program made of `body`, sends it `signal` once it says it is up, and gives its end. */
async function program(body: string, signal?: NodeJS.Signals): Promise<{ code: number | null; out: string }> {
  const source = `import { runMain } from './shared/lifecycle.ts'; import { createLogger } from './shared/log.ts';
    const keepAlive = setInterval(() => {}, 1000);
    await runMain(createLogger({ level: 'fatal', name: 'test' }), async (scope) => { ${body} }, () => 78);`;
  const child = execFile(process.execPath, ['--input-type=module-typescript', '-e', source]);
  let out = '';
  child.stdout?.on('data', (chunk: string) => {
    out += chunk;
    if (signal && chunk.includes('up')) child.kill(signal);
  });
  child.stderr?.on('data', (chunk: string) => (out += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out };
}

t.test('SIGTERM stops the parts and exits 0', async (t) => {
  const { code, out } = await program(`scope.onStop('x', () => console.log('stopped')); console.log('up');`, 'SIGTERM');
  t.equal(code, 0);
  t.match(out, 'stopped');
});

t.test('a failed start undoes what had started and exits with the code it asks for', async (t) => {
  const { code, out } = await program(
    `scope.onStop('x', () => console.log('undone')); throw new TypeError('bad config');`,
  );
  t.equal(code, 78);
  t.match(out, 'undone');
  t.match(out, 'bad config');
});

t.test('a long task that fails takes the process down with 1', async (t) => {
  const { code, out } = await program(
    `scope.run('loop', async () => { await 1; throw new TypeError('broken loop'); });`,
  );
  t.equal(code, 1);
  t.match(out, 'broken loop');
});
