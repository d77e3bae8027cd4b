// Programs inside the containers of services: who may run one, what the host is asked, and the two rows that each leaves
// in the audit log. A program lives no longer than its session here.
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import type { Logger } from '#shared/log.ts';
import type { ExecOutput } from '#shared/protocol/exec-frame.ts';
import type { ExecEnded, ExecRequest } from '#shared/protocol/exec-parts.ts';
import type { Clock } from '#shared/time.ts';
import type { Stores } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import type { AuditDetail, AuditedAct } from '../api/audit.ts';
import type { Caller } from '../api/caller.ts';
import type { Exec, ExecOrder, ExecOutcome, ExecRunLimits, ExecSession, TerminalOrder } from '../api/exec.ts';
import type { AuditDesk } from '../audit.ts';
import type { CustomerRules } from '../customers/customer-rules.ts';
import { endDetail, startDetail } from './exec-audit.ts';
import { MAX_EXEC_OUTPUT_BYTES, readWhole } from './exec-output.ts';
import { openHostExec, type ExecLinks, type HostExec } from './host-exec.ts';
import type { IdempotencyDesk } from '../idempotency.ts';

export interface ExecDeps {
  stores: Stores;
  access: Access;
  audit: Pick<AuditDesk, 'current' | 'describe' | 'append'>;
  effects: IdempotencyDesk;
  customerRules: Pick<CustomerRules, 'requireActive'>;
  links: ExecLinks;
  clock: Clock;
  log: Logger;
}

type Manner = Pick<ExecRequest, 'terminal' | 'takesInput' | 'timeoutMs' | 'outputLimitBytes'>;

/** The row that tells how it ended; the one of its start has the name of the route. */
const ENDED = 'services.exec.ended';
const OK = { result: 'ok', status: null, code: null } as const;

export class ExecDesk implements Exec {
  readonly #deps: ExecDeps;

  constructor(deps: ExecDeps) {
    this.#deps = deps;
  }

  async run(
    caller: Caller,
    serviceId: string,
    order: ExecOrder,
    { timeoutMs, signal }: ExecRunLimits,
  ): Promise<ExecOutcome> {
    const { effects, audit } = this.#deps;
    const manner = { terminal: null, takesInput: false, timeoutMs, outputLimitBytes: MAX_EXEC_OUTPUT_BYTES };
    let exec: HostExec | undefined;
    const prepare = async () => {
      exec = await this.#prepare(caller, serviceId, order, manner);
      const { id: execId, started } = exec;
      audit.describe(startDetail(execId, started, order, false));
      return () => ({ execId });
    };
    const effect = await effects.perform(prepare).catch((error: unknown) => {
      exec?.close();
      throw error;
    });
    if (!exec) throw wasStarted(effect.execId);
    const act = audit.current();
    await this.#begin(exec, act);
    return this.#finish(exec, signal, act);
  }

  async open(act: AuditedAct & { caller: Caller }, serviceId: string, order: TerminalOrder): Promise<ExecSession> {
    const { stores, audit } = this.#deps;
    const { terminal } = order;
    const manner = { terminal, takesInput: true, timeoutMs: null, outputLimitBytes: null };
    const exec = await this.#prepare(act.caller, serviceId, order, manner);
    const detail = startDetail(exec.id, exec.started, order, terminal !== null);
    try {
      await stores.writer.write((tx) => audit.append(tx, { ...act, detail }, OK));
    } catch (error) {
      exec.close(); // nothing runs that the log does not tell of
      throw error;
    }
    await this.#begin(exec, act);
    return {
      started: exec.started,
      messages: this.#watch(exec, act),
      send: (input) => exec.send(input),
      close: () => exec.close(),
    };
  }

  async #prepare(caller: Caller, serviceId: string, order: ExecOrder, manner: Manner): Promise<HostExec> {
    const { access, customerRules, links, clock } = this.#deps;
    const { hostId, customerId } = access.requireService(caller, serviceId);
    customerRules.requireActive(customerId);
    const { command, service = null, container = null, user = null, workingDir = null, env = {} } = order;
    const execId = newId('exe', clock.now());
    const target = { execId, serviceId, command, service, container, user, workingDir, env };
    return openHostExec(links, hostId, { ...target, ...manner });
  }

  /** After its row is on disk, so that a crash at any point leaves nothing that ran without one. */
  async #begin(exec: HostExec, act: AuditedAct | undefined): Promise<void> {
    try {
      await exec.begin();
    } catch (error) {
      await this.#end(exec, act, undefined);
      throw error;
    }
  }

  async #finish(exec: HostExec, signal: AbortSignal | undefined, act: AuditedAct | undefined): Promise<ExecOutcome> {
    const close = () => exec.close();
    if (signal?.aborted) close();
    signal?.addEventListener('abort', close, { once: true });
    try {
      const output = await readWhole(this.#watch(exec, act));
      return { ...exec.started, ...output };
    } catch (error) {
      throw signal?.aborted ? new LongshoreError('cancelled', { cause: error }) : error;
    } finally {
      signal?.removeEventListener('abort', close);
    }
  }

  /** What comes of it, and its last row once that is over, however it ends. */
  async *#watch(exec: HostExec, act: AuditedAct | undefined): AsyncGenerator<ExecOutput | ExecEnded> {
    let end: ExecEnded | undefined;
    try {
      for await (const message of exec.messages) {
        if (message.kind === 'ended') end = message;
        yield message;
      }
    } finally {
      await this.#end(exec, act, end);
    }
  }

  async #end(exec: HostExec, act: AuditedAct | undefined, end: ExecEnded | undefined): Promise<void> {
    exec.close();
    if (act) await this.#noteEnd(act, endDetail(exec.id, exec.started, end));
  }

  async #noteEnd(act: AuditedAct, detail: AuditDetail): Promise<void> {
    const { stores, audit, log } = this.#deps;
    try {
      await stores.writer.write((tx) => audit.append(tx, { ...act, action: ENDED, detail }, OK));
    } catch (error) {
      log.error({ err: toLongshoreError(error), detail }, 'the end of an exec is not in the audit log');
    }
  }
}

/** By an earlier request under the same key, which left no answer: to start it again might do its work twice. */
const wasStarted = (execId: string): LongshoreError =>
  new LongshoreError('interrupted', {
    message: 'The command was started under this Idempotency-Key, and how it ended is not known',
    details: `exec_id ${execId}: its end may be in the audit log`,
  });
