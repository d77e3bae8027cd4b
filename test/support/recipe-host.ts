// Services from repositories that recipes build: set up, deployed, and asked over HTTP.
import type { Test } from 'tap';
import { startDeployHost, StepLog, type DeployHost } from './deploy-host.ts';
import { docker } from './docker.ts';
import { eventually } from './eventually.ts';
import { GitRepository } from './git-repository.ts';

interface Setting {
  variables?: Record<string, string>;
  method?: 'git' | 'ai';
}

/** A host, not yet deployed to, whose service is this repository. */
export async function recipeHost(
  t: Test,
  files: Record<string, string>,
  { variables = {}, method = 'git' }: Setting = {},
) {
  const repository = await GitRepository.create(t, files);
  const git = { url: repository.url, branch: null };
  return { repository, host: await startDeployHost(t, 'recipe', { method, git, variables }) };
}

export async function startRecipe(t: Test, files: Record<string, string>, setting?: Setting) {
  const { host, repository } = await recipeHost(t, files, setting);
  t.teardown(() => docker(['rmi', '-f', `${host.spec.name}-app`]));
  const steps = new StepLog();
  t.match(await host.deploy({}, { steps }), { state: 'succeeded' });
  return { host, repository, said: steps.said };
}

/** Once the program listens. */
export async function askRecipe({ engine, spec }: DeployHost, path = '/'): Promise<{ status: number; text: string }> {
  const [container] = await engine.listProject(spec.name);
  return eventually(async () => {
    const response = await fetch(`http://127.0.0.1:${container?.ports[0]?.host}${path}`);
    return { status: response.status, text: await response.text() };
  });
}
