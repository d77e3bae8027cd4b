// Whether everything of a good revision is still exactly as recorded: what makes a repeated deploy a no-op.
import { isDeepStrictEqual } from 'node:util';
import { LongshoreError } from '#shared/errors.ts';
import type { PullPolicy } from '#shared/jobs.ts';
import type { Container, Engine } from '../../docker/engine.ts';
import { inputsOf } from '../attempt.ts';
import { haveImages } from '../images.ts';
import { isFinished } from '../observe.ts';
import { LEFTOVER_NAME } from './plan.ts';
import { replicasOf } from '../rendered.ts';
import { isOf } from '../revisions/origin.ts';
import type { Revision, RevisionMeta } from '../revisions/revisions.ts';
import type { Task } from '../task.ts';

/** Same inputs, same containers, same images: deploying it is no work. Git has to be asked first. */
export async function isRepeat(task: Task, good: Revision, pull: PullPolicy | undefined): Promise<boolean> {
  const { spec } = task.run.service;
  if (spec.git || pull === 'always' || good.meta.inputs !== inputsOf(spec)) return false;
  // A failure without a rollback leaves its files.
  if (!isDeepStrictEqual(await task.workspace.loadRendered(), good.rendered)) return false;
  return isUnchanged(task.deps.engine, good).catch(ifDockerIsAway);
}

/** Then nobody knows, and the steps of the long way wait for Docker. */
function ifDockerIsAway(error: unknown): false {
  if (error instanceof LongshoreError && error.code === 'docker_unavailable') return false;
  throw error;
}

export async function isUnchanged(engine: Engine, good: Revision): Promise<boolean> {
  const { meta, rendered } = good;
  const containers = await engine.listProject(rendered.name);
  const counts = new Map<string, number>();
  for (const container of containers) {
    if (!isAsRecorded(container, meta)) return false;
    counts.set(container.service, (counts.get(container.service) ?? 0) + 1);
  }
  const services = Object.entries(rendered.services);
  if (services.some(([name, service]) => (counts.get(name) ?? 0) !== replicasOf(service))) return false;
  return counts.size === services.length && (await haveImages(engine, meta.images));
}

function isAsRecorded(container: Container, meta: RevisionMeta): boolean {
  if (LEFTOVER_NAME.test(container.name) || !isOf(container, meta)) return false;
  if (meta.finished.includes(container.service)) return isFinished(container);
  return container.state === 'running' && (!container.hasHealthCheck || container.health === 'healthy');
}
