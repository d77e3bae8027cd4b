// `longshore registries` against the real API: what it prints, and that no password is an argument or an answer.
import t from 'tap';
import { runCli } from '../support/cli.ts';
import { startRealHttp, type RealHttp } from '../support/real-http.ts';

const PASSWORD = 'canary-of-the-client-77d0';

/** Runs the command with what is piped into it. */
const clientOf =
  ({ http, key }: RealHttp) =>
  (args: string[], stdin = '') =>
    runCli(['registries', ...args], { url: http.url, env: { LONGSHORE_API_KEY: key }, stdin });

t.test('a login is added with its password from stdin, listed, changed and removed', async (t) => {
  const real = await startRealHttp(t);
  const run = clientOf(real);
  const added = await run(['add', 'https://GHCR.io', '-u', 'bot', '--password-stdin'], `${PASSWORD}\n`);
  t.match(added, { exitCode: 0, stdout: 'ghcr.io: added, for deploys from now on\n' });
  t.match(real.world.stores.registries.loginsOf(null), [{ username: 'bot', password: PASSWORD }]);
  t.match((await run(['list'])).stdout, /^SERVER\tUSERNAME\tNAME\tCUSTOMER\tCHANGED\tID\nghcr\.io\tbot\tghcr\.io\t/);

  const changed = await run(['update', 'ghcr.io', '-u', 'new-bot', '--password-stdin'], 'new-password\r\n');
  t.match(changed, { exitCode: 0, stdout: /changed/ });
  t.match(real.world.stores.registries.loginsOf(null), [{ username: 'new-bot', password: 'new-password' }]);
  t.match(await run(['update', 'ghcr.io', '--name', 'Ours']), { exitCode: 0 });
  t.match(real.world.stores.registries.loginsOf(null), [{ password: 'new-password' }], 'a password nobody gave stays');

  const json = await run(['list', '--json']);
  t.match(JSON.parse(json.stdout), { data: [{ name: 'Ours' }], total: 1 });
  t.notMatch(JSON.stringify([added, changed, json]), /canary|new-password/);
  t.match(await run(['rm', 'ghcr.io']), { exitCode: 0, stdout: 'ghcr.io: removed\n' });
  t.match(await run(['rm', 'ghcr.io']), { exitCode: 3, stderr: /There is no login for "ghcr.io"/ });
});

t.test('a password is neither a flag nor asked for', async (t) => {
  const run = clientOf(await startRealHttp(t));
  t.match(await run(['add', 'ghcr.io', '-u', 'bot']), { exitCode: 2, stderr: /use --password-stdin/ });
  const flag = await run(['add', 'ghcr.io', '-u', 'bot', '--password', PASSWORD]);
  t.match(flag, { exitCode: 2, stderr: /password/ });
  t.notMatch(flag.stderr, PASSWORD);
  t.match(await run(['add', 'ghcr.io', '-u', 'bot', '--password-stdin'], ''), { exitCode: 6, stderr: /password/ });
});

t.test("one server's logins are told apart by customer", async (t) => {
  const real = await startRealHttp(t);
  const run = clientOf(real);
  const [acme, other] = [await real.world.customer('Acme'), await real.world.customer('Other')];
  for (const customer of [acme, other]) {
    const args = ['add', 'ghcr.io', '-u', 'bot', '--password-stdin', '--customer', customer];
    t.match(await run(args, 'x'), { exitCode: 0 });
  }
  t.match(await run(['rm', 'ghcr.io']), { exitCode: 2, stderr: /Several customers have "ghcr.io": add --customer/ });
  t.match(await run(['rm', 'ghcr.io', '--customer', acme]), { exitCode: 0 });
  t.match(await run(['add', 'ghcr.io', '-u', 'ours', '--password-stdin'], 'x'), { exitCode: 0 });
  t.match(await run(['rm', 'ghcr.io']), { exitCode: 0 }, 'without a customer it is the own one');
  const [left] = real.world.stores.registries.list({ page: 1, perPage: 9, sort: 'name', order: 'asc' }).items;
  t.equal(left?.customerId, other);
  t.match(await run(['rm', left?.id ?? '']), { exitCode: 0 });
});
