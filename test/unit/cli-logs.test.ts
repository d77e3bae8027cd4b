// `longshore logs`: what it shows, and how it follows through lost connections.
import t, { type Test } from 'tap';
import type { WebSocket } from 'ws';
import { runCli, startCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { startFakeApi } from '../support/fake-api.ts';

const ID = 'svc_000000000web';
const line = (second: number, message: string, container = 'web-1') => ({
  timestamp: `2026-03-29T14:30:0${second}.000000000Z`,
  stream: 'stdout',
  message,
  container,
});

void t.test('recent lines carry their container, and their time when asked', async (t) => {
  const logs = [line(1, 'one'), line(2, 'two', 'database-1')];
  const api = await startFakeApi(t, () => ({ body: { logs } }));
  const plain = await runCli(['logs', ID, '--tail', '2', '--since', '2026-03-29T14:30:00Z'], api);
  t.same(plain, { exitCode: 0, stdout: 'web-1 | one\ndatabase-1 | two\n', stderr: '' });
  t.same(Object.fromEntries(api.asked[0]?.query ?? []), { tail: '2', since: '2026-03-29T14:30:00Z' });
  const timed = await runCli(['logs', ID, '-t'], api);
  t.match(timed.stdout, /^web-1 \| 2026-03-29T14:30:01\.000000000Z one\n/);
  const json = await runCli(['logs', ID, '--json'], api);
  t.same(
    json.stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as unknown),
    logs,
  );
});

void t.test('on a terminal each container has a colour of its own', async (t) => {
  const api = await startFakeApi(t, () => ({ body: { logs: [line(1, 'a'), line(2, 'b', 'db-1'), line(3, 'c')] } }));
  const { stdout } = await runCli(['logs', ID], { ...api, columns: 80 });
  t.equal(stdout, '\u001b[36mweb-1 |\u001b[39m a\n\u001b[33mdb-1  |\u001b[39m b\n\u001b[36mweb-1 |\u001b[39m c\n');
});

void t.test('a longer name that comes later moves the others along', async (t) => {
  const api = await startFakeApi(t, () => ({ body: { logs: [line(1, 'a'), line(2, 'b', 'cache-1'), line(3, 'c')] } }));
  t.equal((await runCli(['logs', ID], api)).stdout, 'web-1 | a\ncache-1 | b\nweb-1   | c\n');
});

void t.test('A62: a log line cannot act on the terminal', async (t) => {
  const attack = '\u001b]52;c;ZXZpbA==\u0007\r\u001b[2J\0{"level":"fatal"}<script>\u009b';
  const api = await startFakeApi(t, () => ({ body: { logs: [line(1, attack, 'web\u001b[1m')] } }));
  const shown = '\\x1b]52;c;ZXZpbA==\\x07\\r\\x1b[2J\\x00{"level":"fatal"}<script>\\x9b';
  t.equal((await runCli(['logs', ID], api)).stdout, `web\\x1b[1m | ${shown}\n`);
  t.notMatch((await runCli(['logs', ID, '--json'], api)).stdout.trimEnd(), /[^ -~]/);
});

/** Follows; resolves with the run, the sockets as they come, and what presses Ctrl-C. */
async function follow(t: Test, ...args: string[]) {
  const sockets: WebSocket[] = [];
  const api = await startFakeApi(
    t,
    () => ({ body: { logs: [] } }),
    (socket) => sockets.push(socket),
  );
  const interrupt = new AbortController();
  // Waiting between tries is not what is tested: time passes at once.
  const clock = {
    elapsed: () => 0,
    now: () => Date.now(),
    after: (_: number, run: () => void) => (setImmediate(run), () => {}),
  };
  const cli = startCli(['logs', ID, '-f', ...args], { ...api, clock, interrupt: interrupt.signal });
  const socketAt = (index: number) => eventually(() => sockets[index] as WebSocket);
  const stop = () => {
    interrupt.abort(new DOMException('interrupted', 'AbortError'));
    return cli.done;
  };
  return { api, cli, socketAt, stop };
}

void t.test('following asks for batches, shows them as they come, and ends with Ctrl-C', async (t) => {
  const { api, cli, socketAt, stop } = await follow(t, '--tail', '5');
  const socket = await socketAt(0);
  t.same(Object.fromEntries(api.asked[0]?.query ?? []), { follow: 'true', batch: 'true', tail: '5' });
  t.match(api.asked[0]?.headers, { authorization: 'Bearer lsk_test' });
  socket.send(JSON.stringify([line(1, 'one'), line(2, 'two')]));
  await eventually(() => cli.stdout === 'web-1 | one\nweb-1 | two\n');
  t.match(await stop(), { exitCode: 130, stderr: '' });
});

void t.test('a gap is told with its count', async (t) => {
  const { cli, socketAt, stop } = await follow(t);
  (await socketAt(0)).send('{"type":"gap","missed":42}');
  await eventually(() => cli.stderr.includes('42 lines were dropped'));
  t.equal((await stop()).stdout, '');
});

void t.test('a lost connection is taken up where it broke off, no line twice and none missing', async (t) => {
  const { api, cli, socketAt, stop } = await follow(t);
  const first = await socketAt(0);
  first.send(JSON.stringify([line(1, 'one'), line(2, 'two')]));
  await eventually(() => cli.stdout.includes('two'));
  first.terminate();
  const second = await socketAt(1);
  const query = api.asked.findLast((asked) => asked.query.has('follow'))?.query;
  t.equal(query?.get('since'), line(2, '').timestamp);
  second.send(JSON.stringify([line(2, 'two'), line(3, 'three')]));
  await eventually(() => cli.stdout.includes('three'));
  t.equal((await stop()).stdout, 'web-1 | one\nweb-1 | two\nweb-1 | three\n');
});

void t.test('a service that is gone ends the following with its reason', async (t) => {
  const api = await startFakeApi(t, () => undefined);
  t.match(await runCli(['logs', ID, '-f'], api), { exitCode: 3, stderr: /Not found \(not_found\)/ });
});

const trouble = (code: string, message: string) => JSON.stringify({ type: 'error', error: { code, message } });

void t.test('logs that cannot be had at all end the command with the reason', async (t) => {
  const { cli, socketAt } = await follow(t);
  (await socketAt(0)).send(trouble('host_offline', 'The host is not connected'));
  t.match(await cli.done, { exitCode: 5, stderr: /host_offline/ });
});

void t.test('a host that goes away while its logs are followed is waited for', async (t) => {
  const { cli, socketAt, stop } = await follow(t);
  const first = await socketAt(0);
  first.send(JSON.stringify([line(1, 'one')]));
  first.send(trouble('link_closed', 'The connection to the host closed'));
  (await socketAt(1)).send(JSON.stringify([line(1, 'one'), line(2, 'two')]));
  await eventually(() => cli.stdout === 'web-1 | one\nweb-1 | two\n');
  t.match(await stop(), { exitCode: 130, stderr: 'The connection to the host closed, trying again\n' });
});
