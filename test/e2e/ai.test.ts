// An AI deploy from one end to the other: API, control plane, model, agent, Docker. And the key to the model shows nowhere.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startAiEndpoint, writes } from '../support/ai-endpoint.ts';
import { Api } from '../support/api.ts';
import { ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { makeFolder } from '../support/folder.ts';
import { GitRepository } from '../support/git-repository.ts';
import { startUp } from '../support/up.ts';

const KEY = 'canary-of-the-ai-key-0123456789';
const COMPOSE = 'services:\n  web:\n    build: .\n    stop_grace_period: 0s\n    ports: ["80"]\n';
const GOOD = { compose: COMPOSE, dockerfile: 'FROM longshore-test/web:1\nCOPY README.md /\n', port: 80 };
const BROKEN = { ...GOOD, dockerfile: 'FROM longshore-test/web:1\nRUN false\n' };
const IMAGE = 'image: "longshore-test/web:1"';
const hidden = (text: string) => `!!binary ${Buffer.from(text).toString('base64')}`;
/** What no customer and no AI may ask for, and how it is refused: one of each kind, however it comes. */
const HOSTILE = [
  ['compose_policy', `services: {web: {${IMAGE}, privileged: true}}`],
  ['compose_policy', `services: {web: {${IMAGE}, volumes: ["/:/host"]}}`],
  ['compose_policy', `services: {web: {${IMAGE}, env_file: /etc/passwd}}`],
  ['compose_invalid', `services: {web: {${IMAGE}, env_file: ${hidden('/etc/passwd')}}}`],
  ['compose_policy', `services: {web: {${IMAGE}, labels: {longshore.service: svc_other}}}`],
  ['compose_policy', `services: {web: {${IMAGE}, container_name: other-web-1}}`],
  ['compose_policy', `services: {web: {${IMAGE}, ports: ["2375:80"]}}`],
  ['compose_policy', `services: {web: {${IMAGE}}}\nnetworks: {n: {ipam: {config: [{subnet: 9.9.9.0/24}]}}}`],
] as const;

t.test('a repository is deployed as the model says, in the end', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const endpoint = await startAiEndpoint(t);
  const repository = await GitRepository.create(t, { 'README.md': '# A site\n' });
  const keyFile = join(makeFolder(t, 'e2e'), 'key');
  writeFileSync(keyFile, `${KEY}\n`, { mode: 0o600 });
  const up = await startUp(t, {
    LONGSHORE_ALLOW_FILE_GIT: '1',
    LONGSHORE_AI_BASE_URL: endpoint.url,
    LONGSHORE_AI_MODEL: 'local',
    LONGSHORE_AI_API_KEY_FILE: keyFile,
  });
  const api = new Api(up.url, up.key);
  const name = uniqueProject(t, 'e2e-ai');
  const paths = ['/api/services'];

  endpoint.script(writes({ compose: HOSTILE[1][1] }));
  const body = { name, deploy_method: 'ai', ai_url: repository.url };
  const made = await api.post<{ id: string; deploy_job_id: string }>('/api/services', body);
  const { id, deploy_job_id: first } = made.body;
  t.match(await api.jobEnd(first), {
    state: 'failed',
    failed_step: 'prepare',
    error: { code: 'compose_policy', message: /AI's proposal/ },
  });

  endpoint.script(writes(BROKEN), writes(GOOD));
  const again = await api.post<{ deploy_job_id: string }>(`/api/services/${id}/redeploy`, { pull: 'missing' });
  const job = again.body.deploy_job_id;
  t.match(await api.jobEnd(job), { state: 'succeeded', failed_step: null });
  t.equal(endpoint.requests.length, 3);
  t.equal(endpoint.requests.at(-1)?.headers.authorization, `Bearer ${KEY}`);
  const log = await api.get(`/api/jobs/${job}/log`);
  t.match(JSON.stringify(log.body), /asking the AI again: Cannot build/);
  t.match(JSON.stringify(log.body), /as the AI proposes\. it is a web server/);
  t.match(await api.get(`/api/services/${id}`), { body: { status: 'running', deploy_method: 'ai' } });

  await t.test(
    'A39 A40 A41 A45 A46: the same is refused from a model, a file, a change, and a repository',
    async (t) => {
      for (const [code, compose] of HOSTILE) {
        endpoint.script(writes({ compose }));
        await repository.commit({ 'README.md': `# ${compose}\n` });
        const asked = await api.post<{ deploy_job_id: string }>(`/api/services/${id}/redeploy`, { pull: 'missing' });
        t.match(await api.jobEnd(asked.body.deploy_job_id), { state: 'failed', error: { code } }, `AI: ${compose}`);
      }
      t.match(await api.get(`/api/services/${id}`), { body: { status: 'running' } }, 'what ran goes on');
      const { body: customer } = await api.post<{ id: string }>('/api/customers', { name: 'Acme' });
      const own = { name: uniqueProject(t, 'e2e-ai'), customer_id: customer.id, deploy_method: 'compose' };
      const plain = await api.post<{ id: string; deploy_job_id: string }>('/api/services', {
        ...own,
        compose: `services: {web: {${IMAGE}, stop_grace_period: 0s}}`,
      });
      t.match(await api.jobEnd(plain.body.deploy_job_id), { state: 'succeeded' });
      for (const [code, compose] of HOSTILE) {
        const refused = { status: 422, body: { error: { code } } };
        t.match(await api.post('/api/services', { ...own, name: `${own.name}-2`, compose }), refused, compose);
        t.match(await api.call('PATCH', `/api/services/${plain.body.id}`, { compose }), refused, `change: ${compose}`);
      }
      await api.delete(`/api/services/${plain.body.id}`);
    },
  );

  await t.test(
    'with review a new commit waits with its diff, and what runs goes on until somebody approves',
    async (t) => {
      const path = `/api/services/${id}`;
      await repository.commit({ 'README.md': '# Another site\n' });
      endpoint.script(writes({ ...GOOD, compose: COMPOSE.replace('0s', '1s') }));
      await api.call('PATCH', path, { review: true });
      const asked = await api.post<{ deploy_job_id: string }>(`${path}/redeploy`, { pull: 'missing' });
      t.match(await api.jobEnd(asked.body.deploy_job_id), { state: 'succeeded', kind: 'propose' });
      t.match(await api.get(path), { body: { status: 'running', reason: /waits for review/ } });
      const shown = await api.get<{ proposal_id: string; diff: string }>(`${path}/proposal`);
      t.match(shown.body, {
        diff: /-    stop_grace_period: "0s"\n\+    stop_grace_period: "1s"\n/,
        proposal: { reasons: ['it is a web server'], port: 80 },
        plan: { services: [{ service: 'web', action: 'recreate' }] },
      });
      const { proposal_id } = shown.body;
      const approved = await api.post<{ deploy_job_id: string }>(`${path}/proposal/approve`, { proposal_id });
      t.match(await api.jobEnd(approved.body.deploy_job_id), { state: 'succeeded' });
      t.match(await api.get(path), { body: { status: 'running', reason: null, proposal: null } });
    },
  );

  await t.test('nobody reads the key', async (t) => {
    paths.push(`/api/services/${id}`, `/api/services/${id}/events`, `/api/jobs/${first}`, `/api/jobs/${job}/log`);
    const answers = await Promise.all(paths.map((path) => api.get(path)));
    t.notMatch(JSON.stringify(answers.map(({ body }) => body)) + up.output, KEY);
  });
  await api.delete(`/api/services/${id}`);
});

t.test('without a model the recipes and the files of the repository count', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const dockerfile = 'FROM longshore-test/web:1\nEXPOSE 80\n';
  const repository = await GitRepository.create(t, { Dockerfile: dockerfile });
  const up = await startUp(t, { LONGSHORE_ALLOW_FILE_GIT: '1' });
  const api = new Api(up.url, up.key);
  const body = { name: uniqueProject(t, 'e2e-ai'), deploy_method: 'ai', ai_url: repository.url };
  const made = await api.post<{ id: string; deploy_job_id: string }>('/api/services', body);
  const job = made.body.deploy_job_id;
  t.match(await api.jobEnd(job), { state: 'succeeded' });
  const log = await api.get(`/api/jobs/${job}/log`);
  t.match(JSON.stringify(log.body), /no AI endpoint is set, deploying its Dockerfile/);
  for (const [code, compose] of HOSTILE.slice(1, 4)) {
    await repository.commit({ 'compose.yaml': compose });
    const asked = await api.post<{ deploy_job_id: string }>(`/api/services/${made.body.id}/redeploy`);
    t.match(await api.jobEnd(asked.body.deploy_job_id), { state: 'failed', error: { code } }, `repository: ${compose}`);
  }
  await api.delete(`/api/services/${made.body.id}`);
});
