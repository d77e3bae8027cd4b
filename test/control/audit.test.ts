// The audit log over the real app, a real database and a real socket.
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import t, { type Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import type { AuditRecord } from '../../control/app/api/audit.ts';
import { REFUSALS_ANONYMOUS, REFUSALS_PER_KEY } from '../../control/app/access/refusal-budget.ts';
import { toAction } from '../../control/http/audit.ts';
import { checkAuditFile } from '../../control/store/audit-file.ts';
import { runCli } from '../support/cli.ts';
import { ADMIN, type ControlWorld } from '../support/control-world.ts';
import { composeBody, startRealHttp } from '../support/real-http.ts';

const MINUTE_MS = 60_000;
const HUNTER = 'hunter2hunter2';

/** All rows, oldest first. */
const rowsOf = (world: ControlWorld): AuditRecord[] =>
  world.app.audit.list(ADMIN, { page: 1, perPage: 1000, order: 'asc' }).items;

const isSound = (t: Test, world: ControlWorld) => t.equal(checkAuditFile(world.dir).fault, null, 'the chain is whole');

t.test('a write says who, what, from where and with which result, and nothing that was sent', async (t) => {
  const { world, http } = await startRealHttp(t);
  await world.joinAndConnect();
  const { key, secret } = await world.app.keys.create(ADMIN, { name: 'ci', permissions: ['*'] });
  const headers = { 'user-agent': 'curl/8.5.0', 'x-request-id': 'req-1' };
  const body = composeBody('web', { variables: { DB_PASSWORD: HUNTER }, labels: { team: 'a' } });
  const made = await http.call<{ id: string; deploy_job_id: string }>('POST', '/api/services', {
    key: secret,
    body,
    headers,
  });
  const [row] = rowsOf(world);
  t.match(row, {
    seq: 1,
    at: world.clock.now(),
    actorKind: 'key',
    actorId: key.id,
    actorName: 'ci',
    action: 'services.create',
    method: 'POST',
    path: '/api/services',
    targetId: made.body.id,
    fields: ['compose', 'deploy_method', 'labels', 'name', 'variables'],
    jobId: made.body.deploy_job_id,
    address: '127.0.0.1',
    requestId: 'req-1',
    userAgent: 'curl/8.5.0',
    result: 'ok',
    status: null,
    code: null,
  });
  t.notOk(JSON.stringify(row).includes(HUNTER));
  await http.call('POST', `/api/services/${made.body.id}/redeploy`, { key: secret });
  t.match(rowsOf(world)[1], { action: 'services.redeploy', code: 'service_busy', status: 409, result: 'refused' });
  isSound(t, world);
});

t.test('reads and unknown paths are no rows', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  await http.get('/api/services', key);
  await http.get('/api/services/svc_none', key);
  await http.call('POST', '/api/nothing', { key });
  await http.call('PUT', '/api/services', { key });
  t.strictSame(rowsOf(world), []);
});

t.test('a secret that was mistaken for an id does not get in', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  await http.call('DELETE', `/api/auth/api-keys/${key}`, { key });
  t.match(rowsOf(world), [{ action: 'auth.api_keys.delete', targetId: null, result: 'refused', status: 404 }]);
});

t.test('many writes at once make one chain without a hole', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const works = Array.from({ length: 120 }, (_, i) => {
    if (i % 3 === 0) return http.call('POST', `/api/services/${id}/stop?wait=0`, { key }); // one of them wins
    const name = i % 3 === 1 ? `key-${i}` : '';
    return http.call('POST', '/api/auth/api-keys', { key, body: { name, permissions: ['services.read'] } });
  });
  await Promise.all(works);
  const rows = rowsOf(world);
  t.strictSame(
    rows.map(({ seq }) => seq),
    rows.map((_, i) => i + 1),
  );
  t.equal(rows.filter(({ action, result }) => action === 'auth.api_keys.create' && result === 'ok').length, 40);
  t.equal(rows.filter(({ action, result }) => action === 'services.stop' && result === 'ok').length, 1);
  isSound(t, world);
});

