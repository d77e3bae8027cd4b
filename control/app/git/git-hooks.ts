// Push hooks: who may announce a push, and what comes of it. A push that finds a job under way is kept on disk, and one
// redeploy follows that job: it takes the newest commit, so more pushes need no more of it.
import { randomBytes } from 'node:crypto';
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import { isJobEnd, type JobState } from '#shared/jobs.ts';
import type { ServiceRecord } from '../../store/records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { GitHooks, PushOutcome, PushRequest } from '../api/git-hooks.ts';
import type { Bus, LiveEvent } from '../api/live.ts';
import { isSigned, readPush, whyHeld, whyIgnored } from './git-push.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { missing } from '../missing.ts';
import type { ServiceJobs } from '../services/service-jobs.ts';

const SECRET_BYTES = 32;

export interface GitHookDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  serviceJobs: ServiceJobs;
  /** For a member: every member, in waves. Returns the first job, if one could be begun at once. */
  redeploySet: (tx: WriteContext, caller: Caller, setId: string) => string | null;
  publicUrl: () => string;
  log: Logger;
}

export class GitHookDesk implements GitHooks {
  readonly #deps: GitHookDeps;

  constructor(deps: GitHookDeps) {
    this.#deps = deps;
  }

  async create(caller: Caller, serviceId: string): Promise<{ url: string; secret: string }> {
    const { stores, access, effects, publicUrl } = this.#deps;
    const { secret } = await effects.perform(() => {
      const service = access.requireService(caller, serviceId);
      requireFromGit(stores, service);
      if (service.setId !== null) access.requireSet(caller, service.setId); // its pushes reach every member
      const made = `lsg_${randomBytes(SECRET_BYTES).toString('base64url')}`;
      return () => {
        stores.gitHooks.put(access.requireService(caller, serviceId).id, made);
        return { serviceId, secret: made };
      };
    });
    return { url: new URL(`/api/services/${serviceId}/hooks/git`, publicUrl()).href, secret };
  }

  async remove(caller: Caller, serviceId: string): Promise<void> {
    const { stores, access, effects } = this.#deps;
    await effects.perform(() => () => {
      access.requireService(caller, serviceId);
      if (!stores.gitHooks.remove(serviceId)) throw missing('push hook', serviceId);
      return { serviceId };
    });
  }

  identify(serviceId: string, request: PushRequest): Caller {
    const { stores } = this.#deps;
    const service = stores.services.find(serviceId);
    const secret = service && stores.gitHooks.findSecret(serviceId);
    if (service && secret !== undefined && isSigned(request, secret)) return pusherOf(service);
    throw new LongshoreError('unauthorized', {
      details: 'The service has no push hook, or this was not signed with its secret',
    });
  }

  async receive(caller: Caller, serviceId: string, request: PushRequest): Promise<PushOutcome> {
    const { stores, access, effects } = this.#deps;
    const service = access.requireService(caller, serviceId);
    const watchPaths = stores.gitHooks.watchPathsOf(serviceId);
    const reason = whyIgnored(service, requireFromGit(stores, service), readPush(request), watchPaths);
    if (reason !== null) return { result: 'ignored', message: reason, jobId: null };
    const { jobId } = await effects.perform(
      () => (tx) => ({ serviceId, jobId: this.#deployOrWait(tx, caller, serviceId) }),
      caller,
    );
    if (jobId !== null) return { result: 'deploying', message: 'Deploying the newest commit', jobId };
    return { result: 'waiting', message: 'A job is under way; a redeploy follows it', jobId: null };
  }

  /** Deploys what waits when a job ends. Returns what ends it. */
  watch(bus: Bus): () => void {
    return bus.subscribe((event) => {
      if (isEndOfJob(event)) void this.#followUp(event.serviceId);
    });
  }

  /** What waited when the process ended. */
  async resume(): Promise<void> {
    for (const serviceId of this.#deps.stores.gitHooks.waiting()) await this.#followUp(serviceId);
  }

  #deployOrWait(tx: WriteContext, caller: Caller, serviceId: string): string | null {
    const { stores, serviceJobs, redeploySet } = this.#deps;
    const setId = stores.services.find(serviceId)?.setId ?? null;
    if (setId !== null) return redeploySet(tx, caller, setId); // its rollout waits for members that are busy
    const isBusy = stores.jobs.openOfService(serviceId).length > 0;
    stores.gitHooks.setWaiting(serviceId, isBusy);
    return isBusy ? null : serviceJobs.redeployPushed(tx, caller, serviceId);
  }

  /** Never throws: nobody waits for it. What cannot be deployed now (a suspended customer) waits no longer. */
  async #followUp(serviceId: string): Promise<void> {
    const { stores, log } = this.#deps;
    try {
      if (!stores.gitHooks.isWaiting(serviceId)) return;
      await stores.writer.write((tx) => {
        const service = stores.services.find(serviceId);
        if (!service || !stores.gitHooks.isWaiting(serviceId)) return;
        // The job may have been the stop of it.
        if (whyHeld(service, requireFromGit(stores, service)) !== null) stores.gitHooks.setWaiting(serviceId, false);
        else this.#deployOrWait(tx, pusherOf(service), serviceId);
      });
    } catch (error) {
      log.warn({ err: toLongshoreError(error), service: serviceId }, 'a push that waited was not deployed');
      await stores.writer.write(() => stores.gitHooks.setWaiting(serviceId, false)).catch(() => undefined);
    }
  }
}

/** Whoever knows the secret may do this one thing with this one service. */
const pusherOf = ({ id, customerId }: ServiceRecord): Caller => ({
  kind: 'system',
  keyId: `hook:${id}`,
  name: 'git push',
  permissions: ['services.update'],
  customerId,
  hostLabels: null,
  rateLimit: null,
});

function requireFromGit(stores: Stores, { id, name, method }: ServiceRecord) {
  const { git } = stores.services.requireSource(id);
  if (git) return git;
  throw new LongshoreError('state_conflict', { message: `Service "${name}" is made from ${method}, not from Git` });
}

function isEndOfJob(event: LiveEvent): event is LiveEvent & { serviceId: string } {
  if (event.type === 'deploy.progress') return event.step === 'job' && isJobEnd(event.state as JobState);
  return event.type === 'backup.progress' && isJobEnd(event.state);
}
