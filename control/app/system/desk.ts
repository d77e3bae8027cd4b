// The system's own parts as callers see them. They are of the whole fleet: whoever is bound to a customer sees none of
// them, and whoever is bound to hosts sees the agents of those.
import { judgeWrite } from '#shared/storage-standing.ts';
import type { Clock } from '#shared/time.ts';
import type { Stores } from '../../store/stores.ts';
import type { Caller } from '../api/caller.ts';
import type { Hosts } from '../api/hosts.ts';
import type { Page, Paging } from '../api/page.ts';
import type { ControlFigures } from '../api/metrics.ts';
import type { Host } from '../api/hosts.ts';
import { SYSTEM_PARTS, type SystemHealth, type SystemPart, type SystemServices } from '../api/system-services.ts';
import type { SelfWatch } from './self-watch.ts';
import type { Troubles } from './troubles.ts';

/** What somebody reads who looks for a cause. */
const MAX_SHOWN = 20;
/** A write that takes longer is no write; the list must not wait for it. */
const WRITE_LIMIT_MS = 2_000;

export interface SystemDeskDeps {
  stores: Stores;
  hosts: Pick<Hosts, 'list' | 'require' | 'events'>;
  control: () => ControlFigures;
  /** Makes a small write. Gives what it failed with, undefined when it did not. */
  findWriteFault: () => Promise<unknown>;
  self: SelfWatch;
  troubles: Troubles;
  clock: Clock;
}

export class SystemDesk implements SystemServices {
  readonly #deps: SystemDeskDeps;

  constructor(deps: SystemDeskDeps) {
    this.#deps = deps;
  }

  async parts(caller: Caller): Promise<SystemPart[]> {
    return seesControl(caller) ? this.#parts((await this.#tryWrite()).trouble) : [];
  }

  async findHealth(caller: Caller, name: string): Promise<SystemHealth | undefined> {
    if (!seesControl(caller) || !SYSTEM_PARTS.some((part) => part === name)) return undefined;
    const { stores, control, self, troubles } = this.#deps;
    const { trouble, tookMs } = await this.#tryWrite();
    const part = this.#parts(trouble).find((it) => it.name === name);
    return (
      part && {
        ...part,
        process: await self.process(),
        database: { ...self.database(), writeMs: tookMs },
        control: control(),
        scheduler: { ...stores.schedules.count(), failedRuns: stores.schedules.failedRuns(MAX_SHOWN) },
        failedJobs: this.#failedJobs(),
        troubles: troubles.list(),
      }
    );
  }

  agents(caller: Caller, paging: Paging): Page<Host> {
    if (caller.customerId !== null) return { items: [], total: 0, ...paging };
    return this.#deps.hosts.list(caller, { ...paging, sort: 'name', order: 'asc' });
  }

  findAgent(caller: Caller, hostId: string): ReturnType<SystemServices['findAgent']> {
    const { hosts, stores } = this.#deps;
    if (caller.customerId !== null || !stores.hosts.find(hostId)) return undefined;
    const { items: events } = hosts.events(caller, hostId, { page: 1, perPage: MAX_SHOWN });
    return { host: hosts.require(caller, hostId), events };
  }

  #parts(trouble: string | null): SystemPart[] {
    const { self } = this.#deps;
    const { createdAt } = self.database();
    // Each needs to write: the one that answers can tell so, and no more.
    return SYSTEM_PARTS.map((name) => ({ name, trouble, createdAt, startedAt: self.startedAt }));
  }

  async #tryWrite(): Promise<{ trouble: string | null; tookMs: number }> {
    const { clock, findWriteFault } = this.#deps;
    const from = performance.now();
    const { promise: late, resolve } = Promise.withResolvers<string>();
    const cancel = clock.after(WRITE_LIMIT_MS, () => resolve('the database takes its time'));
    const trouble = await Promise.race([findWriteFault().then((fault) => judgeWrite(fault).trouble), late]);
    cancel();
    return { trouble, tookMs: performance.now() - from };
  }

  #failedJobs(): SystemHealth['failedJobs'] {
    const { jobs } = this.#deps.stores;
    const visibility = { customerId: null, hostIds: null };
    const { items } = jobs.list({ state: 'failed', page: 1, perPage: MAX_SHOWN, order: 'desc', visibility });
    return items.map(({ id, kind, serviceName, error, finishedAt, createdAt }) => ({
      message: `Job ${id} (${kind} of ${serviceName}): ${error?.message ?? 'failed'}`,
      at: finishedAt ?? createdAt,
    }));
  }
}

const seesControl = ({ customerId, hostLabels }: Caller): boolean => customerId === null && hostLabels === null;