t.test('a write that is rolled back leaves neither a row nor a hole', async (t) => {
  const { world } = await startRealHttp(t);
  const act = { caller: ADMIN, action: 'x.do', targetId: null, fields: [], method: null, path: null };
  const known = { ...act, address: null, requestId: null, userAgent: null };
  const ok = { result: 'ok' as const, status: null, code: null };
  const { writer } = world.stores;
  const writes = [false, true, false].map((isBad) =>
    writer.write((tx) => {
      world.app.audit.append(tx, known, ok);
      if (isBad) throw new LongshoreError('state_conflict');
    }),
  );
  t.strictSame(
    (await Promise.allSettled(writes)).map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  t.equal(rowsOf(world).length, 2);
  isSound(t, world);
});

t.test('a name with half a character in it breaks no chain', async (t) => {
  const { world } = await startRealHttp(t);
  const caller = { ...ADMIN, name: 'Ren\u00e9e \ud83d' };
  const act = { caller, action: 'x.do', targetId: null, fields: [], method: null, path: null };
  const known = { ...act, address: null, requestId: null, userAgent: null };
  await world.stores.writer.write((tx) =>
    world.app.audit.append(tx, known, { result: 'ok', status: null, code: null }),
  );
  t.equal(rowsOf(world)[0]?.actorName, 'Ren\u00e9e \ufffd');
  isSound(t, world);
});

t.test('a crash leaves an effect and its row together, at whichever moment it comes', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const made = async (name: string) =>
    http.call('POST', '/api/auth/api-keys', { key, body: { name, permissions: ['services.read'] } });
  const crashed: ControlWorld[] = [];
  const calls = ['one', 'two', 'three'].map(made);
  for (let turn = 0; turn < 40; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (turn % 5 === 0) crashed.push(world.crash());
  }
  await Promise.all(calls);
  crashed.push(world.crash());
  for (const after of crashed) {
    const keys = after.app.keys.list(ADMIN, { page: 1, perPage: 100 }).items.filter(({ name }) => name !== 'admin');
    t.strictSame(
      rowsOf(after)
        .map(({ targetId }) => `${targetId}`)
        .toSorted(),
      keys.map(({ id }) => id).toSorted(),
    );
    isSound(t, after);
  }
  t.equal(rowsOf(crashed.at(-1) as ControlWorld).length, 3);
});

t.test('a replay under an Idempotency-Key is a row that says so', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const headers = { 'idempotency-key': 'k' };
  const body = { name: 'x', permissions: ['services.read'] };
  for (let i = 0; i < 2; i++) await http.call('POST', '/api/auth/api-keys', { key, body, headers });
  await http.call('POST', '/api/auth/api-keys', { key, body: { ...body, name: 'y' }, headers });
  t.match(rowsOf(world), [
    { result: 'ok', status: null },
    { result: 'replayed', status: 201 },
    { result: 'refused', status: 409, code: 'idempotency_mismatch' },
  ]);
});

t.test('refusals are bounded by the minute, and what is left out is counted', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const refuse = async (times: number, by: string | null) => {
    for (let i = 0; i < times; i++) await http.call('DELETE', '/api/services/svc_none', { key: by });
  };
  await refuse(REFUSALS_ANONYMOUS + 5, null);
  t.equal(rowsOf(world).length, REFUSALS_ANONYMOUS);
  t.match(rowsOf(world)[0], { actorKind: 'anonymous', actorId: null, code: 'unauthorized', status: 401 });
  await refuse(REFUSALS_PER_KEY + 3, key);
  t.equal(rowsOf(world).length, REFUSALS_ANONYMOUS + REFUSALS_PER_KEY);
  t.equal(rowsOf(world)[REFUSALS_ANONYMOUS]?.omitted, 5);
  world.clock.advance(MINUTE_MS);
  await refuse(1, null);
  t.equal(rowsOf(world).at(-1)?.omitted, 3);
  isSound(t, world);
});

