// What a service has to be made from to be what already runs. Looks and reads, changes nothing.
import type { AdoptionDraft, Find } from '#shared/adoption.ts';
import { writeYaml } from '#shared/compose/write-yaml.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { AdoptionQuestion } from '#shared/protocol/host-parts.ts';
import { requireOwnProject } from '../deploy/check.ts';
import type { Engine } from '../docker/engine.ts';
import type { Discovery } from './discovery.ts';
import { isAboutName } from './finds.ts';
import { fromFiles, type FileDeps } from './from-files.ts';
import { fromLive } from './from-live.ts';

export interface DraftDeps extends Omit<FileDeps, 'signal'> {
  engine: Engine;
  discovery: Pick<Discovery, 'require'>;
}

/** Throws `not_found`; `name_taken`; `state_conflict` for what cannot be adopted. */
export async function draftAdoption(
  deps: DraftDeps,
  question: AdoptionQuestion,
  signal: AbortSignal,
): Promise<AdoptionDraft> {
  const find = await deps.discovery.require(question);
  requireAdoptable(find, question);
  const isNative = find.kind === 'compose' && find.name === question.as;
  if (!isNative) await requireFreeProject(deps.engine, question.as);
  const containers = await deps.engine.describeContainers(find.containers.map(({ id }) => id));
  const live = fromLive({ containers, as: question.as, ...(await resourcesOf(deps.engine, isNative, question.as)) });
  const source = isNative && question.mayReadFiles ? await fromFiles({ ...deps, signal }, find, containers) : undefined;
  return {
    ...(source ?? { compose: writeYaml(live.root), variables: live.variables }),
    containers: live.containers,
  };
}

function requireAdoptable({ name, obstacle }: Find, { as }: AdoptionQuestion): void {
  if (!obstacle || (isAboutName(obstacle) && as !== name)) return;
  const message = `Cannot adopt "${name}": ${obstacle.message}`;
  throw new LongshoreError(obstacle.code === 'name_taken' ? 'name_taken' : 'state_conflict', { message });
}

async function requireFreeProject(engine: Engine, project: string): Promise<void> {
  const containers = await engine.listProject(project);
  await requireOwnProject(engine, { project, serviceId: '', containers, wasApplied: false });
}

async function resourcesOf(engine: Engine, isNative: boolean, project: string) {
  if (!isNative) return { networks: [], volumes: [] };
  const [networks, volumes] = await Promise.all([engine.listNetworks(project), engine.listVolumes(project)]);
  return { networks, volumes };
}
