// An adoption from end to end: the containers that were named become the service's own, exactly as they are. Nothing on
// Docker's side changes, so there is nothing to undo; what is written on the host goes again when it fails (jobs/end.ts).
import { requireAllowed } from '#shared/compose/policy.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { AdoptedContainer, PlanStep } from '#shared/jobs.ts';
import type { Container } from '../../docker/engine.ts';
import { isForeign } from '../../owner.ts';
import { snapshotOf } from '../../drift/snapshot.ts';
import { inputsOf, judge, normalise, prepare } from '../attempt.ts';
import { requireOwnProject } from '../check.ts';
import { standingOf } from '../execute.ts';
import { checksOf } from '../health-checks.ts';
import type { FoundImages } from '../images.ts';
import type { JobOutcome } from '../job-run.ts';
import { isUp } from '../observe.ts';
import { sha256, stampRendered, type Rendered } from '../rendered.ts';
import { recordRevision, type ImageRecord } from '../revisions/revisions.ts';
import type { Task } from '../task.ts';
import type { Sources } from '../workspace.ts';

export async function adopt(task: Task): Promise<JobOutcome> {
  try {
    return await takeOver(task);
  } catch (error) {
    await task.workspace.remove();
    throw error;
  }
}

async function takeOver(task: Task): Promise<JobOutcome> {
  const { spec } = task.run.service;
  const wanted = task.run.offer.adopts ?? [];
  const containers = await task.step('check', () => requireContainers(task, wanted));
  const sources = await task.step('prepare', (say) => prepare(task, [], say));
  const rendered = await task.step('normalise', async (say) => {
    const normalised = await normalise(task, say);
    requireAllowed(judge(task, { root: normalised, services: normalised.services }, 'normalised'));
    requireSameServices(normalised, containers);
    return stampRendered(normalised, { serviceId: spec.id, variables: spec.variables });
  });
  const plan = Object.keys(rendered.services).map((service): PlanStep => {
    return { service, action: 'keep', reason: 'adopted as it is' };
  });
  await task.step('record', () => recordAsIs(task, { sources, rendered, containers, plan }));
  return { state: 'succeeded', goodRevision: spec.revision, plan };
}

/** As they will be seen from now on. Throws `state_conflict` where it is no longer what was asked for. */
async function requireContainers(task: Task, wanted: readonly AdoptedContainer[]): Promise<Container[]> {
  const { deps, run, workspace } = task;
  const { engine } = deps;
  const found = await Promise.all(
    wanted.map(async ({ id, service }): Promise<Container> => {
      const container = await engine.findContainer(id);
      if (container) return { ...container, project: workspace.name, service };
      throw gone(`Container ${id.slice(0, 12)}, which was to be adopted, is gone`);
    }),
  );
  const ids = new Set(wanted.map(({ id }) => id));
  const others = (await engine.listProject(workspace.name)).filter(({ id }) => !ids.has(id));
  const { id: serviceId, name: project } = run.service.spec;
  const isNative = found.some((container) => !isForeign(container));
  await requireOwnProject(engine, { project, serviceId, containers: others, wasApplied: isNative });
  return found;
}

function requireSameServices({ services }: Rendered, containers: readonly Container[]): void {
  const there = new Set(containers.map(({ service }) => service));
  const missing = Object.keys(services).find((name) => !there.has(name));
  const surplus = [...there].find((name) => !Object.hasOwn(services, name));
  if (missing !== undefined) throw gone(`Service "${missing}" of the file has no container`);
  if (surplus !== undefined) throw gone(`The file has no service "${surplus}", of which there are containers`);
}

const gone = (message: string): LongshoreError =>
  new LongshoreError('state_conflict', { message, details: 'Look again and adopt what is there now.' });

export interface Taken {
  sources: Sources;
  rendered: Rendered;
  containers: readonly Container[];
  plan: PlanStep[];
}

/** The rows come first: what describes the project looks through them. */
export async function recordAsIs(task: Task, { sources, rendered, containers, plan }: Taken): Promise<void> {
  const { deps, run, workspace } = task;
  const { spec } = run.service;
  const found = await findRunning(task, containers);
  const healthChecks = checksOf(task, rendered, found);
  const rows = containers.map(({ id, service }) => ({ id, service, serviceId: spec.id, project: spec.name }));
  deps.takeOver(rows, containers.some(isUp) ? 'running' : 'stopped');
  deps.judgeBy(spec.id, healthChecks);
  await workspace.writeRendered(rendered);
  await recordRevision(workspace, {
    sources,
    rendered,
    live: snapshotOf(await deps.engine.describeProject(workspace.name)),
    meta: {
      revision: spec.revision,
      serviceId: spec.id,
      jobId: run.offer.jobId,
      inputs: inputsOf(spec),
      variablesHash: sha256(sources.env),
      images: recordRunning(containers, found),
      ...standingOf(containers),
      healthChecks,
      plan,
      recordedAt: deps.clock.now(),
    },
  });
}

/** What runs, whatever the names of the images stand for by now. */
async function findRunning({ deps: { engine } }: Task, containers: readonly Container[]): Promise<FoundImages> {
  const found = containers.map(async ({ service, imageId }) => [service, await engine.findImage(imageId)] as const);
  return Object.fromEntries(await Promise.all(found));
}

const recordRunning = (containers: readonly Container[], found: FoundImages): Record<string, ImageRecord> =>
  Object.fromEntries(
    containers.map(({ service, image: reference, imageId: id }) => [
      service,
      { reference, id, digests: found[service]?.digests ?? [] },
    ]),
  );
