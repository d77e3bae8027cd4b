// Tokens of private repositories: given once, told to the host, shown to nobody.
import t, { type Test } from 'tap';
import { startRealHttp } from '../support/real-http.ts';

const TOKEN = 'tok_canary-5d20c9e1';
const REPOSITORY = { url: 'https://example.com/x.git', branch: null };

async function start(t: Test) {
  const real = await startRealHttp(t);
  const host = await real.world.joinAndConnect();
  const { http, key } = real;
  const create = (body: object) =>
    http.call<{ id: string; deploy_job_id: string }>('POST', '/api/services', {
      key,
      body: { name: 'app', deploy_method: 'git', git_url: REPOSITORY.url, ...body },
    });
  const change = (id: string, body: object) =>
    http.call<{ deploy_job_id: string | null; git: object }>('PATCH', `/api/services/${id}`, { key, body });
  const made = async (body: object = { git_token: TOKEN }) => {
    const answer = await create(body);
    const { spec } = await host.offered(answer.body.deploy_job_id);
    await host.finish(answer.body.deploy_job_id);
    return { id: answer.body.id, spec };
  };
  return { ...real, host, create, change, made };
}

t.test('A52: the host is told the token; the API says only that there is one', async (t) => {
  const { http, key, made } = await start(t);
  const { id, spec } = await made();
  t.strictSame(spec?.git, { ...REPOSITORY, login: { username: 'x-access-token', password: TOKEN } });
  const detail = await http.get(`/api/services/${id}`, key);
  t.match(detail.body['git'], { ...REPOSITORY, commit: null, path: null, has_token: true, has_deploy_key: false });
  for (const path of [`/api/services/${id}`, '/api/services', `/api/services/${id}/events`, '/api/audit', '/api/jobs'])
    t.notMatch((await http.get(path, key)).text, TOKEN, path);
});

t.test('a user name may go with it, but not alone', async (t) => {
  const { made, create, change } = await start(t);
  const { id, spec } = await made({ git_token: TOKEN, git_username: 'oauth2' });
  t.match(spec?.git?.login, { username: 'oauth2' });
  t.match(await create({ name: 'b', git_username: 'oauth2' }), {
    status: 422,
    body: { error: { fields: { git_username: 'goes with a git_token' } } },
  });
  await change(id, { git_token: null });
  t.match(await change(id, { git_username: 'ada' }), {
    status: 422,
    body: { error: { fields: { git_username: /token/ } } },
  });
});

t.test('another token deploys with it; the name stays, and so does the commit that is pinned', async (t) => {
  const { made, change, host } = await start(t);
  const { id } = await made({ git_token: TOKEN, git_username: 'oauth2' });
  const commit = 'a'.repeat(40);
  const pinned = await change(id, { git_commit: commit });
  await host.finish(pinned.body.deploy_job_id ?? '');
  const { body } = await change(id, { git_token: 'tok_of-tomorrow' });
  t.match((await host.offered(body.deploy_job_id ?? '')).spec?.git, {
    commit,
    login: { username: 'oauth2', password: 'tok_of-tomorrow' },
  });
  await host.finish(body.deploy_job_id ?? '');
  t.equal(
    (await change(id, { git_token: 'tok_of-tomorrow' })).body.deploy_job_id,
    null,
    'the same one changes nothing',
  );
  const removed = await change(id, { git_token: null });
  t.match(removed.body.git, { has_token: false });
  t.notOk((await host.offered(removed.body.deploy_job_id ?? '')).spec?.git?.login);
});

t.test('a token is for https, in one line, and for services from Git', async (t) => {
  const { create, change, world, host } = await start(t);
  const refused = async (answer: ReturnType<typeof create>, fields: object) =>
    t.match(await answer, { status: 422, body: { error: { fields } } });
  await refused(create({ git_url: 'git@example.com:a/b.git', git_token: TOKEN }), { git_token: /https/ });
  await refused(create({ git_token: 'two\r\nX-Header: lines' }), { git_token: /Not a token/ });
  await refused(create({ git_token: TOKEN, git_username: 'a:b' }), { git_token: /git_username/ });
  await refused(create({ git_url: `https://user:${TOKEN}@example.com/x.git` }), { git_url: /give it as git_token/ });
  const id = await world.deployed(host, 'web');
  const answer = await change(id, { git_token: TOKEN });
  t.match(answer, { status: 422, body: { error: { fields: { git_token: /services from Git/ } } } });
});
