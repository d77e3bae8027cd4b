// One round of the crash story: a deploy is under way, one process is killed with SIGKILL, everything comes back, and
// the oracle of the reliability rules is asked. The end-to-end test plays one turn a victim, `npm run chaos` 200 rounds.
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from './api.ts';
import { docker, ensureImages, removeProject, uniqueName } from './docker.ts';
import { eventually } from './eventually.ts';
import { Oracle } from './oracle.ts';
import { type Stack, startStack } from './stack.ts';

export const VICTIMS = ['control', 'agent', 'compose'] as const;
export type Victim = (typeof VICTIMS)[number];

/** Where a deploy is killed: at the start of each step in turn, and between them at any time. */
const STEPS = ['prepare', 'normalise', 'check', 'plan', 'pull', 'apply', 'wait', 'record'] as const;
/** What `apply` says on the way while `web` is replaced start-first: there as well. */
const SAYINGS = ['run side by side', 'old ones go'] as const;
const MOMENTS = [...STEPS, ...SAYINGS];
const ANY_TIMES = 4;
/** Rounds until all moments had their turn, and some times between them. */
export const TURN = MOMENTS.length + ANY_TIMES;
const LONGEST_DEPLOY_MS = 1_800;
/** Two containers, so that a crash may fall between them; the first is replaced start-first. */
const composeOf = (image: string) => `services:
  web:
    image: ${image}
    stop_grace_period: 1s
    healthcheck: {test: [CMD, wget, http://127.0.0.1/], interval: 1s, start_period: 5s, start_interval: 100ms}
    deploy: {update_config: {monitor: 300ms}}
  side: {image: ${image}, stop_grace_period: 1s, depends_on: [web]}
`;

export interface Round {
  number: number;
  moment: string;
  jobState: string;
  /** Broken rules, in words; empty when all is well. */
  faults: string[];
}

interface Scene {
  stack: Stack;
  victim: Victim;
  project: string;
  serviceId: string;
  image: string;
  bystander: string;
  oracle: Oracle;
}

/** Sets the scene: a stack, the service that will suffer and one that must not notice. */
export async function setScene(victim: Victim): Promise<Scene> {
  await ensureImages();
  const stack = await startStack();
  const project = uniqueName('chaos');
  const bystander = uniqueName('calm');
  const image = `longshore-test/${project}:now`;
  await docker(['tag', 'longshore-test/web:1', image]);
  const serviceId = await deploy(stack, project, composeOf(image));
  await deploy(stack, bystander, composeOf('longshore-test/web:1'));
  const oracle = new Oracle(stack);
  oracle.acknowledged(`/api/services/${serviceId}`);
  await oracle.remember(bystander);
  return { stack, victim, project, serviceId, image, bystander, oracle };
}

export async function clearScene({ stack, project, bystander, image }: Scene): Promise<void> {
  await stack.stop();
  for (const name of [project, bystander]) await removeProject(name);
  await docker(['rmi', '-f', image]);
}

async function deploy(stack: Stack, name: string, compose: string): Promise<string> {
  const body = { name, deploy_method: 'compose', compose };
  const { body: made } = await stack.api.post<{ id: string; deploy_job_id: string }>('/api/services', body);
  const job = await stack.api.jobEnd(made.deploy_job_id);
  if (job.state !== 'succeeded') throw new Error(`the scene's deploy of ${name} ended ${JSON.stringify(job)}`);
  return made.id;
}

/** Plays one round and asks the oracle. */
export async function playRound(scene: Scene, number: number): Promise<Round> {
  const { stack, image } = scene;
  // Another image under the same name: the redeploy has to recreate both containers.
  await docker(['tag', `longshore-test/web:${(number % 2) + 1}`, image]);
  const mark = MOMENTS[number % TURN];
  const watch = stack.api.live('/api/ws');
  await watch.opened;
  const key = { 'idempotency-key': `${scene.project}-${number}` };
  const redeploy = () =>
    stack.api.post<{ deploy_job_id: string }>(`/api/services/${scene.serviceId}/redeploy`, { pull: 'never' }, key);

  // When control dies while it answers, the client does what clients do: the same request again.
  const asked = redeploy().catch(() => undefined);
  const moment = mark ? `at ${mark}` : `after ${Math.round(Math.random() * LONGEST_DEPLOY_MS)} ms`;
  await reach(moment, mark, watch.messages);
  watch.socket.close();
  await kill(scene);
  await stack.untilConnected();

  const first = await asked;
  const again = await eventually(redeploy, { until: (answer) => answer.status < 500, timeoutMs: 30_000 });
  const jobId = first?.body.deploy_job_id ?? again.body.deploy_job_id;
  const job = await stack.api.jobEnd(jobId, 90_000);
  const faults = [...(await judgeDeploy(scene, job, number)), ...(await scene.oracle.ask()).faults];
  if (again.body.deploy_job_id !== jobId) faults.push(`the retry got ${JSON.stringify(again.body)}, not ${jobId}`);
  return { number, moment, jobState: job.state, faults };
}

/** Waits for the moment; one that is over before it is seen counts as reached. */
async function reach(moment: string, mark: string | undefined, messages: Record<string, unknown>[]): Promise<void> {
  if (!mark) {
    await sleep(Number(/\d+/.exec(moment)?.[0]));
    return;
  }
  const isReached = () =>
    messages.some(({ type, step, message }) => {
      return type === 'deploy.progress' && ([mark, 'job'].includes(String(step)) || String(message).includes(mark));
    });
  await eventually(isReached, { intervalMs: 1, timeoutMs: 5_000 }).catch(() => undefined);
}

async function kill({ stack, victim, project }: Scene): Promise<void> {
  if (victim === 'compose') {
    for (const pid of composePids(project)) killQuietly(pid);
    return;
  }
  const program = stack[victim];
  await program.end('SIGKILL');
  program.start();
}

/** Compose children of the project, wherever they hang in the process tree. */
function composePids(project: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const argv = commandLine(pid);
      return argv.some((arg) => arg.includes('compose')) && argv.includes(project);
    });
}

function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // it has ended meanwhile
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended meanwhile
  }
}

/** What holds after any deploy; the oracle knows what holds after any fault. */
async function judgeDeploy({ project, stack, serviceId }: Scene, job: Job, number: number): Promise<string[]> {
  const faults: string[] = [];
  if (job.state !== 'succeeded') faults.push(`the job ended ${job.state}: ${JSON.stringify(job.error)}`);

  const filter = ['--filter', `label=com.docker.compose.project=${project}`];
  const names = (await docker(['ps', '-a', ...filter, '--format', '{{.Names}}'])).split('\n').toSorted();
  // One of each under a name of its own; the number of what is replaced start-first counts up.
  const bare = names.map((name) => name.replace(/-\d+$/, ''));
  if (bare.join() !== `${project}-side,${project}-web`) faults.push(`containers left: ${names.join(', ')}`);

  const wanted = await docker(['image', 'inspect', '--format', '{{.Id}}', `longshore-test/web:${(number % 2) + 1}`]);
  const running = await docker(['inspect', '--format', '{{.Image}} {{.State.Running}}', ...names]);
  const isRight = running.split('\n').every((line) => line === `${wanted} true`);
  if (!isRight) faults.push(`it runs ${running}, wanted ${wanted}`);

  const events = await stack.api.get<{ data: { type: string; job_id: string | null }[] }>(
    `/api/services/${serviceId}/events?per_page=100&type=deploy`,
  );
  const ends = events.body.data.filter((event) => event.job_id === job.id).length;
  if (ends !== 1) faults.push(`the timeline has ${ends} ends of ${job.id}`);
  return faults;
}
