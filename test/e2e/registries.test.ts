// A private image from one end to the other: API, control plane, agent, Docker, a real registry. And nowhere on the way
// does the password show.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Api, type Job } from '../support/api.ts';
import { docker, ensureImages, uniqueProject } from '../support/docker.ts';
import { freePort } from '../support/free-port.ts';
import { missingRegistry, startRegistry } from '../support/registry.ts';
import { startUp, type Up } from '../support/up.ts';

const skip = await missingRegistry();
const PASSWORDS = ['canary-of-the-first-password', 'canary-that-is-refused', 'canary-of-the-next-password'];

t.test('a private image is deployed, refreshed, refused and left running', { skip }, async (t) => {
  await ensureImages();
  const [first = '', wrong = '', next = ''] = PASSWORDS;
  const registry = await startRegistry(t, first);
  const image = await registry.push('longshore-test/web:1', 'team/web:stable');
  const up = await startUp(t);
  const api = new Api(up.url, up.key);
  const service = await createService(t, api, image);

  t.match(await service.created, {
    state: 'failed',
    error: { code: 'image_unavailable', message: `Cannot pull image "${image}"`, details: /longshore registries add/ },
  });

  const login = { server: `http://${registry.server}`, username: registry.username, password: first };
  const added = await api.post<{ id: string }>('/api/registries', login, { 'idempotency-key': 'one-login' });
  t.match(added, { status: 201, body: { server: registry.server } });
  t.match(await service.redeploy(), { state: 'succeeded' });
  t.match(await service.page(), 'v1');

  await registry.push('longshore-test/web:2', 'team/web:stable');
  t.match(await service.redeploy(), { state: 'succeeded' });
  t.match(await service.page(), 'v2', 'a redeploy pulls what is newer');

  const path = `/api/registries/${added.body.id}`;
  t.match(await api.call('PATCH', path, { password: wrong }), { status: 200 });
  t.match(await service.redeploy(), {
    state: 'failed',
    error: { code: 'registry_login_failed', message: /refuses the login of "puller"/ },
  });
  await registry.setPassword(next);
  t.match(await api.call('PATCH', path, { password: next }), { status: 200 });
  t.match(await service.redeploy(), { state: 'succeeded' }, 'the next deploy has the new password');
  const before = await service.containers();

  t.match(await api.delete(path), { status: 204 });
  await docker(['rmi', '-f', image]); // only its name: the container keeps the image
  t.match(await service.redeploy(), { state: 'failed', error: { code: 'image_unavailable' } });
  t.match(await service.page(), 'v2', 'what runs runs on');
  t.equal(await service.containers(), before);

  await t.test('no password shows in an answer, a log or a file', async (t) => {
    t.not(filesHolding(up, /puller/).length, 0, 'the search looks where the login lies');
    t.same(filesHolding(up, hints()), []);
    const answers = await Promise.all(service.readable().map((one) => api.get(one)));
    t.notMatch(JSON.stringify(answers.map(({ body }) => body)) + up.output, hints());
  });
});

async function createService(t: Test, api: Api, image: string) {
  const name = uniqueProject(t, 'e2e-registry');
  const port = await freePort();
  const compose = `services: {web: {image: "${image}", stop_grace_period: 1s, ports: ["127.0.0.1:${port}:80"]}}`;
  const made = await api.post<{ id: string; deploy_job_id: string }>('/api/services', {
    name,
    deploy_method: 'compose',
    compose,
  });
  const { id } = made.body;
  const jobs = [made.body.deploy_job_id];
  t.teardown(() => api.delete(`/api/services/${id}`));
  return {
    created: api.jobEnd(made.body.deploy_job_id),
    async redeploy(): Promise<Job> {
      const { body } = await api.post<{ deploy_job_id: string }>(`/api/services/${id}/redeploy`);
      jobs.push(body.deploy_job_id);
      return api.jobEnd(body.deploy_job_id);
    },
    page: async () => (await fetch(`http://127.0.0.1:${port}/`)).text(),
    containers: () => docker(['ps', '-q', '--filter', `label=com.docker.compose.project=${name}`]),
    /** All that a key may read of it. */
    readable: () => [
      `/api/services/${id}`,
      `/api/services/${id}/events`,
      `/api/services/${id}/logs`,
      '/api/registries',
      '/api/audit',
      '/api/jobs',
      ...jobs.flatMap((job) => [`/api/jobs/${job}`, `/api/jobs/${job}/log`]),
    ],
  };
}

/** Each password as it is and as a header or a settings file would hold it. */
function hints(): RegExp {
  const forms = PASSWORDS.flatMap((password) => [password, inBase64(password), inBase64(`puller:${password}`)]);
  return new RegExp(forms.join('|'));
}

/** Without the last group, which depends on what follows. */
const inBase64 = (text: string): string => Buffer.from(text).toString('base64').slice(0, -4).replaceAll('+', '\\+');

/** Files of control plane and agent: databases, their journals, logs, the services' folders. */
function filesHolding({ dataDir }: Up, text: RegExp): string[] {
  const entries = readdirSync(join(dataDir, '..'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return files.filter((file) => text.test(readFileSync(file, 'latin1')));
}
