// The history in a service's folder: what each good revision was made of, to the digest, and what failed ones left as
// evidence. A revision is complete or not there: it is written aside and renamed.
//
//   revisions/<n>/            compose.yaml .env override.yaml rendered.json meta.json files.json live.json
//   revisions/failed-<job>/   the same without meta.json, and failure.json
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { WireError } from '#shared/errors.ts';
import type { JobStep, PlanStep } from '#shared/jobs.ts';
import type { HealthCheck } from '../../health/health-check.ts';
import type { Snapshot } from '../../drift/snapshot.ts';
import { parseRendered, type Rendered } from '../rendered.ts';
import { ignore, readIfThere, writeAtomic, type Sources, type Workspace } from '../workspace.ts';

/** How far back one can go, and how many failures are kept to look at. */
const KEPT_REVISIONS = 5;
const KEPT_FAILURES = 3;

/** Folders of whole revisions. */
const WHOLE = /^\d+$/;

export interface ImageRecord {
  reference: string;
  id: string;
  digests: string[];
}

export interface RevisionMeta {
  revision: number;
  serviceId: string;
  jobId: string;
  /** Digest of everything the revision was made from: the same inputs need no deploy. */
  inputs: string;
  variablesHash: string;
  /** Of a service from Git. */
  commit?: string | undefined;
  /** By compose service. */
  images: Record<string, ImageRecord>;
  /** Compose's own hash of each service's configuration, as its containers carry it. */
  hashes: Record<string, string>;
  /** Services that had done their work and ended with exit code 0. */
  finished: string[];
  /** What is asked of its containers; absent: nothing but Docker's own health checks. */
  healthChecks?: HealthCheck[] | undefined;
  plan: PlanStep[];
  /** The revision that this one put back. */
  rollbackOf?: number | undefined;
  /** Milliseconds since the epoch. */
  recordedAt: number;
}

export interface Revision {
  meta: RevisionMeta;
  rendered: Rendered;
  sources: Sources;
  /** How its containers were set up once it was good; absent in what was recorded before that was looked at. */
  live?: Snapshot | undefined;
}

export interface Failure {
  jobId: string;
  revision: number;
  step: JobStep | null;
  error: WireError;
  at: number;
}

/** Replaces a revision of the same number; drops what is older than the last five. */
export async function recordRevision(workspace: Workspace, revision: Revision): Promise<void> {
  const { meta, live } = revision;
  const more = { 'meta.json': toJson(meta), ...(live && { 'live.json': toJson(live) }) };
  await keep(workspace, String(meta.revision), revision, more);
  await prune(workspace, WHOLE, (a, b) => Number(b) - Number(a), KEPT_REVISIONS);
}

export async function keepFailure(
  workspace: Workspace,
  attempt: { sources: Sources; rendered: Rendered | undefined },
  failure: Failure,
): Promise<void> {
  await keep(workspace, `failed-${failure.jobId}`, attempt, { 'failure.json': toJson(failure) });
  await prune(workspace, /^failed-/, (a, b) => (a < b ? 1 : -1), KEPT_FAILURES); // job ids grow with time
}

/** The commits that the kept revisions were made from. */
export async function commitsOf(workspace: Workspace): Promise<(string | undefined)[]> {
  const names = (await readdir(workspace.path('revisions')).catch(ignore('ENOENT'))) ?? [];
  const metas = await Promise.all(names.map((name) => loadMeta(workspace, name)));
  return metas.map((meta) => meta?.commit);
}

/** What is known of each revision that is kept, the newest first. */
export async function listRevisions(workspace: Workspace): Promise<RevisionMeta[]> {
  const names = (await readdir(workspace.path('revisions')).catch(ignore('ENOENT'))) ?? [];
  const whole = names.filter((name) => WHOLE.test(name)).toSorted((a, b) => Number(b) - Number(a));
  const metas = await Promise.all(whole.map((name) => loadMeta(workspace, name)));
  return metas.filter((meta) => meta !== undefined);
}

async function loadMeta(workspace: Workspace, folder: string): Promise<RevisionMeta | undefined> {
  const text = await readIfThere(workspace.path('revisions', folder, 'meta.json'));
  return text === undefined ? undefined : (JSON.parse(text) as RevisionMeta);
}

/** Undefined when it is not there or not whole. A crash while it was replaced leaves the one before, under `.old`. */
export async function loadRevision(workspace: Workspace, revision: number): Promise<Revision | undefined> {
  return (await loadFrom(workspace, String(revision))) ?? (await loadFrom(workspace, `${revision}.old`));
}

async function loadFrom(workspace: Workspace, folder: string): Promise<Revision | undefined> {
  const read = (name: string) => readIfThere(workspace.path('revisions', folder, name));
  const names = ['meta.json', 'rendered.json', 'compose.yaml', '.env', 'override.yaml', 'files.json', 'live.json'];
  const [meta, rendered, compose, env, override, files, live] = await Promise.all(names.map(read));
  if (!meta || !rendered || compose === undefined || env === undefined || override === undefined || !files)
    return undefined;
  return {
    meta: JSON.parse(meta) as RevisionMeta,
    rendered: parseRendered(rendered),
    sources: { compose, env, override, files: JSON.parse(files) as Record<string, string> },
    ...(live !== undefined && { live: JSON.parse(live) as Snapshot }),
  };
}

async function keep(
  workspace: Workspace,
  name: string,
  { sources, rendered }: { sources: Sources; rendered: Rendered | undefined },
  more: Record<string, string>,
): Promise<void> {
  const target = workspace.path('revisions', name);
  const aside = `${target}.new`;
  await rm(aside, { recursive: true, force: true });
  await mkdir(aside, { recursive: true, mode: 0o700 });
  const texts = {
    'compose.yaml': sources.compose,
    '.env': sources.env,
    'override.yaml': sources.override,
    'files.json': toJson(sources.files),
    ...(rendered && { 'rendered.json': toJson(rendered) }),
    ...more,
  };
  await Promise.all(Object.entries(texts).map(([file, text]) => writeAtomic(join(aside, file), text, 0o600)));
  const old = `${target}.old`;
  await rm(old, { recursive: true, force: true });
  await rename(target, old).catch(ignore('ENOENT'));
  await rename(aside, target);
  await rm(old, { recursive: true, force: true });
}

async function prune(
  workspace: Workspace,
  pattern: RegExp,
  newestFirst: (a: string, b: string) => number,
  kept: number,
): Promise<void> {
  const folder = workspace.path('revisions');
  const names = ((await readdir(folder).catch(ignore('ENOENT'))) ?? []).filter((name) => pattern.test(name));
  const old = names.toSorted(newestFirst).slice(kept);
  await Promise.all(old.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}

const toJson = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
