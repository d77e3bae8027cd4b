// Makes the containers again what the good revision says: those that drifted are made anew, the others stay. Nothing new
// comes of it, no image and no revision. A deploy would not do it: Compose compares the file with what the file was,
// and does not see what somebody changed about a container since.
import { requireAllowed } from '#shared/compose/policy.ts';
import type { PlanStep } from '#shared/jobs.ts';
import type { DriftedContainer } from '../../drift/compare.ts';
import { nothingKnown } from '../../drift/draft.ts';
import { findDrift } from '../../drift/drift.ts';
import { placesOf } from '../../drift/message.ts';
import { snapshotOf } from '../../drift/snapshot.ts';
import { isForeign } from '../../owner.ts';
import { judge } from '../attempt.ts';
import { apply, awaitReady, standingOf, up } from '../execute.ts';
import type { JobOutcome } from '../job-run.ts';
import { changesNothing, printPlan } from '../plan/plan.ts';
import { graceMsOf, levelsOf, unstampRendered } from '../rendered.ts';
import { recordRevision, type Revision } from '../revisions/revisions.ts';
import { bringImages } from '../revisions/rollback.ts';
import type { Say, Task } from '../task.ts';

export async function revert(task: Task): Promise<JobOutcome> {
  const { service } = task.run;
  const { good, drifted } = await task.step('check', () => requireKnown(task));
  const plan = planRevert(good, drifted);
  const printed = printPlan(plan);
  await task.step('plan', async (say) => say({ message: printed }));
  await task.step('prepare', () => task.workspace.write(good.sources));
  await bringImages(task, good.meta);
  await task.step('apply', (say) => putBack(task, good, { plan, drifted }, say));
  await task.step('wait', (say) => awaitReady(task, good.rendered, say));
  await task.step('record', () => recordAgain(task, good));
  const outcome = { state: 'succeeded', goodRevision: service.goodRevision, plan } as const;
  return changesNothing(plan) ? { ...outcome, unchanged: true } : outcome;
}

interface Known {
  good: Revision;
  drifted: DriftedContainer[];
}

/** The policy of the host may be another one than then. Throws `state_conflict` where nothing was recorded. */
async function requireKnown(task: Task): Promise<Known> {
  const { deps, run } = task;
  const { good, services: drifted } = await findDrift(deps, run.service);
  if (!good?.live) throw nothingKnown(run.service.spec);
  const root = unstampRendered(good.rendered);
  requireAllowed(judge(task, { root, services: root.services }, 'normalised'));
  return { good, drifted };
}

function planRevert({ rendered }: Revision, drifted: readonly DriftedContainer[]): PlanStep[] {
  const steps = levelsOf(rendered)
    .flat()
    .map((service): PlanStep => {
      const own = drifted.filter((one) => one.service === service);
      return own.length === 0 ? { service, action: 'keep', reason: 'unchanged' } : stepOf(service, own);
    });
  const strange = drifted.filter(({ service }) => !Object.hasOwn(rendered.services, service));
  const removals = strange.map(({ service, container }): PlanStep => {
    return { service: service || container, action: 'remove', reason: `${container} is not of the revision` };
  });
  return [...steps, ...removals];
}

function stepOf(service: string, own: readonly DriftedContainer[]): PlanStep {
  const changed = own.filter(({ change }) => change === 'changed');
  if (changed.length > 0) return { service, action: 'recreate', reason: `drifted: ${placesOf(changed)}` };
  const isShort = own.some(({ change }) => change === 'missing');
  const names = own.map(({ container }) => container).join(', ');
  return isShort
    ? { service, action: 'create', reason: `missing: ${names}` }
    : { service, action: 'remove', reason: `too many: ${names}` };
}

/** Those that drifted first; then all, for what is missing, what is too much and who shares a namespace with them. */
async function putBack(
  task: Task,
  { rendered }: Revision,
  { plan, drifted }: { plan: readonly PlanStep[]; drifted: readonly DriftedContainer[] },
  say: Say,
): Promise<void> {
  const recreated = plan.filter(({ action }) => action === 'recreate').map(({ service }) => service);
  await makeRoom(task, recreated, drifted, say);
  await task.workspace.writeRendered(rendered);
  if (recreated.length > 0) await up(task, rendered, say, { only: recreated, isForced: true });
  await apply(task, rendered, say);
}

/** Of containers that Compose cannot replace: those it does not know, and those of no service of the file. */
async function makeRoom(
  task: Task,
  recreated: readonly string[],
  drifted: readonly DriftedContainer[],
  say: Say,
): Promise<void> {
  const { deps, workspace, run } = task;
  const rendered = await workspace.loadRendered();
  const strange = new Set(drifted.filter(({ change }) => change === 'extra').map(({ container }) => container));
  const known = (service: string) => rendered?.services[service];
  for (const container of await deps.engine.listProject(workspace.name)) {
    const { id, name, service } = container;
    const isInTheWay = container.isAdopted && isForeign(container) && recreated.includes(service);
    if (!isInTheWay && !(strange.has(name) && !known(service))) continue;
    run.signal.throwIfAborted();
    say({ message: `Container ${name} makes room` });
    await deps.engine.stopContainer(id, graceMsOf(known(service) ?? {}));
    await deps.engine.removeContainer(id, { keepsVolumes: true });
  }
}

/** As they are set up now: a newer Docker may describe the same in other words. */
async function recordAgain({ deps: { engine }, workspace }: Task, good: Revision): Promise<void> {
  const [containers, live] = await Promise.all([
    engine.listProject(workspace.name),
    engine.describeProject(workspace.name),
  ]);
  const meta = { ...good.meta, ...standingOf(containers) };
  await recordRevision(workspace, { ...good, meta, live: snapshotOf(live) });
}
