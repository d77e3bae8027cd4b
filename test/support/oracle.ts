// What must hold after every fault, asked of a real control plane, its agent and the engine beneath: the rules I1 to I9
// of reliability. Told before the fault what to remember, asked after it; answers with the rules that are broken, in
// words. Waits for what may take a moment to heal, and says how long that took.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openSqliteReadOnly } from '#shared/sqlite.ts';
import type { Api } from './api.ts';
import { docker } from './docker.ts';
import { eventually } from './eventually.ts';

/** I6, and all else that needs a moment: within 30 s of healing. */
const HEAL_LIMIT_MS = 30_000;
/** I8. */
const RSS_LIMIT_BYTES = 150 * 1024 ** 2;
/** What it costs Node to strip the types of an agent that is run from sources. */
const STRIPPING_BYTES = 80 * 1024 ** 2;
const SPOOL_LIMIT_BYTES = 256 * 1024 ** 2;

type Rows = Record<string, string | number | null>[];
type RunDocker = (args: string[]) => Promise<string>;

/** One host and its control plane: a `Stack`, or a host of a fleet. */
export interface OracleSubject {
  api: Pick<Api, 'get'>;
  /** Holds the data of both, as `control` and `agent`. */
  dir: string;
  control: { readonly output: string };
  /** `pid`: as this machine knows it. */
  agent: { readonly output: string; readonly pid: number };
  /** Which of the hosts of that control plane it is; default: its only one. */
  hostId?: string;
  /** The agent is that of a release; default: run from sources. */
  isReleased?: boolean;
}

export class Oracle {
  readonly #stack: OracleSubject;
  readonly #docker: RunDocker;
  readonly #acknowledged: string[] = [];
  readonly #calm = new Map<string, string>();
  readonly #secrets: string[] = [];

  /** `runDocker`: for the engine that the agent has; default: the one of this machine. */
  constructor(stack: OracleSubject, runDocker: RunDocker = docker) {
    this.#stack = stack;
    this.#docker = runDocker;
  }

  /** I1: what a change that was answered 2xx made, by the path that shows it. */
  acknowledged(path: string): void {
    this.#acknowledged.push(path);
  }

  /** I4: a project that is not concerned, as it is now. */
  async remember(project: string): Promise<void> {
    this.#calm.set(project, await this.#identityOf(project));
  }

  /** I7: a value that only a container may show. */
  secret(value: string): void {
    this.#secrets.push(value);
  }

