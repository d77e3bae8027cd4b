// Keeps the end of the logs of containers that a job replaces: Docker's `rm` takes the log with the container, and
// Compose removes old containers itself, so their logs are held open for as long as the job may do it. Keeping is never
// a reason for a job to fail.
import { endsService } from '#shared/adoption.ts';
import type { JobKind } from '#shared/jobs.ts';
import type { Logger } from '#shared/log.ts';
import type { Clock } from '#shared/time.ts';
import type { ExecuteJob, JobOutcome, JobRun } from '../deploy/job-run.ts';
import type { Container, Engine } from '../docker/engine.ts';
import type { EventHub } from '../docker/events.ts';
import type { FindLogFile } from '../docker/log-file.ts';
import { isOf } from '../owner.ts';
import { holdLog } from './held-log.ts';
import { SHORT_ID_CHARS, type HeldLog } from './kept-log.ts';
import type { Shelf } from './shelf.ts';

export interface KeeperDeps {
  shelf: Pick<Shelf, 'put'>;
  /** All that is kept of a service. Does not reject. */
  drop: (serviceId: string) => Promise<void>;
  socketPath: string;
  engine: Pick<Engine, 'listProject' | 'findContainer'>;
  hub: Pick<EventHub, 'subscribe'>;
  findLogFile: FindLogFile;
  clock: Clock;
  log: Logger;
}

/** The other kinds leave containers where they are. */
const REPLACING: ReadonlySet<JobKind> = new Set(['deploy', 'redeploy', 'rollback', 'revert', 'accept', 'restore']);

/** The same work; what it replaces leaves the end of its log, and what it removes leaves nothing. */
export const keepLogsAround =
  (deps: KeeperDeps, execute: ExecuteJob): ExecuteJob =>
  async (run) => {
    const outcome = await keepReplaced(deps, run, execute);
    // What was kept on the way as well.
    if (endsService(run.offer.kind, outcome.state)) await deps.drop(run.offer.serviceId);
    return outcome;
  };

async function keepReplaced(deps: KeeperDeps, run: JobRun, execute: ExecuteJob): Promise<JobOutcome> {
  const { kind, serviceId } = run.offer;
  const held = REPLACING.has(kind) ? new HeldLogs(deps, serviceId, run.service.spec.name) : undefined;
  await held?.hold();
  try {
    return await execute(run);
  } finally {
    await held?.keepGone();
  }
}

/** The logs of one service during one job. */
class HeldLogs {
  readonly #deps: KeeperDeps;
  readonly #serviceId: string;
  readonly #project: string;
  readonly #held = new Map<string, Promise<{ name: string; log: HeldLog } | undefined>>();
  readonly #unsubscribe: () => void;

  constructor(deps: KeeperDeps, serviceId: string, project: string) {
    this.#deps = deps;
    this.#serviceId = serviceId;
    this.#project = project;
    // What a deploy makes and takes back again tells why.
    this.#unsubscribe = deps.hub.subscribe(project, (signal) => {
      if (signal.kind === 'event' && signal.event.action === 'start') this.#holdNew(signal.event.containerId);
    });
  }

  async hold(): Promise<void> {
    await this.#carefully(async () => {
      for (const container of await this.#listOwn()) this.#add(container);
      await Promise.all(this.#held.values());
    });
  }

  /** Keeps what is gone, and lets go of the rest. */
  async keepGone(): Promise<void> {
    this.#unsubscribe();
    await this.#carefully(async () => {
      const present = new Set((await this.#listOwn()).map(({ id }) => id));
      // One after the other: each is megabytes.
      for (const [id, found] of this.#held)
        if (!present.has(id)) await this.#carefully(async () => this.#keep(id, await found));
    });
    for (const found of this.#held.values()) await (await found)?.log.release();
  }

  #holdNew(id: string): void {
    if (this.#held.has(id)) return;
    const found = this.#deps.engine
      .findContainer(id)
      .then((container) => (container && isOf(this.#serviceId)(container) ? this.#open(container) : undefined));
    this.#held.set(id, this.#orNothing(found));
  }

  async #listOwn(): Promise<Container[]> {
    return (await this.#deps.engine.listProject(this.#project)).filter(isOf(this.#serviceId));
  }

  #add(container: Container): void {
    if (!this.#held.has(container.id)) this.#held.set(container.id, this.#orNothing(this.#open(container)));
  }

  async #open({ id, name }: Container): Promise<{ name: string; log: HeldLog }> {
    const { findLogFile, socketPath, clock } = this.#deps;
    const file = await findLogFile(id).catch(() => undefined);
    return { name, log: await holdLog({ socketPath, clock, containerId: id, file }) };
  }

  async #keep(id: string, found: { name: string; log: HeldLog } | undefined): Promise<void> {
    const records = await found?.log.tail();
    if (!found || !records || records.length === 0) return;
    const log = { container: found.name, containerId: id.slice(0, SHORT_ID_CHARS), isTty: found.log.isTty };
    await this.#deps.shelf.put(this.#serviceId, { ...log, keptAt: this.#deps.clock.now() }, records);
  }

  #orNothing<T>(found: Promise<T>): Promise<T | undefined> {
    return found.catch((error: unknown) => this.#note(error));
  }

  async #carefully(work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => this.#note(error));
  }

  #note(error: unknown): undefined {
    this.#deps.log.warn({ err: error, service: this.#serviceId }, 'the log of a replaced container cannot be kept');
  }
}
