// Keys of repositories by ssh: given or made, told to the host, shown to nobody.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ADMIN } from '../support/control-world.ts';
import { makeKey } from '../support/git-ssh-server.ts';
import { startRealHttp } from '../support/real-http.ts';

const REPOSITORY = { url: 'git@example.com:team/app.git', branch: null };
const HOSTS = 'example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPQ5Kw2F2qBbF4iY0cYtBqmJk3m3q8yqfZ9o2f8xJ2wB';
const key = makeKey(t);

async function start(t: Test) {
  const real = await startRealHttp(t);
  const host = await real.world.joinAndConnect();
  const { http, key: apiKey } = real;
  const create = (body: object) => {
    const whole = { name: 'app', deploy_method: 'git', git_url: REPOSITORY.url, ...body };
    return http.call<{ id: string; deploy_job_id: string }>('POST', '/api/services', { key: apiKey, body: whole });
  };
  const change = (id: string, body: object) =>
    http.call<{ deploy_job_id: string | null; git: object }>('PATCH', `/api/services/${id}`, { key: apiKey, body });
  const made = async (body: object = { git_deploy_key: key.privateKey }) => {
    const answer = await create(body);
    const { spec } = await host.offered(answer.body.deploy_job_id);
    await host.finish(answer.body.deploy_job_id);
    return { id: answer.body.id, spec };
  };
  return { ...real, apiKey, host, create, change, made };
}

t.test('A52: the host is told the key; the API says only that there is one', async (t) => {
  const { http, apiKey, made, world } = await start(t);
  const { id, spec } = await made({ git_deploy_key: key.privateKey.trim(), git_known_hosts: HOSTS });
  t.strictSame(spec?.git, { ...REPOSITORY, deployKey: key.privateKey, knownHosts: HOSTS });
  const detail = await http.get(`/api/services/${id}`, apiKey);
  t.match(detail.body['git'], { has_deploy_key: true, has_token: false, known_hosts: HOSTS });
  const secret = key.privateKey.split('\n')[2] ?? '';
  for (const path of [`/api/services/${id}`, '/api/services', `/api/services/${id}/events`, '/api/audit', '/api/jobs'])
    t.notMatch((await http.get(path, apiKey)).text, secret, path);
  t.notMatch(readFileSync(join(world.dir, 'control.db'), 'latin1'), secret, 'only sealed');
});

t.test('another key deploys with it, and none ends it; what is pinned stays', async (t) => {
  const { made, change, host } = await start(t);
  const { id } = await made({ git_deploy_key: key.privateKey, git_commit: 'a'.repeat(40), git_path: 'apps/web' });
  const other = makeKey(t, 'ecdsa');
  const { body } = await change(id, { git_deploy_key: other.privateKey });
  t.match((await host.offered(body.deploy_job_id ?? '')).spec?.git, {
    commit: 'a'.repeat(40),
    path: 'apps/web',
    deployKey: other.privateKey,
  });
  await host.finish(body.deploy_job_id ?? '');
  t.equal((await change(id, { git_deploy_key: other.privateKey })).body.deploy_job_id, null);
  const removed = await change(id, { git_deploy_key: null });
  t.match(removed.body.git, { has_deploy_key: false });
  t.notOk((await host.offered(removed.body.deploy_job_id ?? '')).spec?.git?.deployKey);
});

t.test('what is no key for the repository is refused by name', async (t) => {
  const { create, change, made, world, host } = await start(t);
  const refused = async (answer: Promise<unknown>, fields: object) =>
    t.match(await answer, { status: 422, body: { error: { fields } } });
  const encrypted = makeKey(t, 'ed25519', 'secret').privateKey;
  await refused(create({ git_deploy_key: encrypted }), { git_deploy_key: /passphrase/ });
  await refused(create({ git_deploy_key: 'hello' }), { git_deploy_key: /form of OpenSSH/ });
  await refused(create({ git_url: 'https://example.com/x.git', git_deploy_key: key.privateKey }), {
    git_deploy_key: /ssh/,
  });
  await refused(create({ git_known_hosts: 'example.com' }), { git_known_hosts: /known_hosts file/ });
  await refused(create({ git_token: 'tok_1', git_deploy_key: key.privateKey }), { git_token: /https/ });
  const { id } = await made();
  await refused(change(id, { git_deploy_key: encrypted }), {
    git_deploy_key: /passphrase/,
  });
  const plain = await world.deployed(host, 'web');
  const answer = await change(plain, { git_deploy_key: key.privateKey, git_submodules: true });
  const fields = { git_deploy_key: /services from Git/, git_submodules: /services from Git/ };
  t.match(answer, { status: 422, body: { error: { fields } } });
});

