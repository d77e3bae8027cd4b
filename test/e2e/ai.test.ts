// An AI deploy from one end to the other: API, control plane, model, agent, Docker. And the key to the model shows nowhere.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startAiEndpoint, writes } from '../support/ai-endpoint.ts';
import { Api } from '../support/api.ts';
import { ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { GitRepository } from '../support/git-repository.ts';
import { startUp } from '../support/up.ts';

const KEY = 'canary-of-the-ai-key-0123456789';
const COMPOSE = 'services:\n  web:\n    build: .\n    stop_grace_period: 0s\n    ports: ["80"]\n';
const GOOD = { compose: COMPOSE, dockerfile: 'FROM longshore-test/web:1\nCOPY README.md /\n', port: 80 };
const BROKEN = { ...GOOD, dockerfile: 'FROM longshore-test/web:1\nRUN false\n' };
const HOSTILE = { compose: 'services: {web: {image: "longshore-test/web:1", volumes: ["/:/host"]}}' };

t.test('a repository is deployed as the model says, in the end', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const endpoint = await startAiEndpoint(t);
  const repository = await GitRepository.create(t, { 'README.md': '# A site\n' });
  const keyFile = join(t.testdir(), 'key');
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

  endpoint.script(writes(HOSTILE));
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
  await api.delete(`/api/services/${made.body.id}`);
});
