// Asks a host what a deploy would do, and holds a deploy to what was planned.
import { isDeepStrictEqual } from 'node:util';
import { LongshoreError } from '#shared/errors.ts';
import type { PullPolicy } from '#shared/jobs.ts';
import type { ServiceSpec } from '#shared/model.ts';
import type { DeployPlan as HostPlan } from '#shared/protocol/deploy-parts.ts';
import type { Finding } from '#shared/compose/policy.ts';
import type { Clock } from '#shared/time.ts';
import type { ServiceRecord, ServiceSource } from '../../store/records.ts';
import type { WaitingMark } from '../../store/reviews.ts';
import type { Stores } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import { SLOW_PLAN, type AiGrants } from './ai-grants.ts';
import type { Caller } from '../api/caller.ts';
import type { DeployPlan, DeployPlans } from '../api/deploy-plans.ts';
import type { NewService, ServiceChange } from '../api/services.ts';
import { previewCreate, type CreateDeps } from '../services/create-service.ts';
import type { CustomerRules } from '../customers/customer-rules.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import { notAsPlanned, PLAN_LIFE_MS, requireLivePlan, requireSamePlan, toPlanId } from './plan-id.ts';
import type { Refuse } from '../services/service-draft.ts';
import type { ServiceJobs } from '../services/service-jobs.ts';
import { draftSpec, requireSendable } from '../services/service-spec.ts';
import { previewUpdate, type UpdateDeps } from '../services/update-service.ts';

export interface DeployPlanDeps {
  stores: Stores;
  access: Access;
  customerRules: CustomerRules;
  serviceJobs: Pick<ServiceJobs, 'requireIdle'>;
  links: Pick<HostLinks, 'ask'>;
  aiGrants: Pick<AiGrants, 'open'>;
  create: CreateDeps;
  update: UpdateDeps;
  clock: Clock;
}

/** A repository may have to be fetched; people and proxies wait about a minute. */
const DEADLINE_MS = 55_000;

/** What would be deployed. */
interface Wish {
  hostId: string;
  spec: ServiceSpec;
  pull: PullPolicy | undefined;
  deploys: boolean;
  /** The proposal that is planned as it was shown. */
  approves?: string | undefined;
}

export class DeployPlanDesk implements DeployPlans {
  readonly #deps: DeployPlanDeps;

  constructor(deps: DeployPlanDeps) {
    this.#deps = deps;
  }

