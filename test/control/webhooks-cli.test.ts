// `longshore webhooks …` against the real API and a real receiver.
import t, { type Test } from 'tap';
import { runCli } from '../support/cli.ts';
import { startRealHttp } from '../support/real-http.ts';
import { openWorld, startCourier, startReceiver, status, verify } from '../support/webhook-receiver.ts';

async function start(t: Test) {
  const world = openWorld(t);
  startCourier(t, world);
  const { http, key } = await startRealHttp(t, { world });
  const receiver = await startReceiver(t);
  const run = (...args: string[]) => runCli(['webhooks', ...args], { url: http.url, env: { LONGSHORE_API_KEY: key } });
  const listed = async (...args: string[]) =>
    JSON.parse((await run(...args, '--json')).stdout) as { data: { id: string }[] };
  return { receiver, run, listed };
}

t.test('a webhook is made, tried, paused, resumed and deleted', async (t) => {
  const { receiver, run, listed } = await start(t);
  const made = await run('create', receiver.url, '--event', 'deploy.*', '-e', 'host.offline');
  t.match(made, { exitCode: 0, stdout: /^whsec_\S+\n$/, stderr: /shown this once/ });
  const id = (await listed('list')).data[0]?.id ?? '';
  t.match(await run('list'), {
    stdout: new RegExp(`${id}\tactive\tclosed\t0\t${receiver.url}\tdeploy.\\* host.offline`),
  });
  t.match(await run('test', id), { exitCode: 0, stdout: `${id}: answered 204\n` });
  const [message] = receiver.received;
  if (message) t.match(verify(made.stdout.trim(), message), { type: 'webhook.test' });
  t.match(await run('pause', id), { stdout: `${id}: paused\n` });
  t.match(await run('test', id), { exitCode: 5, stderr: /is paused: resume it first/ });
  t.match(await run('resume', id), { stdout: `${id}: active\n` });
  const rotated = await run('rotate-secret', id);
  t.match(rotated, { exitCode: 0, stdout: /^whsec_/ });
  t.not(rotated.stdout, made.stdout);
  t.match(await run('delete', id), { stdout: `${id}: deleted\n` });
  t.match(await run('test', id), { exitCode: 3 });
});

t.test('deliveries are listed, shown and sent again', async (t) => {
  const { receiver, run, listed } = await start(t);
  await run('create', receiver.url);
  const id = (await listed('list')).data[0]?.id ?? '';
  receiver.answer = status(500);
  t.match(await run('test', id), { exitCode: 1, stderr: /did not arrive[^]*It answered 500/ });
  const delivery = (await listed('deliveries', id)).data[0]?.id ?? '';
  t.match(await run('deliveries', id, '--state', 'pending'), {
    stdout: new RegExp(`${delivery}\twebhook.test\tpending\t1`),
  });
  t.match(await run('deliveries', id, delivery), {
    stdout: /state\tpending[^]*request\t\{"type":"webhook.test"[^]*ms\tIt answered 500/,
  });
  receiver.answer = status(204);
  t.match(await run('redeliver', id, delivery), { exitCode: 0, stdout: `${delivery}: pending\n` });
  await receiver.until(2);
  t.equal(new Set(receiver.ids).size, 1);
});

t.test('a URL that must not be called is named', async (t) => {
  const { run } = await start(t);
  const refused = await run('create', 'http://169.254.169.254/');
  t.match(refused, { exitCode: 6, stderr: /egress_denied/ });
});
