// Services from Git as the API takes them: which addresses are let through, and what the host is told.
import t, { type Test } from 'tap';
import { fromNewServiceBody, newServiceBody } from '../../control/http/views/new-service.ts';
import { ADMIN } from '../support/control-world.ts';
import { startRealHttp, type RealHttp } from '../support/real-http.ts';

const refusal = (real: RealHttp, body: object) =>
  real.http.error('POST', '/api/services', { key: real.key, body: { name: 'app', deploy_method: 'git', ...body } });

async function start(t: Test) {
  const real = await startRealHttp(t);
  return { ...real, host: await real.world.joinAndConnect() };
}

t.test('the host is told the repository and its branch; there is no compose text', async (t) => {
  const { http, key, host } = await start(t);
  const body = { name: 'app', deploy_method: 'git', git_url: 'https://example.com/x.git', git_branch: 'main' };
  const made = await http.call<{ id: string; deploy_job_id: string }>('POST', '/api/services', { key, body });
  t.match(made, { status: 201, body: { status: 'deploying', deploy_job_id: /^job_/ } });
  t.match(await host.offered(made.body.deploy_job_id), {
    spec: { method: 'git', compose: '', git: { url: 'https://example.com/x.git', branch: 'main' } },
  });
  t.match(await http.get(`/api/services/${made.body.id}`, key), {
    body: { deploy_method: 'git', git: { branch: 'main' } },
  });
});

t.test('one commit and a folder may be named, and the folder changed', async (t) => {
  const { http, key, host, ...real } = await start(t);
  const [git_commit, git_path] = ['a'.repeat(40), 'apps/web'];
  const body = { name: 'app', deploy_method: 'git', git_url: 'https://example.com/x.git', git_commit, git_path };
  const made = await http.call<{ id: string; deploy_job_id: string }>('POST', '/api/services', { key, body });
  const { spec } = await host.offered(made.body.deploy_job_id);
  t.strictSame(spec?.git, { url: body.git_url, branch: null, commit: git_commit, path: git_path });
  await host.finish(made.body.deploy_job_id);
  const change = (fields: object) =>
    http.call<{ deploy_job_id: string }>('PATCH', `/api/services/${made.body.id}`, { key, body: fields });
  t.match(await change({ git_path }), { body: { deploy_job_id: null, git: { commit: git_commit, path: git_path } } });
  const { deploy_job_id: jobId } = (await change({ git_path: null })).body;
  t.strictSame((await host.offered(jobId)).spec?.git, { url: body.git_url, branch: null, commit: git_commit });
  await host.finish(jobId);
  const refused = await refusal({ http, key, ...real }, { git_url: body.git_url, git_path: '../x' });
  t.match(refused, { status: 422, fields: { git_path: /Not a folder inside/ } });
});

t.test('an AI deploy names a repository, too', async (t) => {
  const { http, key, host } = await start(t);
  const body = { name: 'app', deploy_method: 'ai', ai_url: 'https://github.com/user/repo' };
  const made = await http.call<{ deploy_job_id: string }>('POST', '/api/services', { key, body });
  t.match(await host.offered(made.body.deploy_job_id), {
    spec: { method: 'ai', git: { url: 'https://github.com/user/repo', branch: null } },
  });
  const { fields } = await http.error('POST', '/api/services', {
    key,
    body: { ...body, name: 'b', ai_url: 'file:///etc' },
  });
  t.match(fields, { ai_url: /https/ });
});

t.test('A49: only https and ssh Git sources are allowed', async (t) => {
  const real = await start(t);
  const unsafe = [
    'ext::sh -c id',
    'fd::17',
    'file:///etc',
    '/path',
    './path',
    'git://example.com/x.git',
    'http://example.com/x.git',
    'javascript:alert(1)',
    'https://',
    'https://example.com/a b',
    'https://example.com/\n',
    'https://user:password@example.com/x.git',
    'https://ghp_token@example.com/x.git',
    'ssh://git:password@example.com/x.git',
    'https:example.com/x.git',
    'https:\\\\example.com/x.git',
    'https://example.com\\@10.0.0.1/x.git',
    'https://example.com./x.git',
  ];
  for (const git_url of unsafe)
    t.match(
      await refusal(real, { git_url }),
      { status: 422, code: 'unsafe_git_url', fields: { git_url: /./ } },
      git_url,
    );
  const safe = ['https://example.com/x.git', 'ssh://git@example.com:22/x.git', 'git@example.com:user/x.git'];
  for (const [index, git_url] of safe.entries()) {
    const input = newServiceBody.parse({ name: `app-${index}`, deploy_method: 'git', git_url });
    await t.resolves(real.world.app.services.create(ADMIN, fromNewServiceBody(input)), git_url);
  }
});

t.test('A50: nothing that Git could take for an option gets near it', async (t) => {
  const real = await start(t);
  const urls = [
    '--upload-pack=cmd',
    '-ucmd',
    'ssh://-oProxyCommand=id/x',
    'git@-oProxyCommand:x',
    'git@example.com:-x',
  ];
  for (const git_url of urls) t.match(await refusal(real, { git_url }), { code: 'unsafe_git_url' }, git_url);
  const git_url = 'https://example.com/x.git';
  for (const git_branch of ['--x', '-u', 'a..b', 'a b', 'a\0', '/a', 'a.lock', 'refs@{1}', 'a~1', 'a/'])
    t.match(await refusal(real, { git_url, git_branch }), { status: 422, fields: { git_branch: /./ } }, git_branch);
  for (const [index, branch] of ['main', 'feature/a-1', 'v1.2.3', 'größe'].entries()) {
    const source = { method: 'git' as const, git: { url: git_url, branch } };
    await t.resolves(real.world.app.services.create(ADMIN, { name: `app-${index}`, source }), branch);
  }
});
