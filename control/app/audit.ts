// The audit log's rows: who writes them, and when.
//
//   an effect      one row in the transaction of the effect: both are on disk, or neither
//   anything else  one row before the answer goes out, for refusals a bounded number a minute
//
// Which act an effect belongs to travels with the async context, so no desk can forget to pass it on.
import { AsyncLocalStorage } from 'node:async_hooks';
import { toLongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { Clock } from '#shared/time.ts';
import type { Stores, WriteContext } from '../store/stores.ts';
import type { Access } from './access/access.ts';
import type { Audit, AuditDetail, AuditedAct, AuditOutcome, AuditQuery, AuditRecord } from './api/audit.ts';
import type { Caller } from './api/caller.ts';
import type { Page } from './api/page.ts';
import { findJobId, findTargetId } from './audit-target.ts';
import { RefusalBudget } from './access/refusal-budget.ts';

/** Longer names of programs tell nothing more. */
const MAX_USER_AGENT_CHARS = 200;

export interface AuditDeps {
  stores: Stores;
  access: Access;
  clock: Clock;
  log: Logger;
}

export class AuditDesk implements Audit {
  readonly #deps: AuditDeps;
  readonly #current = new AsyncLocalStorage<AuditedAct>();
  readonly #recorded = new WeakSet<AuditedAct>();
  readonly #refusals: RefusalBudget;
  readonly #finders: ReturnType<typeof subjectFinders>;

  constructor(deps: AuditDeps) {
    this.#deps = deps;
    this.#finders = subjectFinders(deps.stores);
    this.#refusals = new RefusalBudget(deps.clock);
  }

  during<T>(act: AuditedAct, work: () => T): T {
    return this.#current.run(act, work);
  }

  /** The act under way, for rows beside its own. */
  current(): AuditedAct | undefined {
    return this.#current.getStore();
  }

  describe(detail: AuditDetail): void {
    const act = this.#current.getStore();
    if (act) act.detail = detail;
  }

  /** Wraps the write of an effect so that its row is part of it. Outside of an act it is the write itself. */
  withRow<R>(write: (tx: WriteContext) => R, actor?: Caller): (tx: WriteContext) => R {
    const act = this.#current.getStore();
    if (!act) return write;
    return (tx) => {
      const before = this.#subjectOf(act.targetId); // after a removal nobody knows whose it was
      const effect = write(tx);
      const targetId = act.targetId ?? findTargetId(effect);
      const outcome = { result: 'ok' as const, status: null, code: null, jobId: findJobId(effect) };
      this.#write(
        { ...act, caller: act.caller ?? actor ?? null, targetId },
        outcome,
        before ?? this.#subjectOf(targetId),
      );
      tx.afterCommit(() => this.#recorded.add(act));
      return effect;
    };
  }

  async finish(act: AuditedAct, outcome: AuditOutcome): Promise<void> {
    if (this.#recorded.has(act)) return;
    if (outcome.result !== 'ok' && !this.#refusals.take(act.caller?.keyId ?? null)) return;
    try {
      await this.#deps.stores.writer.write((tx) => this.append(tx, act, outcome));
    } catch (error) {
      this.#deps.log.error({ err: toLongshoreError(error), action: act.action }, 'a refusal is not in the audit log');
    }
  }

  append(_tx: WriteContext, act: AuditedAct, outcome: AuditOutcome): void {
    // What was refused may belong to somebody else: the row is its caller's alone.
    const isSeen = outcome.result === 'ok';
    this.#write(act, outcome, isSeen ? this.#subjectOf(act.targetId) : undefined);
  }

  list(caller: Caller, query: AuditQuery): Page<AuditRecord> {
    const { stores, access } = this.#deps;
    const { items, total } = stores.audit.list({ ...query, visibility: access.visibility(caller) });
    return { items, total, page: query.page, perPage: query.perPage };
  }

  #write(act: AuditedAct, outcome: AuditOutcome, subject: Subject | undefined): void {
    const { caller, userAgent, detail = null, ...known } = act;
    this.#deps.stores.audit.append({
      ...known,
      at: this.#deps.clock.now(),
      actorKind: caller?.kind ?? 'anonymous',
      actorId: caller?.keyId ?? null,
      actorName: caller?.name ?? null,
      customerId: subject?.customerId ?? caller?.customerId ?? null,
      hostId: subject?.hostId ?? null,
      jobId: outcome.jobId ?? null,
      userAgent: userAgent?.slice(0, MAX_USER_AGENT_CHARS) ?? null,
      result: outcome.result,
      status: outcome.status,
      code: outcome.code,
      omitted: this.#refusals.settle(),
      detail,
    });
  }

  #subjectOf(id: string | null): Subject | undefined {
    if (id === null) return undefined;
    const find = this.#finders[id.slice(0, id.indexOf('_'))] ?? this.#finders['template'];
    return find?.(id);
  }
}

/** By what an id begins with; templates have names of their own. */
const subjectFinders = (stores: Stores): Record<string, (id: string) => Subject | undefined> => ({
  svc: (id) => stores.services.find(id),
  set: (id) => stores.sets.find(id),
  job: (id) => stores.jobs.find(id),
  bkp: (id) => stores.backups.find(id),
  key: (id) => stores.keys.find(id),
  ses: (id) => stores.sessions.find(id),
  whk: (id) => stores.webhooks.find(id),
  reg: (id) => stores.registries.find(id),
  rep: (id) => stores.backupRepositories.find(id),
  var: (id) => stores.variables.find(id),
  host: (id) => stores.hosts.find(id) && { hostId: id },
  cust: (id) => ({ customerId: id }),
  template: (id) => stores.templates.find(id),
});

/** Whose a target is and where it runs. */
interface Subject {
  customerId?: string | null;
  hostId?: string;
}
