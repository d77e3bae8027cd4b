// What a deploy would do, worked out beside the service: the first half of a deploy in a scratch folder, against what is on
// this host now. The service's own folder is read, never written; nothing of Docker changes. Of plans, which leave nothing
// behind, and of jobs that propose.
import { basename, join, relative } from 'node:path';
import type { Finding } from '#shared/compose/policy.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { JobStep, PullPolicy } from '#shared/jobs.ts';
import type { DeployPlan } from '#shared/protocol/deploy-parts.ts';
import { CONFIG_HASH_LABEL } from '../../docker/container-view.ts';
import type { Container } from '../../docker/engine.ts';
import { redactorOf, redactStep, type Redact } from '../../jobs/redact.ts';
import { hideIn } from '../../secrets/hide.ts';
import { showProposal } from '../ai/proposal.ts';
import { complete, dockerFacts, draft, judge, normalise } from '../attempt.ts';
import { keepData, type Checkout } from '../git/checkouts.ts';
import { checksOf } from '../health-checks.ts';
import { findImages, idsOf, pullsOf, type FoundImages } from '../images.ts';
import { planReplacing } from '../overlap/order.ts';
import { sha256, type Rendered } from '../rendered.ts';
import { madeOf } from '../revisions/origin.ts';
import { loadRevision, type Revision } from '../revisions/revisions.ts';
import type { Say, Task } from '../task.ts';
import type { Sources } from '../workspace.ts';
import { downloadsOf } from './downloads.ts';
import { toDowntime, toImages, toPorts, toServices, toVolumes } from './outlook.ts';
import { planNothing, printPlan } from './plan.ts';
import { preflight } from './preflight.ts';
import { imitate, lendKnownHosts, relocate } from './scratch.ts';
import { isRepeat } from './unchanged.ts';

/** Where a plan is worked out. */
export interface Site {
  /** The service's own folder: only read. */
  real: Task;
  scratch: Task;
  pull: PullPolicy | undefined;
  /** Of this service, now and before. */
  secrets: readonly string[];
  /** Each part of the work, by the step of a deploy that it is. */
  step: <T>(name: JobStep, work: (say: Say) => Promise<T>) => Promise<T>;
  /** Fetches the commit to where it stays. Absent: it goes into the scratch folder. */
  fetch?: (say: Say) => Promise<Checkout>;
  /** What is done about findings of the policy before anything goes on. Listing them is the caller's otherwise. */
  refuse: (findings: readonly Finding[]) => void;
}

export interface Looked {
  plan: DeployPlan;
  /** What would be written; undefined where nothing has to be. */
  sources: Sources | undefined;
}

/** Fails as a deploy would. What stands in the way on this host is listed. */
export async function look(site: Site): Promise<Looked> {
  const { real, pull, step, refuse } = site;
  const good = await loadGood(real);
  if (good && (await isRepeat(real, good, pull))) {
    const plan = await weigh(site, good.rendered, [], ({ desired }) => planNothing(desired));
    return { plan, sources: undefined };
  }
  const { written, sources } = await step('prepare', (say) => prepare(site, say));
  // Compose would read files that it must not.
  if (written.length > 0)
    return { plan: { ...NOTHING, findings: written, digest: sha256(JSON.stringify(written)) }, sources };
  const rendered = await step('normalise', (say) => render(site, sources, Object.keys(good?.sources.files ?? {}), say));
  const { desired, findings } = await step('check', async () => {
    const found = judge(real, { root: rendered, services: rendered.services }, 'normalised');
    refuse(found);
    const { cpus } = await dockerFacts(real);
    return { desired: complete(real, rendered, cpus), findings: found };
  });
  const plan = await step('plan', async (say) => {
    const weighed = await weigh(site, desired, findings);
    say({ message: printPlan(weighed.services) });
    return weighed;
  });
  return { plan, sources };
}

async function prepare(site: Site, say: Say): Promise<{ written: Finding[]; sources: Sources }> {
  const { real, scratch, refuse, fetch } = site;
  if (fetch) scratch.checkout = await fetch(say);
  await lendKnownHosts(real.workspace, scratch.workspace);
  const { document, sources } = await draft(scratch, say);
  real.checkout = scratch.checkout && inPlace(scratch.checkout, real);
  real.advice = scratch.advice;
  const written = judge(real, document, 'written');
  refuse(written);
  return { written, sources };
}

/** For a task whose service comes from Git. */
export const fetchInto =
  (task: Task): NonNullable<Site['fetch']> =>
  async (say) => {
    const { git } = task.run.service.spec;
    if (!git) throw new LongshoreError('unsupported', { details: 'Only what comes from Git is proposed' });
    const { fetchSource } = await import('../git/repository.ts');
    return fetchSource(task, git, say);
  };