t.test('the log is read by filters, the newest first, and only with audit.read', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const start = world.clock.now();
  for (const name of ['one', 'two', 'three']) {
    await http.call('POST', '/api/auth/api-keys', { key, body: { name, permissions: ['services.read'] } });
    world.clock.advance(1000);
  }
  await http.call('DELETE', '/api/services/svc_none', { key });
  const list = async (query: string) => {
    const { body } = await http.get<{ data: { seq: number }[]; total: number }>(`/api/audit?${query}`, key);
    return body.data.map(({ seq }) => seq);
  };
  t.strictSame(await list(''), [4, 3, 2, 1]);
  t.strictSame(await list('order=asc&per_page=2&page=2'), [3, 4]);
  t.strictSame(await list('action=services.delete'), [4]);
  t.strictSame(await list('target=svc_none&result=refused'), [4]);
  t.strictSame(await list('result=failed'), []);
  const at = (ms: number) => encodeURIComponent(new Date(start + ms).toISOString());
  t.strictSame(await list(`since=${at(1000)}&until=${at(3000)}`), [3, 2]);
  const actor = rowsOf(world)[0]?.actorId ?? '';
  t.strictSame(await list(`actor=${actor}&per_page=1`), [4]);
  t.strictSame(await list('actor=key_other'), []);
  const { secret } = await world.app.keys.create(ADMIN, { name: 'r', permissions: ['services.*'] });
  t.match(await http.error('GET', '/api/audit', { key: secret }), { status: 403, details: 'Needs audit.read' });
});

t.test('a bound key sees the rows about what it may see, and its own refusals', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const [east, west] = [
    await world.joinAndConnect({ site: 'east' }),
    await world.joinAndConnect({ site: 'west' }, 'two'),
  ];
  const customers = { a: await world.customer('a'), b: await world.customer('b') };
  const ours = await world.deployed(east, 'ours', { customerId: customers.a });
  const theirs = await world.deployed(west, 'theirs', { customerId: customers.b });
  const bind = async (name: string, bound: object) =>
    (await world.app.keys.create(ADMIN, { name, permissions: ['*'], ...bound })).secret;
  const [ofA, ofEast] = [
    await bind('a', { customerId: customers.a }),
    await bind('e', { hostLabels: { site: 'east' } }),
  ];
  for (const id of [ours, theirs]) await http.call('POST', `/api/services/${id}/stop?wait=0`, { key });
  await http.call('POST', `/api/services/${theirs}/stop?wait=0`, { key: ofA });
  await http.call('POST', `/api/services/${theirs}/stop?wait=0`, { key });
  const seen = async (by: string) => {
    const { body } = await http.get<{ data: { target_id: string; result: string }[] }>('/api/audit?order=asc', by);
    return body.data.map(({ target_id, result }) => [target_id, result]);
  };
  t.strictSame(await seen(ofA), [
    [ours, 'ok'],
    [theirs, 'refused'],
  ]);
  t.strictSame(await seen(ofEast), [[ours, 'ok']]);
  t.equal((await seen(key)).length, 4);
});

t.test("a customer's key sees what the operator did with its logins, variables and webhooks", async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const [ours, theirs] = [await world.customer('a'), await world.customer('b')];
  const login = { server: 'registry.example', username: 'u', password: HUNTER };
  for (const customer_id of [ours, theirs]) {
    for (const [path, body] of [
      ['/api/registries', login],
      ['/api/variables', { name: 'REGION', value: 'east' }],
    ] as const) {
      const made = await http.call<{ id: string }>('POST', path, { key, body: { ...body, customer_id } });
      await http.call('DELETE', `${path}/${made.body.id}`, { key });
    }
  }
  const { secret } = await world.app.keys.create(ADMIN, { name: 'a', permissions: ['*'], customerId: ours });
  const hook = { url: 'https://hooks.example/x', events: ['service.*'] };
  const made = await http.call<{ id: string }>('POST', '/api/webhooks', { key: secret, body: hook });
  await http.call('DELETE', `/api/webhooks/${made.body.id}`, { key });
  const { body } = await http.get<{ data: { action: string }[] }>('/api/audit?order=asc', secret);
  t.strictSame(
    body.data.map(({ action }) => action),
    ['registries', 'variables', 'webhooks'].flatMap((subject) => [`${subject}.create`, `${subject}.delete`]),
  );
});

