// SIGKILL of the agent in the steps that bring something from elsewhere: a commit, an image, a build. The rounds of
// crash.test.ts deploy what is on the host already.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Api, Job } from '../support/api.ts';
import { docker, ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { GitRepository } from '../support/git-repository.ts';
import { missingRegistry, startRegistry } from '../support/registry.ts';
import { startStack } from '../support/stack.ts';

const STEPS = ['prepare', 'pull', 'build', 'apply'];
const composeOf = (image: string) =>
  `services:\n  web: {build: ., init: true, stop_grace_period: 0s}\n  side: {image: "${image}", stop_grace_period: 0s}\n`;
// Long enough to be in the middle of it.
const dockerfileOf = (base: string) => `FROM ${base}\nCOPY page /page\nRUN sleep 0.3\nCMD ["sleep", "600"]\n`;

t.test('F02: a deploy survives kill -9 of the agent while it fetches, pulls and builds', async (t) => {
  if (!(await requireDocker(t))) return;
  const noRegistry = await missingRegistry();
  if (noRegistry) return t.plan(0, noRegistry);
  await ensureImages();
  const registry = await startRegistry(t, 'the-password-of-the-registry');
  const image = await registry.push('longshore-test/web:1', 'team/side:now');
  const base = await registry.push('busybox:1', 'team/base:1');
  const files = { 'compose.yaml': composeOf(image), Dockerfile: dockerfileOf(base), page: 'at first' };
  const repository = await GitRepository.create(t, files);
  const settings = { LONGSHORE_ALLOW_FILE_GIT: '1' };
  const stack = await startStack({ controlEnv: settings, agentEnv: settings });
  t.teardown(() => stack.stop());
  const { api } = stack;
  const login = { username: registry.username, password: 'the-password-of-the-registry' };
  t.match(await api.post('/api/registries', { server: `http://${registry.server}`, ...login }), { status: 201 });

  const project = uniqueProject(t, 'crash-build');
  const source = { deploy_method: 'git', git_url: repository.url };
  const { body } = await api.post<{ id: string; deploy_job_id: string }>('/api/services', { name: project, ...source });
  t.match(await api.jobEnd(body.deploy_job_id), { state: 'succeeded', error: null });

  for (const [round, step] of STEPS.entries()) {
    await t.test(`in ${step}`, async (t) => {
      const page = `killed in ${step}`;
      const commit = await repository.commit({ page });
      await registry.push(`longshore-test/web:${(round % 2) + 1}`, 'team/side:now');
      const redeployed = await api.post<{ deploy_job_id: string }>(`/api/services/${body.id}/redeploy`);
      await untilStep(api, redeployed.body.deploy_job_id, step);
      await stack.agent.end('SIGKILL');
      stack.agent.start();
      t.match(await api.jobEnd(redeployed.body.deploy_job_id, 90_000), { state: 'succeeded', error: null });

      t.equal(await docker(['exec', `${project}-web-1`, 'cat', '/page']), page);
      t.equal(await imageOf(`${project}-side-1`), await idOf(`longshore-test/web:${(round % 2) + 1}`));
      const filter = ['--filter', `label=com.docker.compose.project=${project}`];
      const names = (await docker(['ps', '-a', ...filter, '--format', '{{.Names}}'])).split('\n').toSorted();
      t.same(names, [`${project}-side-1`, `${project}-web-1`], 'nothing is left over');
      const folder = readdirSync(join(stack.dir, 'agent', 'services', project, 'repo'));
      t.ok(
        folder.includes(commit) && !folder.some((name) => name.startsWith('.')),
        `nothing half fetched: ${folder.join()}`,
      );
    });
  }
});

/** A step that is over before it is seen counts as reached. */
async function untilStep(api: Api, job: string, step: string): Promise<void> {
  const isReached = ({ steps }: Job & { steps: { step: string }[] }) => steps.some((one) => one.step === step);
  const fetchJob = async () => (await api.get<Job & { steps: { step: string }[] }>(`/api/jobs/${job}`)).body;
  await eventually(fetchJob, { until: isReached, intervalMs: 2, timeoutMs: 30_000 });
}

const idOf = (image: string) => docker(['image', 'inspect', '--format', '{{.Id}}', image]);
const imageOf = (container: string) => docker(['inspect', '--format', '{{.Image}}', container]);