  async planNew(caller: Caller, input: NewService): Promise<DeployPlan> {
    const { findings, refuse } = collector();
    const { service, source } = previewCreate(this.#deps.create, caller, input, refuse);
    const wish = this.#wish(service, source, { pull: input.pull ?? 'missing', deploys: true });
    return { ...toPlan(wish, await this.#ask(wish), findings), planId: null, expiresAt: null };
  }

  async planChange(
    caller: Caller,
    id: string,
    change: ServiceChange,
    pull: PullPolicy | undefined,
  ): Promise<DeployPlan> {
    const { findings, refuse } = collector();
    const wish = this.#wishOf(caller, id, change, pull, refuse);
    const found = await this.#ask(wish);
    const expiresAt = this.#deps.clock.now() + PLAN_LIFE_MS;
    return { ...toPlan(wish, found, findings), planId: toPlanId(found.digest, expiresAt), expiresAt };
  }

  /** Throws `state_conflict` unless the change, as it is now and on the host as it is now, is what was planned. */
  async requireSame(
    caller: Caller,
    id: string,
    planId: string,
    { change = {}, pull }: { change?: ServiceChange; pull?: PullPolicy | undefined },
  ): Promise<void> {
    const { digest } = requireLivePlan(planId, this.#deps.clock.now());
    const wish = this.#wishOf(caller, id, change, pull, () => undefined); // the deploy itself refuses
    requireSamePlan(digest, (await this.#ask(wish)).digest);
  }

  /**
   * Throws `state_conflict` unless what waits for review would do now what was shown. What is returned throws it for what
   * has changed since the host was asked: to be called inside the write.
   */
  async requireAsProposed(caller: Caller, id: string, waiting: WaitingMark): Promise<() => void> {
    const wish = this.#wishToApprove(caller, id, waiting);
    requireSamePlan(waiting.id, (await this.#ask(wish)).digest);
    return () => {
      if (!isDeepStrictEqual(this.#wishToApprove(caller, id, waiting), wish)) throw notAsPlanned();
    };
  }

  #wishToApprove(caller: Caller, id: string, { id: approves, pull }: WaitingMark): Wish {
    const { access, customerRules, stores } = this.#deps;
    const before = access.requireService(caller, id);
    customerRules.requireActive(before.customerId);
    const service = { ...before, limits: customerRules.allotAgain(before), revision: before.revision + 1 };
    return this.#wish(service, stores.services.requireSource(id), { pull: pull ?? undefined, deploys: true, approves });
  }

  #wishOf(caller: Caller, id: string, change: ServiceChange, pull: PullPolicy | undefined, refuse: Refuse): Wish {
    const { access, customerRules, serviceJobs, update } = this.#deps;
    const before = access.requireService(caller, id);
    const isRedeploy = isEmpty(change);
    if (!isRedeploy && pull !== undefined) throw pullOfChange();
    const preview = previewUpdate(update, caller, id, change, refuse);
    serviceJobs.requireIdle(before);
    const { service, source, deploys } = preview;
    const limits = isRedeploy ? customerRules.allotAgain(before) : service.limits;
    const order = isRedeploy ? { pull: pull ?? 'always', deploys: true } : { pull: 'missing' as const, deploys };
    return this.#wish({ ...service, limits, revision: service.revision + 1 }, source, order);
  }

  #wish(service: ServiceRecord, source: ServiceSource, order: Pick<Wish, 'pull' | 'deploys' | 'approves'>): Wish {
    const { spec } = draftSpec(this.#deps.stores, service, source);
    return { hostId: service.hostId, spec, ...order };
  }

  async #ask({ hostId, spec, ...wish }: Wish): Promise<HostPlan> {
    const { aiGrants, links } = this.#deps;
    const mayAsk = spec.method === 'ai' && wish.approves === undefined;
    const grant = mayAsk ? aiGrants.open(hostId, spec.name) : undefined;
    const { pull, approves } = wish;
    const question = { spec, pull, ...(grant && { grant: grant.token }), ...(approves !== undefined && { approves }) };
    requireSendable(question);
    try {
      return (await links.ask(hostId, 'service.plan', question, { timeoutMs: DEADLINE_MS })).plan;
    } catch (error) {
      throw grant && error instanceof LongshoreError && error.code === 'timed_out' ? tooSlow(error) : error;
    } finally {
      grant?.close();
    }
  }
}

const tooSlow = (cause: LongshoreError): LongshoreError =>
  new LongshoreError('timed_out', { message: 'The plan took too long', details: SLOW_PLAN, cause });

const pullOfChange = (): LongshoreError =>
  new LongshoreError('validation_error', { fields: { pull: 'A change pulls what is missing; leave it out' } });

/** Nothing that a change could be about. */
const isEmpty = ({ revision: _revision, planId: _planId, ...change }: ServiceChange): boolean =>
  Object.values(change).every((value) => value === undefined);

function collector(): { findings: Finding[]; refuse: Refuse } {
  const findings: Finding[] = [];
  return { findings, refuse: (more) => void findings.push(...more) };
}

/** Both sides judge what is written, and mostly say the same. */
function toPlan(
  { hostId, deploys }: Wish,
  { digest: _digest, findings, ...plan }: HostPlan,
  own: readonly Finding[],
): Omit<DeployPlan, 'planId' | 'expiresAt'> {
  const all = new Map([...own, ...findings].map((finding) => [`${finding.path} ${finding.rule}`, finding]));
  return { ...plan, findings: [...all.values()], hostId, deploys };
}