t.test(
  '`longshore audit verify` checks the file beside a running control plane, and finds what was changed',
  async (t) => {
    const { world, http, key } = await startRealHttp(t);
    for (const name of ['one', 'two', 'three'])
      await http.call('POST', '/api/auth/api-keys', { key, body: { name, permissions: ['services.read'] } });
    const verify = (...more: string[]) => runCli(['audit', 'verify', '--data-dir', world.dir, '--json', ...more]);
    const whole = await verify();
    t.equal(whole.exitCode, 0);
    const { head } = JSON.parse(whole.stdout) as { head: string };
    t.match(JSON.parse(whole.stdout), { rows: 3, head: rowsOf(world)[2]?.hash, fault: null });
    t.match(await runCli(['audit', 'verify', '--data-dir', world.dir]), {
      exitCode: 0,
      stdout: `sound rows\t3\nhead\t${head}\n`,
    });
    t.equal((await verify('--expect', head)).exitCode, 0);

    const tamper = (sql: string) => {
      const db = new Sqlite(join(world.dir, 'control.db'));
      db.exec(sql);
      db.close();
    };
    tamper(`UPDATE meta SET value = '{' || value WHERE key = 'audit_head'`);
    t.match(await verify(), { exitCode: 1, stderr: /row 1: rows were added behind the noted head/ });
    tamper(`UPDATE meta SET value = substr(value, 2) WHERE key = 'audit_head'`);
    tamper(`UPDATE audit SET actor_name = 'nobody' WHERE seq = 2`);
    const changed = await verify();
    t.match(changed, { exitCode: 1, stderr: /breaks at row 2: the row or its hash was changed \(audit_broken\)/ });
    t.match(JSON.parse(changed.stdout), { rows: 1, fault: { seq: 2 } });
    tamper(`UPDATE audit SET actor_name = 'admin' WHERE seq = 2; DELETE FROM audit WHERE seq = 3`);
    t.match(await verify(), { exitCode: 1, stderr: /row 3: 1 rows are missing at the end/ });
    await http.call('DELETE', '/api/services/svc_none', { key });
    t.match(await verify(), { exitCode: 1, stderr: /row 3: the row is missing/ }, 'a later row does not heal it');
    tamper(`DELETE FROM audit; DELETE FROM meta WHERE key = 'audit_head'`);
    t.equal((await verify()).exitCode, 0, 'an empty log is sound in itself');
    t.match(await verify('--expect', head), { exitCode: 1, stderr: /written anew/ });
  },
);

t.test('`longshore audit verify` says where there is nothing to check', async (t) => {
  const run = await runCli(['audit', 'verify', '--data-dir', t.testdir()]);
  t.match(run, { exitCode: 3, stderr: /There is no database/ });
});

t.test('`longshore audit list` shows who did what', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  await http.call('DELETE', '/api/services/svc_none', { key });
  const env = { LONGSHORE_API_KEY: key };
  const run = await runCli(['audit', 'list', '--since', '2h', '--result', 'refused'], {
    url: http.url,
    env,
    clock: world.clock,
  });
  t.match(run, { exitCode: 0, stdout: /admin\t127\.0\.0\.1\tservices\.delete\tsvc_none\trefused\tnot_found\t-\n$/ });
});

t.test('the name of an action follows from its route', async (t) => {
  const names = [
    ['POST', '/api/services', 'services.create'],
    ['PATCH', '/api/services/:id', 'services.update'],
    ['POST', '/api/services/:id/start', 'services.start'],
    ['POST', '/api/hosts/join-tokens', 'hosts.join_tokens.create'],
    ['DELETE', '/api/auth/api-keys/:id', 'auth.api_keys.delete'],
    ['POST', '/api/webhooks/:id/deliveries/:delivery_id/redeliver', 'webhooks.deliveries.redeliver'],
    ['PUT', '/api/variables/:name', 'variables.update'],
  ] as const;
  for (const [method, path, name] of names) t.equal(toAction(method, path), name);
});
