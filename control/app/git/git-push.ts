// What the host of a repository says when somebody pushes, and whether it is that host: GitHub, GitLab, Gitea, Forgejo,
// or a script with the secret as its bearer. Pure.
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { LongshoreError } from '#shared/errors.ts';
import type { GitSource } from '#shared/model.ts';
import { sameSecret } from '#shared/secrets.ts';
import type { ServiceRecord } from '../../store/records.ts';
import type { PushRequest } from '../api/git-hooks.ts';
import { pushedFields, pushedFiles } from './pushed-files.ts';
import { isAnyWatched } from './watch-paths.ts';

/** GitHub signs with a prefix, Gitea and Forgejo without; they send GitHub's header as well. */
const SIGNATURES = ['x-hub-signature-256', 'x-gitea-signature', 'x-forgejo-signature'];
const EVENTS = ['x-github-event', 'x-gitea-event', 'x-forgejo-event', 'x-gitlab-event'];
const PUSHES = ['push', 'create', 'Push Hook', 'Tag Push Hook'];
const DELIVERIES = ['idempotency-key', 'x-github-delivery', 'x-gitea-delivery', 'x-forgejo-delivery'];
/** What Git calls the commit of a branch that is gone. */
const NO_COMMIT = /^0+$/;

const named = z.object({ default_branch: z.string().optional() }).nullish();
const payloadSchema = z.object({
  ref: z.string().optional(),
  after: z.string().nullish(),
  deleted: z.boolean().nullish(),
  repository: named,
  project: named,
  ...pushedFields,
});

export interface Push {
  /** What happened, as its sender calls it; null from a script. */
  event: string | null;
  /** `refs/heads/main`; null where the sender names none. */
  ref: string | null;
  isDeletion: boolean;
  defaultBranch: string | null;
  /** What it touched; null when that is not known for sure. */
  files: readonly string[] | null;
}

const headerOf = ({ headers }: PushRequest, names: readonly string[]): string | undefined =>
  names.map((name) => headers[name]).find((value) => typeof value === 'string');

/** Each way proves that the sender knows the secret; one of them is enough. */
export function isSigned(request: PushRequest, secret: string): boolean {
  const expected = createHmac('sha256', secret).update(request.body).digest('hex');
  const given = SIGNATURES.map((name) => headerOf(request, [name])?.replace(/^sha256=/, ''));
  if (given.some((signature) => signature !== undefined && sameSecret(signature, expected))) return true;
  const bearer = headerOf(request, ['authorization'])?.replace(/^Bearer +/i, '');
  return [headerOf(request, ['x-gitlab-token']), bearer].some((it) => it !== undefined && sameSecret(it, secret));
}

/** The name of the delivery, the same when it is sent again; undefined where the sender gives none. */
export const deliveryOf = (request: PushRequest): string | undefined =>
  headerOf(request, [...DELIVERIES, 'x-gitlab-event-uuid']);

/** Throws `validation_error`. */
export function readPush(request: PushRequest): Push {
  const payload = payloadSchema.safeParse(parseBody(request));
  if (!payload.success) throw new LongshoreError('validation_error', { fields: { body: 'Not what a push says' } });
  const { ref, after, deleted, repository, project } = payload.data;
  const event = headerOf(request, EVENTS) ?? null;
  return {
    event,
    ref: ref ?? null,
    isDeletion: deleted === true || NO_COMMIT.test(after ?? ''),
    defaultBranch: repository?.default_branch ?? project?.default_branch ?? null,
    files: event === null ? null : pushedFiles(payload.data),
  };
}

/** GitHub sends a form unless it is told otherwise; a script may send nothing at all. */
function parseBody(request: PushRequest): unknown {
  const text = request.body.toString('utf8');
  const isForm = headerOf(request, ['content-type'])?.startsWith('application/x-www-form-urlencoded');
  const json = isForm ? new URLSearchParams(text).get('payload') : text;
  if (json === null || json === '') return {};
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new LongshoreError('invalid_json', { cause });
  }
}

type Pushed = Pick<ServiceRecord, 'name' | 'lifecycle' | 'isEnabled' | 'deployedAt'>;

/** Why nothing is to be done about a push; null when it deploys. */
export function whyIgnored(service: Pushed, git: GitSource, push: Push, watchPaths: readonly string[]): string | null {
  if (push.event !== null && !PUSHES.includes(push.event)) return `"${push.event}" is no push`;
  if (push.isDeletion) return 'The branch was deleted';
  const wanted = git.branch ?? push.defaultBranch;
  const isOther = push.ref !== null && wanted !== null && !isNamed(push.ref, wanted);
  if (isOther) return `"${service.name}" is deployed from ${wanted}, not from ${push.ref}`;
  return whyHeld(service, git) ?? whyUnwatched(push, watchPaths);
}

function whyUnwatched({ files }: Push, watchPaths: readonly string[]): string | null {
  if (watchPaths.length === 0 || files === null || isAnyWatched(watchPaths, files) !== false) return null;
  return `It touches none of ${watchPaths.join(', ')}`;
}

/** Why no push reaches the service as it is now. */
export function whyHeld({ name, lifecycle, isEnabled, deployedAt }: Pushed, { commit }: GitSource): string | null {
  if (commit !== undefined) return `"${name}" is held to a commit: PATCH it with "git_commit": null to let it go on`;
  const isStopped = lifecycle === 'stopped' && deployedAt !== null; // one that never ran waits for review
  if (isStopped || !isEnabled) return `"${name}" is stopped`;
  return null;
}

const isNamed = (ref: string, wanted: string): boolean =>
  [wanted, `refs/heads/${wanted}`, `refs/tags/${wanted}`].includes(ref);
