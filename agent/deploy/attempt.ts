// The first half of a deploy: from what the user gave to exactly what Compose will be handed. Nothing on Docker's side
// is touched here.
import { createHash } from 'node:crypto';
import { parseCompose, type ComposeDocument } from '#shared/compose/parse.ts';
import { toPlainYaml } from '#shared/compose/plain-yaml.ts';
import { requireAllowed, type Finding, type JudgeContext } from '#shared/compose/policy.ts';
import type { PolicyRules } from '#shared/compose/rules.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { GitSource, ServiceSpec } from '#shared/model.ts';
import type { Container, EngineVersion } from '../docker/engine.ts';
import { judgeOnHost } from '../policy.ts';
import { keepData } from './git/checkouts.ts';
import { requireDiskSpace, requireFreePlaces, requireOwnProject, requireUnreserved } from './check.ts';
import { fromConfig } from './from-config.ts';
import { checksOf } from './health-checks.ts';
import { limitRendered } from './limits.ts';
import { stampRendered, type Rendered } from './rendered.ts';
import { retried, type Say, type Task } from './task.ts';
import { sourcesOf } from './sources.ts';
import type { Sources } from './workspace.ts';

/** Changes when the meaning of a revision's inputs changes, so that nothing old counts as unchanged. */
const INPUTS_VERSION = 1;

/** Digest of everything a revision is made from. */
export function inputsOf({ id, name, compose, variables, files, limits, git, healthChecks }: ServiceSpec): string {
  const inputs: unknown[] = [INPUTS_VERSION, id, name, compose, sorted(variables), sorted(files)];
  // Only where there are any, so that revisions from before limits existed stay what they are.
  const isLimited = limits !== undefined && (limits.cpu !== null || limits.memoryMb !== null);
  if (isLimited) inputs.push([limits.cpu, limits.memoryMb]);
  if (git) inputs.push(['git', git.url, git.branch, ...(git.commit === undefined ? [] : [git.commit])]);
  if (git?.path !== undefined) inputs.push(['path', git.path]);
  if (healthChecks?.length) inputs.push(['health', healthChecks]);
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex');
}

const sorted = (map: Record<string, string>) => Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1));

/** Reads what to deploy, judges it as it is written, writes the folder. */
export async function prepare(task: Task, obsolete: readonly string[], say: Say): Promise<Sources> {
  const { document, sources } = await draft(task, say);
  requireAllowed(judge(task, document, 'written'));
  await task.workspace.write(sources, obsolete);
  return sources;
}

/** What the user gave, or what the repository has, parsed within limits. Only a commit is written. */
export async function draft(task: Task, say: Say): Promise<{ document: ComposeDocument; sources: Sources }> {
  const { spec } = task.run.service;
  const compose = spec.git ? await fromGit(task, spec.git, say) : spec.compose;
  const written = parseCompose(compose);
  // Compose opens files while it reads: where it may not open all, it gets the very text that is judged.
  const judged = rulesOf(task).outsideFiles ? undefined : toPlainYaml(compose);
  const document = judged === undefined ? written : parseCompose(judged);
  const sources = sourcesOf({ ...spec, compose, variables: task.variables }, Object.keys(document.services));
  return { document, sources: { ...sources, judged } };
}

/** Loaded when a service first asks for it: most hosts never meet git. */
async function fromGit(task: Task, source: GitSource, say: Say): Promise<string> {
  const { fetchCompose } = await import('./git/repository.ts');
  const { text, from } = await fetchCompose(task, source, say);
  task.checkout = from;
  return text;
}

/** What Compose makes of it. Not judged yet. */
export async function normalise(task: Task, say: Say): Promise<Rendered> {
  const { workspace, deps, run } = task;
  const { readFiles: files, envFile } = workspace;
  const { json, warnings } = await retried(say, () =>
    deps.compose.config(task.project, { files, envFile, signal: run.signal }),
  );
  for (const message of warnings) say({ message });
  const rendered = fromConfig(json);
  if (Object.keys(rendered.services).length === 0) {
    throw new LongshoreError('compose_invalid', { details: 'no service is left: all of them need a profile' });
  }
  return rendered;
}

export interface Checked {
  /** With our labels: what Compose will be handed. */
  rendered: Rendered;
  /** What is there now. */
  containers: Container[];
}

/** The decisive checks: all variables are filled in, and the host is as it is. */
export async function check(task: Task, normalised: Rendered): Promise<Checked> {
  const { workspace, checkout } = task;
  const rendered = checkout ? keepData(normalised, checkout, workspace.data) : normalised;
  checksOf(task, rendered, {}); // what the images have to tell comes later
  const { containers, cpus } = await checkHost(task, rendered);
  return { rendered: complete(task, rendered, cpus), containers };
}

/** With limits and our labels: what Compose will be handed. Throws `plan_limit`. */
export function complete({ run, checkout, variables }: Task, rendered: Rendered, hostCpus: number): Rendered {
  const { id, limits } = run.service.spec;
  const limited = limitRendered(rendered, limits, hostCpus);
  return stampRendered(limited, { serviceId: id, variables, checkout: checkout?.directory });
}

/** The policy of this host, and whether it has the place: for a new file, and for one that ran here before. */
export async function checkHost(
  task: Task,
  rendered: Rendered,
): Promise<Pick<Checked, 'containers'> & Pick<EngineVersion, 'cpus'>> {
  const { deps, run, workspace } = task;
  const document: ComposeDocument = { root: rendered, services: rendered.services };
  requireAllowed(judge(task, document, 'normalised'));
  const { name: project, wasApplied } = workspace;
  const { engine } = deps;
  const asked = [engine.listProject(project), engine.listAll(), dockerFacts(task)] as const;
  const [containers, all, { rootDir, cpus }] = await Promise.all(asked);
  requireUnreserved(project, deps.edgeProject);
  await requireOwnProject(engine, { project, serviceId: run.service.spec.id, containers, wasApplied });
  requireFreePlaces(rendered, all);
  await requireDiskSpace([workspace.directory, rootDir]);
  return { containers, cpus };
}

/** Asked once for each engine: its folder and its cores do not change while the agent runs. */
const dockerVersions = new WeakMap<object, Promise<EngineVersion>>();

export function dockerFacts({ deps: { engine } }: Task): Promise<EngineVersion> {
  const known = dockerVersions.get(engine) ?? engine.version();
  dockerVersions.set(engine, known);
  known.catch(() => dockerVersions.delete(engine));
  return known;
}

export const judge = (task: Task, document: ComposeDocument, form: JudgeContext['form']): Finding[] =>
  judgeOnHost(document, contextOf(task, form));

const rulesOf = ({ deps: { policy }, isStranger }: Task): PolicyRules => (isStranger ? policy.tenant : policy.operator);

function contextOf(task: Task, form: JudgeContext['form']): JudgeContext {
  const { deps, run, project, workspace, checkout } = task;
  const { id, git } = run.service.spec;
  const rules = rulesOf(task);
  return {
    rules: git ? { ...rules, bindFolders: [...rules.bindFolders, workspace.data] } : rules,
    form,
    project: project.name,
    projectDir: project.directory,
    root: checkout?.directory,
    reservedPorts: deps.reservedPorts(),
    serviceId: id,
  };
}
