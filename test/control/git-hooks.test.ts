// Push hooks over real HTTP: who is believed, which pushes count, and what becomes of them.
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ADMIN } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { startRealHttp } from '../support/real-http.ts';

const GIT = { url: 'https://example.com/repo.git', branch: 'main' };
const PUSH = { ref: 'refs/heads/main', after: 'a'.repeat(40), repository: { default_branch: 'main' } };

interface Answered {
  status: number;
  body: { result: string; message: string; deploy_job_id: string | null };
}
type Headers = Record<string, string>;

const sign = (body: string, secret: string): string => createHmac('sha256', secret).update(body).digest('hex');
const asGitHub = (body: string, secret: string, event = 'push'): Headers => ({
  'content-type': 'application/json',
  'x-github-event': event,
  'x-hub-signature-256': `sha256=${sign(body, secret)}`,
});

async function start(t: Test, git: { url: string; branch: string | null } = GIT) {
  const { world, http, key } = await startRealHttp(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web', { source: { method: 'git', git } });
  const made = await http.call<{ url: string; secret: string }>('POST', `/api/services/${id}/hooks`, { key });
  const { secret } = made.body;
  const send = async (body: string, headers: Headers, service = id): Promise<Answered> => {
    const options = { method: 'POST', body, headers };
    const answer = await fetch(`${http.url}/api/services/${service}/hooks/git`, options);
    return { status: answer.status, body: (await answer.json()) as Answered['body'] };
  };
  const push = (change: object = {}, more: Headers = {}) => {
    const body = JSON.stringify({ ...PUSH, ...change });
    return send(body, { ...asGitHub(body, secret), ...more });
  };
  return { world, http, key, host, id, made, secret, send, push };
}

t.test('a push deploys the newest commit, and the job says why', async (t) => {
  const { push, host, world, made, id } = await start(t);
  t.match(made, {
    status: 201,
    body: { url: `https://panel.example.com/api/services/${id}/hooks/git`, secret: /^lsg_/ },
  });
  const answer = await push();
  t.match(answer, { status: 202, body: { result: 'deploying' } });
  const jobId = answer.body.deploy_job_id ?? '';
  t.match(await host.offered(jobId), { kind: 'redeploy', pull: 'always', spec: { git: GIT } });
  t.match(world.stores.jobs.find(jobId), { cause: 'git push' });
  const { items } = world.app.audit.list(ADMIN, { page: 1, perPage: 1, order: 'desc' });
  t.match(items[0], { action: 'services.push', actorName: 'git push', targetId: id, jobId, result: 'ok' });
});

t.test('each host of repositories is believed by its own signature, and a script by the secret', async (t) => {
  const { send, secret, host } = await start(t);
  const body = JSON.stringify(PUSH);
  const json = { 'content-type': 'application/json' };
  const form = new URLSearchParams({ payload: body }).toString();
  const ways: Record<string, [string, Headers]> = {
    GitHub: [body, asGitHub(body, secret)],
    'GitHub, as a form': [form, { ...asGitHub(form, secret), 'content-type': 'application/x-www-form-urlencoded' }],
    GitLab: [body, { ...json, 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': secret }],
    Gitea: [body, { ...json, 'x-gitea-event': 'push', 'x-gitea-signature': sign(body, secret) }],
    Forgejo: [body, { ...json, 'x-forgejo-event': 'push', 'x-forgejo-signature': sign(body, secret) }],
    'a script': ['', { authorization: `Bearer ${secret}` }],
  };
  for (const [name, [text, headers]] of Object.entries(ways)) {
    const answer = await send(text, headers);
    t.match(answer, { status: 202, body: { result: 'deploying' } }, name);
    await host.finish(answer.body.deploy_job_id ?? '');
  }
});

t.test('whoever does not know the secret is told the same, whether or not there is such a service', async (t) => {
  const { send, world, host, secret, id } = await start(t);
  const body = JSON.stringify(PUSH);
  const json = { 'content-type': 'application/json' };
  const other = await world.deployed(host, 'other', { source: { method: 'git', git: GIT } });
  const refused = { status: 401, body: { error: { code: 'unauthorized' } } };
  t.match(await send(body, json), refused, 'unsigned');
  t.match(await send(body, asGitHub(body, 'lsg_another')), refused);
  t.match(await send(`${body} `, asGitHub(body, secret)), refused, 'another body');
  t.match(await send(body, { ...json, 'x-gitlab-token': '' }), refused);
  t.match(await send(body, { ...json, 'x-hub-signature': `sha1=${sign(body, secret)}` }), refused, 'SHA-1');
  t.match(await send(body, asGitHub(body, secret), other), refused, 'a service without a hook');
  t.match(await send(body, asGitHub(body, secret), 'svc_nowhere'), refused);
  t.strictSame(world.stores.jobs.openOfService(id), []);
});

t.test('what is no push to its branch is answered and changes nothing', async (t) => {
  const { push, send, secret, world, id } = await start(t);
  const ignored = (message: RegExp) => ({ status: 200, body: { result: 'ignored', message, deploy_job_id: null } });
  const ping = JSON.stringify({ zen: 'Keep it logically awesome.' });
  t.match(await send(ping, asGitHub(ping, secret, 'ping')), ignored(/"ping" is no push/));
  t.match(await push({ ref: 'refs/heads/next' }), ignored(/from main, not from refs\/heads\/next/));
  t.match(await push({ deleted: true }), ignored(/deleted/));
  t.match(await push({ after: '0'.repeat(40) }), ignored(/deleted/));
  t.strictSame(world.stores.jobs.openOfService(id), []);
});

t.test('a push that touches nothing of what is watched changes nothing', async (t) => {
  const { push, world, host, id, http, key } = await start(t);
  const change = (git_watch_paths: string[] | null) =>
    http.call('PATCH', `/api/services/${id}`, { key, body: { git_watch_paths } });
  t.match(await change(['apps/web/**', '!**/*.md']), {
    body: { deploy_job_id: null, git_watch_paths: ['apps/web/**', '!**/*.md'] },
  });
  const touching = (...modified: string[]) => ({
    before: 'b'.repeat(40),
    commits: [{ added: [], modified, removed: [] }],
  });
  const ignored = { status: 200, body: { result: 'ignored', message: 'It touches none of apps/web/**, !**/*.md' } };
  t.match(await push(touching('apps/api/a.ts', 'apps/web/README.md')), ignored);
  t.strictSame(world.stores.jobs.openOfService(id), []);
  const deploying = async (change: object, name: string) => {
    const answer = await push(change);
    t.match(answer, { status: 202, body: { result: 'deploying' } }, name);
    await host.finish(answer.body.deploy_job_id ?? '');
  };
  await deploying(touching('apps/web/a.ts'), 'touched');
  await deploying({ ...touching('docs/a.md'), forced: true }, 'rewritten: what it left behind is not told');
  await deploying({}, 'nothing told');
  t.match(await change(['../x', 'ok']), {
    status: 422,
    body: { error: { fields: { 'git_watch_paths[0]': /inside/ } } },
  });
  await change(null);
  await deploying(touching('docs/a.md'), 'nothing watched');
});

t.test("without a branch of its own the repository's default branch counts", async (t) => {
  const { push } = await start(t, { ...GIT, branch: null });
  t.match(await push({ ref: 'refs/heads/next' }), { body: { result: 'ignored' } });
  t.match(await push(), { body: { result: 'deploying' } });
});

t.test('a service that is held to a commit stays there', async (t) => {
  const { push, world, host, id } = await start(t);
  const { jobId } = await world.app.services.update(ADMIN, id, { gitCommit: 'b'.repeat(40) });
  await host.finish(jobId ?? '');
  t.match(await push(), { body: { result: 'ignored', message: /held to a commit/ } });
});

t.test('pushes while a job is under way become one redeploy when it has ended', async (t) => {
  const { push, host, world, id } = await start(t);
  const first = await push();
  t.match(await push({ after: 'b'.repeat(40) }), { status: 202, body: { result: 'waiting', deploy_job_id: null } });
  t.match(await push({ after: 'c'.repeat(40) }), { body: { result: 'waiting' } });
  await host.finish(first.body.deploy_job_id ?? '');
  const [next] = await eventually(() => world.stores.jobs.openOfService(id), { until: ({ length }) => length === 1 });
  t.match(next, { kind: 'redeploy', cause: 'git push' });
  await host.finish(next?.id ?? '');
  await world.app.gitHooks.resume();
  t.strictSame(world.stores.jobs.openOfService(id), [], 'nothing waits any more');
});

t.test('a push that waited when the control plane ended is deployed when it is back', async (t) => {
  const { world, id } = await start(t);
  const { stores, app } = world;
  await stores.writer.write(() => stores.gitHooks.setWaiting(id, true)); // its job ended, and then the process
  await app.gitHooks.resume();
  t.match(stores.jobs.openOfService(id), [{ kind: 'redeploy', cause: 'git push' }]);
  t.strictSame(stores.gitHooks.waiting(), []);
});

t.test('a service that is stopped is not started by a push', async (t) => {
  const { push, world, host, id } = await start(t);
  const { job } = await world.app.services.act(ADMIN, id, 'stop', 0);
  t.match(await push(), { body: { result: 'waiting' } });
  await host.finish(job.id, {}, { lifecycle: 'stopped' });
  await eventually(() => world.stores.gitHooks.waiting(), { until: ({ length }) => length === 0 });
  t.strictSame(world.stores.jobs.openOfService(id), [], 'nor by one that came before');
  t.match(await push(), { body: { result: 'ignored', message: /is stopped/ } });
});

t.test('the same delivery, sent again, is answered again and deploys once', async (t) => {
  const { push, host, world, id } = await start(t);
  const delivery = { 'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958' };
  const first = await push({}, delivery);
  await host.finish(first.body.deploy_job_id ?? '');
  t.strictSame(await push({}, delivery), first);
  t.strictSame(world.stores.jobs.openOfService(id), []);
});

t.test('a host that is away gets the push when it returns', async (t) => {
  const { push, host, world, id } = await start(t);
  host.disconnect();
  t.match(await push(), { status: 202, body: { result: 'deploying' } });
  t.match(world.stores.jobs.openOfService(id), [{ kind: 'redeploy', state: 'queued' }]);
});

t.test('another secret ends the one before; without a hook nobody is let in', async (t) => {
  const { push, http, key, id, secret, world } = await start(t);
  const path = `/api/services/${id}/hooks`;
  const { body } = await http.call<{ secret: string }>('POST', path, { key });
  t.not(body.secret, secret);
  t.match(await push(), { status: 401 });
  t.match(await http.call('DELETE', path, { key }), { status: 204 });
  t.match(await http.error('DELETE', path, { key }), { status: 404 });
  const file = readFileSync(join(world.dir, 'control.db'), 'latin1');
  t.notMatch(file, secret, 'only sealed');
});

t.test('a hook is for services from Git that the caller sees', async (t) => {
  const { world, host, http, key, id } = await start(t);
  const plain = await world.deployed(host, 'plain');
  t.match(await http.error('POST', `/api/services/${plain}/hooks`, { key }), { status: 409, code: 'state_conflict' });
  const stranger = await world.app.keys.create(ADMIN, { name: 'a', permissions: ['*'], hostLabels: { zone: 'x' } });
  t.match(await http.error('POST', `/api/services/${id}/hooks`, { key: stranger.secret }), { status: 404 });
});

t.test('what is no JSON is refused, as is an endless name of a delivery', async (t) => {
  const { send, secret, push } = await start(t);
  t.match(await send('{', asGitHub('{', secret)), { status: 400, body: { error: { code: 'invalid_json' } } });
  t.match(await send('[]', asGitHub('[]', secret)), { status: 422 });
  t.match(await push({}, { 'x-github-delivery': 'x'.repeat(300) }), { status: 400 });
});
