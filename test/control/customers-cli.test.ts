// `longshore customers` and `longshore plans` against the real API: what they ask for and what they print.
import t, { type Test } from 'tap';
import { ADMIN, COMPOSE } from '../support/control-world.ts';
import { runCli } from '../support/cli.ts';
import { startRealHttp } from '../support/real-http.ts';

async function start(t: Test) {
  const real = await startRealHttp(t);
  const run = (...args: string[]) => runCli(args, { url: real.http.url, env: { LONGSHORE_API_KEY: real.key } });
  return { ...real, run };
}

t.test('a plan is created, changed limit by limit, shown and deleted by its name', async (t) => {
  const { world, run } = await start(t);
  t.match(await run('plans', 'create', 'Small', '--services', '2', '--cpu', '1.5', '--memory', '512'), {
    exitCode: 0,
    stdout: /^Small: created, plan_\w+\n$/,
  });
  t.match(await run('plans', 'update', 'Small', '--cpu', 'none', '--storage', '100', '--description', 'A start'), {
    exitCode: 0,
  });
  const [plan] = world.app.plans.list(ADMIN, { page: 1, perPage: 9, sort: 'name', order: 'asc' }).items;
  t.match(plan, {
    description: 'A start',
    limits: { services: 2, cpu: null, memoryMb: 512, storageMb: 100 },
  });
  t.match(
    (await run('plans', 'list')).stdout,
    /^NAME\tSERVICES\tCPU\tMEMORY\tSTORAGE\t.*\nSmall\t2\t\S*\t512M\t100M\t/,
  );
  t.match((await run('plans', 'get', 'Small')).stdout, /cpu\s+no limit\n/);
  t.match(await run('plans', 'create', 'Small'), { exitCode: 5, stderr: /There is a plan "Small" already/ });
  t.match(await run('plans', 'create', 'Odd', '--cpu', 'lots'), {
    exitCode: 2,
    stderr: /--cpu takes a number, or none/,
  });
  t.match(await run('plans', 'delete', 'Small'), { exitCode: 0, stdout: 'Small: deleted\n' });
  t.match(await run('plans', 'get', 'Small'), { exitCode: 3, stderr: /There is no plan "Small"/ });
});

t.test('a customer is created on a plan, shown with its use, suspended, resumed and deleted', async (t) => {
  const { world, run } = await start(t);
  const host = await world.joinAndConnect();
  await run('plans', 'create', 'Small', '--services', '2', '--memory', '512');
  const made = await run('customers', 'create', 'Acme', '--plan', 'Small', '--email', 'ops@acme.example', '--json');
  const { id: customerId } = JSON.parse(made.stdout) as { id: string };
  const service = await world.deployed(host, 'web', { customerId });

  const shown = (await run('customers', 'get', 'Acme')).stdout;
  for (const line of [/services\s+1 of 2\n/, /memory\s+256 MB of 512 MB\n/, /storage\s+not measured yet\n/]) {
    t.match(shown, line);
  }
  t.match(await run('customers', 'suspend', 'Acme'), {
    stdout: 'Acme: Customer suspended; 1 service is being stopped\n',
  });
  t.match((await run('customers', 'list', '--status', 'suspended', '--plan', 'Small')).stdout, /\nAcme\tsuspended\t/);
  t.match(await run('customers', 'resume', 'Acme', '--json'), { stdout: /"status": ?"active"/ });
  t.match(await run('customers', 'update', 'Acme', '--name', 'Acme Corp', '--plan', '', '--email', ''), {
    exitCode: 0,
  });
  t.match(world.app.customers.detail(ADMIN, customerId), { name: 'Acme Corp', planId: null, email: null });
  t.match(await run('customers', 'delete', 'Acme Corp'), { exitCode: 5, stderr: /still has 1 service/ });
  await world.stores.writer.write(() => world.stores.services.remove(service));
  t.match(await run('customers', 'rm', customerId), { exitCode: 0 });
  t.match(await run('customers', 'get', customerId), { exitCode: 3 });
});

t.test('a service is deployed for a customer by name, and says what it may use', async (t) => {
  const { world, run } = await start(t);
  await world.joinAndConnect();
  const customerId = await world.customer('Acme', { memoryMb: 512 });
  const file = `${t.testdir({ 'compose.yaml': COMPOSE })}/compose.yaml`;
  const deploy = ['deploy', '-f', file, '--customer', 'Acme'];
  t.match(await run(...deploy, '--name', 'web', '--memory', '300', '--cpu', '0.5'), { exitCode: 0 });
  const page = { page: 1, perPage: 9, sort: 'name', order: 'asc' } as const;
  t.match(world.app.services.list(ADMIN, page).items, [{ customerId, limits: { cpu: 0.5, memoryMb: 300 } }]);
  t.match(await run(...deploy, '--name', 'more', '--memory', '300'), {
    exitCode: 5,
    stderr: /limits memory_mb to 512: other services hold 300, this one would take 300/,
  });
  t.match(await run('deploy', '-f', file, '--name', 'x', '--customer', 'Nobody'), {
    exitCode: 3,
    stderr: /There is no customer "Nobody"/,
  });
});

t.test('two customers of one name are told apart by id', async (t) => {
  const { world, run } = await start(t);
  const ids = [await world.customer('Acme'), await world.customer('Acme')];
  t.match(await run('customers', 'suspend', 'Acme'), { exitCode: 2, stderr: /Several customers are called "Acme"/ });
  t.match(await run('customers', 'suspend', ids[1] ?? ''), { exitCode: 0 });
  t.same(
    ids.map((id) => world.app.customers.detail(ADMIN, id).suspendedAt !== null),
    [false, true],
  );
});