  /** How many the host has: what it knows while nobody can ask it. */
  countOnHost(table: 'schedules'): number {
    return Number(this.#host(`SELECT count(*) AS count FROM ${table}`)[0]?.['count']);
  }

  /** What the host noted of itself and its control plane. */
  factOnHost(key: 'revokedAt'): unknown {
    return this.#host(`SELECT value FROM meta WHERE key = '${key}'`)[0]?.['value'];
  }

  /** Rules that are broken, and after how long the others held (I9). */
  async ask(): Promise<{ faults: string[]; healedMs: number }> {
    const startedAt = performance.now();
    const slow = () => this.#askSlow();
    const last = await eventually(slow, { until: (faults) => faults.length === 0, timeoutMs: HEAL_LIMIT_MS }).catch(
      slow,
    );
    const healedMs = Math.round(performance.now() - startedAt);
    return { faults: [...last, ...(await this.#askFast())], healedMs };
  }

  /** What may be so only after a moment. */
  async #askSlow(): Promise<string[]> {
    return [...this.#askSequences(), ...this.#askJobs(), ...(await this.#askViews()), ...this.#askSizes()];
  }

  async #askFast(): Promise<string[]> {
    return [...(await this.#askChanges()), ...(await this.askCalm()), ...this.#askSecrets()];
  }

  async #askChanges(): Promise<string[]> {
    const answers = await Promise.all(this.#acknowledged.map((path) => this.#stack.api.get(path)));
    return this.#acknowledged.flatMap((path, i) => {
      const status = answers[i]?.status;
      return status === 200 ? [] : [`I1: ${path} was acknowledged and is answered ${status}`];
    });
  }

  /** I2: what the host ended, control knows by the same end; what control waits for, the host has. */
  #askJobs(): string[] {
    const here = new Map(this.#host('SELECT id, state, finished_at FROM jobs').map((row) => [row['id'], row]));
    return this.#control(`SELECT id, state, finished_at FROM jobs ${this.#ofHost}`).flatMap(
      ({ id, state, finished_at: endedAt }) => {
        const own = here.get(id);
        if (endedAt === null && own?.['finished_at'] === undefined) return [`I2: job ${id} is ${state}, and lost`];
        if (!own || own['finished_at'] === null) return [];
        return own['state'] === state ? [] : [`I2: job ${id} ended ${own['state']} on the host, here it is ${state}`];
      },
    );
  }

  /** I3 and I5: all that was told has come, without a hole, and nobody else has spoken. */
  #askSequences(): string[] {
    const [head] = this.#host('SELECT last FROM outbox_head');
    const holes = this.#host(
      'SELECT seq FROM (SELECT seq, first, lag(seq) OVER (ORDER BY seq) AS before FROM outbox)\
      WHERE before IS NOT NULL AND first <> before + 1',
    );
    const which = this.#stack.hostId === undefined ? 'revoked_at IS NULL' : `id = '${this.#stack.hostId}'`;
    const [host] = this.#control(`SELECT event_seq, epoch FROM hosts WHERE ${which}`);
    const [epoch] = this.#host("SELECT CAST(value AS INTEGER) AS value FROM meta WHERE key = 'epoch'");
    const violations = this.#control(
      `SELECT message FROM (SELECT * FROM events ${this.#ofHost}) WHERE status = 'protocol_violation'`,
    );
    return [
      ...(host?.['event_seq'] === head?.['last']
        ? []
        : [`I3: told up to ${head?.['last']}, heard up to ${host?.['event_seq']}`]),
      ...holes.map(({ seq }) => `I3: a hole before event ${seq} on the host`),
      ...violations.map(({ message }) => `I3: ${message}`),
      ...(host?.['epoch'] === epoch?.['value']
        ? []
        : [`I5: epoch ${host?.['epoch']} here, ${epoch?.['value']} on the host`]),
    ];
  }

  /** I4 alone. */
  async askCalm(): Promise<string[]> {
    const now = await Promise.all(
      [...this.#calm.keys()].map(async (project) => [project, await this.#identityOf(project)] as const),
    );
    return now.flatMap(([project, identity]) => {
      const before = this.#calm.get(project);
      return identity === before ? [] : [`I4: ${project} is not what it was: ${before} → ${identity}`];
    });
  }

  /** I6: what control shows of each service is what Docker lists. */
  async #askViews(): Promise<string[]> {
    const services = this.#control(`SELECT name, report FROM services ${this.#ofHost}`);
    const compared = services.map(async ({ name, report }) => {
      const [shown, real] = [shownBy(report), await this.#list(String(name))];
      return shown === real ? [] : [`I6: ${name} is shown as "${shown}", Docker has "${real}"`];
    });
    return (await Promise.all(compared)).flat();
  }

  #askSecrets(): string[] {
    const { control, agent } = this.#stack;
    const told = JSON.stringify(this.#control('SELECT message FROM events'));
    const places = { 'the log of control': control.output, 'the log of the agent': agent.output, 'an event': told };
    return this.#secrets.flatMap((secret) =>
      Object.entries(places).flatMap(([place, text]) => (text.includes(secret) ? [`I7: a secret is in ${place}`] : [])),
    );
  }

  #askSizes(): string[] {
    const { agent, dir, isReleased = false } = this.#stack;
    const rss = 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${agent.pid}/status`, 'utf8'))?.[1]);
    const files = ['agent.db', 'agent.db-wal']
      .map((name) => join(dir, 'agent', name))
      .filter((file) => existsSync(file));
    const spool = files.reduce((sum, file) => sum + statSync(file).size, 0);
    return [
      ...(rss <= RSS_LIMIT_BYTES + (isReleased ? 0 : STRIPPING_BYTES)
        ? []
        : [`I8: the agent uses ${rss} bytes of memory`]),
      ...(spool <= SPOOL_LIMIT_BYTES ? [] : [`I8: the agent keeps ${spool} bytes`]),
    ];
  }

  /** Container ids and start times of a project: what a service that is not concerned must keep. */
  async #identityOf(project: string): Promise<string> {
    const ids = await this.#docker(['ps', '-aq', '--no-trunc', ...ofProject(project)]);
    return this.#docker(['inspect', '--format', '{{.Id}} {{.State.StartedAt}}', ...ids.split('\n').toSorted()]);
  }

  async #list(project: string): Promise<string> {
    const lines = await this.#docker([
      'ps',
      '-a',
      '--no-trunc',
      ...ofProject(project),
      '--format',
      '{{.ID}} {{.State}}',
    ]);
    return lines.split('\n').toSorted().join(', ');
  }

  get #ofHost(): string {
    return this.#stack.hostId === undefined ? '' : `WHERE host_id = '${this.#stack.hostId}'`;
  }

  #host = (sql: string): Rows => query(join(this.#stack.dir, 'agent', 'agent.db'), sql);
  #control = (sql: string): Rows => query(join(this.#stack.dir, 'control', 'control.db'), sql);
}

const ofProject = (project: string) => ['--filter', `label=com.docker.compose.project=${project}`];

function shownBy(report: string | number | null | undefined): string {
  if (typeof report !== 'string') return '';
  const { containers } = JSON.parse(report) as { containers: { id: string; state: string }[] };
  return containers
    .map(({ id, state }) => `${id} ${state}`)
    .toSorted()
    .join(', ');
}

function query(file: string, sql: string): Rows {
  const db = openSqliteReadOnly(file);
  try {
    return db.prepare(sql).all() as Rows;
  } finally {
    db.close();
  }
}