t.test('a key is made here, and only its public part is shown; the next deploy uses it', async (t) => {
  const { http, apiKey, made, world, host } = await start(t);
  const { id } = await made({});
  const path = `/api/services/${id}/deploy-key`;
  const answer = await http.call<{ public_key: string }>('POST', path, { key: apiKey });
  t.match(answer, { status: 201, body: { public_key: /^ssh-ed25519 [A-Za-z0-9+/]{68} longshore-app$/ } });
  t.strictSame(Object.keys(answer.body), ['public_key']);
  t.strictSame(world.stores.jobs.openOfService(id), [], 'nobody has entered it yet');
  const redeployed = await http.call<{ deploy_job_id: string }>('POST', `/api/services/${id}/redeploy`, {
    key: apiKey,
  });
  t.match(await host.offered(redeployed.body.deploy_job_id), {
    spec: { git: { deployKey: /BEGIN OPENSSH PRIVATE KEY/ } },
  });
  const again = await http.call<{ public_key: string }>('POST', path, { key: apiKey });
  t.not(again.body.public_key, answer.body.public_key);
  const { items } = world.app.audit.list(ADMIN, { page: 1, perPage: 1, order: 'desc' });
  t.match(items[0], { action: 'services.deploy_key', targetId: id, result: 'ok' });
});

t.test('a key that is made while the service changes is not lost', async (t) => {
  const { made, world } = await start(t);
  const { id } = await made();
  const keyOf = () => world.stores.services.requireSource(id).git?.deployKey;
  const [created, changed] = await Promise.allSettled([
    world.app.deployKeys.create(ADMIN, id),
    world.app.services.update(ADMIN, id, { variables: { LEVEL: 'debug' } }),
  ]);
  t.equal(created.status, 'fulfilled');
  t.match(changed, { status: 'rejected', reason: { code: 'state_conflict' } });
  t.match(keyOf(), /BEGIN OPENSSH/);
  t.not(keyOf(), key.privateKey);
});

t.test('a key is for services by ssh that the caller sees', async (t) => {
  const { http, apiKey, made, world, host } = await start(t);
  const { id } = await made({ git_url: 'https://example.com/x.git' });
  const refused = { status: 409, code: 'state_conflict' };
  t.match(await http.error('POST', `/api/services/${id}/deploy-key`, { key: apiKey }), refused);
  const plain = await world.deployed(host, 'plain');
  t.match(await http.error('POST', `/api/services/${plain}/deploy-key`, { key: apiKey }), refused);
  const stranger = await world.app.keys.create(ADMIN, { name: 'a', permissions: ['*'], hostLabels: { zone: 'x' } });
  t.match(await http.error('POST', `/api/services/${id}/deploy-key`, { key: stranger.secret }), { status: 404 });
});

t.test('what is fetched beside the repository is asked for; false is as good as nothing', async (t) => {
  const { made, change, host } = await start(t);
  const { id, spec } = await made({ git_submodules: true, git_lfs: false });
  t.strictSame(spec?.git, { ...REPOSITORY, submodules: true });
  t.equal((await change(id, { git_lfs: false, git_submodules: true })).body.deploy_job_id, null);
  const { body } = await change(id, { git_lfs: true, git_submodules: false });
  t.match(body.git, { lfs: true, submodules: false });
  t.strictSame((await host.offered(body.deploy_job_id ?? '')).spec?.git, { ...REPOSITORY, lfs: true });
});