function loadGood({ run, workspace }: Task): Promise<Revision | undefined> | undefined {
  const { goodRevision } = run.service;
  return goodRevision === null ? undefined : loadRevision(workspace, goodRevision);
}

/** Where the deploy would have the commit. */
const inPlace = ({ commit, directory, folder }: Checkout, { workspace }: Task): Checkout => {
  const real = join(workspace.checkouts, basename(directory));
  return { commit, directory: real, folder: join(real, relative(directory, folder)) };
};

async function render(
  { real, scratch }: Site,
  sources: Sources,
  obsolete: readonly string[],
  say: Say,
): Promise<Rendered> {
  await imitate(real.workspace, scratch.workspace, sources, obsolete);
  const normalised = await normalise(scratch, say);
  const kept = scratch.checkout ? keepData(normalised, scratch.checkout, real.workspace.data) : normalised;
  return relocate(kept, scratch.workspace, real.workspace);
}

/** What of the host the weighing of `desired` rests on. */
async function observeAround(task: Task, desired: Rendered) {
  const { deps, workspace } = task;
  const { engine } = deps;
  const asked = [engine.listProject(workspace.name), engine.listAll(), dockerFacts(task)] as const;
  const [containers, all, docker] = await Promise.all(asked);
  const [last, good, found, volumes] = await Promise.all([
    workspace.loadRendered(),
    loadGood(task),
    findImages(engine, desired),
    engine.listVolumes(workspace.name).then((list) => list.map(({ name }) => name)),
  ]);
  return { containers, all, docker, good, found, volumes, made: madeOf(last, good, containers) };
}

/** `desired` against what is here. */
async function weigh(
  { real, pull, secrets }: Site,
  desired: Rendered,
  findings: Finding[],
  decide = planReplacing,
): Promise<DeployPlan> {
  const { deps, workspace, checkout, run, advice } = real;
  const { spec } = run.service;
  const hide = hideIn(secrets);
  const { containers, all, docker, good, found, volumes, made } = await observeAround(real, desired);
  const healthChecks = checksOf(real, desired, found);
  const steps = decide({ desired, made, containers, imageIds: idsOf(found), images: found, good, healthChecks });
  const logins = spec.registries ?? [];
  const pulls = pullsOf(desired, found, pull);
  const pulled = pulls.map(({ reference }) => reference);
  const here = { folder: workspace.directory, wasApplied: workspace.wasApplied, containers, all };
  const wanted = { serviceId: spec.id, desired, steps, found, pulled, logins };
  const commit = checkout?.commit ?? null;
  // What is refused would never be pulled, so no registry hears of it.
  const wantedAnew = findings.length > 0 ? [] : downloadsOf(pulls, logins, docker.architecture);
  const [downloads, checks] = await Promise.all([
    deps.measureDownloads(wantedAnew, run.signal),
    preflight({ engine: deps.engine, docker, ...here, ...wanted }),
  ]);
  return redactPlan(
    {
      services: toServices(steps, { made, desired }, hide),
      images: toImages(desired, found, { pulled, downloads }),
      ports: toPorts(desired),
      volumes: toVolumes(desired, volumes),
      downtime: toDowntime(steps, containers, desired),
      findings,
      preflight: checks,
      commit,
      digest: sha256(JSON.stringify([desired, pull ?? null, commit, stateOf({ made, containers, found, volumes })])),
      ...(spec.method === 'ai' && { proposal: advice ? showProposal(advice.proposal, spec.variables, hide) : null }),
    },
    redactorOf(secrets),
  );
}

interface Observed {
  made: Rendered | undefined;
  containers: readonly Container[];
  found: FoundImages;
  volumes: readonly string[];
}

/** All that a deploy decides by. */
const stateOf = ({ made, containers, found, volumes }: Observed): unknown => [
  made ?? null,
  containers.map(({ id, service, imageId, state, labels }) => [id, service, imageId, state, labels[CONFIG_HASH_LABEL]]),
  Object.entries(idsOf(found)),
  volumes.toSorted(),
];

/** Texts that may quote a name, and a variable may stand in a name. Values of fields are hidden already. */
const redactPlan = (plan: DeployPlan, redact: Redact): DeployPlan => ({
  ...plan,
  services: plan.services.map((service) => redactStep(service, redact)),
  images: plan.images.map((image) => ({ ...image, reference: redact(image.reference) })),
  findings: plan.findings.map((finding) => ({ ...finding, message: redact(finding.message) })),
  preflight: plan.preflight.map((item) => ({ ...item, message: redact(item.message) })),
});

const NOTHING: Omit<DeployPlan, 'findings' | 'digest'> = {
  services: [],
  images: [],
  ports: [],
  volumes: [],
  downtime: [],
  preflight: [],
  commit: null,
};
