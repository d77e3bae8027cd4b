// The services of this host: what should run, what last ran well, what was last reported. The journal trusts this
// table, never labels on containers. A row goes away only by a remove job or a tombstone.
import type { HealthCheck } from '../health/health-check.ts';
import type { DriftNote, ServiceReport, ServiceSpec } from '#shared/model.ts';
import type { SecretBox } from '#shared/secrets.ts';
import type { Sqlite } from '#shared/sqlite.ts';
import type { HealingRecord } from '../healing/record.ts';
import { secretsOf, type SecretSource } from '../secrets/mask.ts';

export interface ServiceRecord {
  spec: ServiceSpec;
  /** What the user asked for last; a stop survives reboots. */
  desired: 'running' | 'stopped';
  isEnabled: boolean;
  goodRevision: number | null;
  failure: string | null;
  forgetRevision: number | null;
  report: ServiceReport | null;
  drift: DriftNote | null;
  /** Null while nothing was looked at. */
  healing: HealingRecord | null;
}

interface Row {
  id: string;
  spec: Buffer;
  desired: 'running' | 'stopped';
  enabled: number;
  good_revision: number | null;
  failure: string | null;
  forget_revision: number | null;
  report: string | null;
  drift: string | null;
  healing: string | null;
  former_secrets: Buffer | null;
  health_checks: Buffer | null;
}

/** Of each service: enough for years of changed passwords, and no more than a mask can look for at no cost. */
const MAX_FORMER_SECRETS = 50;

/** After a job: what it changed. */
export interface JobEffect {
  goodRevision: number | null;
  failure: string | null;
}

export class ServiceTable implements SecretSource {
  readonly #db: Sqlite;
  readonly #box: SecretBox;
  readonly #byId;
  readonly #byName;
  #secretsVersion = 0;

  constructor(db: Sqlite, box: SecretBox) {
    this.#db = db;
    this.#box = box;
    this.#byId = db.prepare<[string], Row>('SELECT * FROM services WHERE id = ?');
    this.#byName = db.prepare<[string], string>('SELECT id FROM services WHERE name = ? ORDER BY id').pluck();
  }

  get secretsVersion(): number {
    return this.#secretsVersion;
  }

  /** What runs may be older than what is wanted: a deploy is under way, or was rolled back. */
  secretsOf(id: string): string[] {
    const row = this.#byId.get(id);
    return row ? [...secretsOf(this.#fromRow(row).spec), ...this.#formerSecrets(row)] : [];
  }

  find(id: string): ServiceRecord | undefined {
    const row = this.#byId.get(id);
    return row && this.#fromRow(row);
  }

  /** Ids of a Compose project's services: more than one only while a removed service and its namesake are under way. */
  idsWithName(name: string): string[] {
    return this.#byName.all(name);
  }

  ids(): string[] {
    return this.#db.prepare<[], string>('SELECT id FROM services ORDER BY id').pluck().all();
  }

  /** Of each what the hello tells, without opening any sealed spec. */
  standings(): { serviceId: string; revision: number | null; isEnabled: boolean }[] {
    const sql = 'SELECT id AS serviceId, good_revision AS revision, enabled FROM services ORDER BY id';
    const rows = this.#db.prepare<[], { serviceId: string; revision: number | null; enabled: number }>(sql).all();
    return rows.map(({ enabled, ...row }) => ({ ...row, isEnabled: enabled === 1 }));
  }

  /** Id and Compose project of each, without opening any sealed spec. */
  names(): { serviceId: string; name: string }[] {
    const sql = 'SELECT id AS serviceId, name FROM services ORDER BY id';
    return this.#db.prepare<[], { serviceId: string; name: string }>(sql).all();
  }

  /** Highest revision known of a service; undefined when it is not known at all. */
  revisionOf(id: string): number | undefined {
    return this.#db.prepare<[string], number>('SELECT revision FROM services WHERE id = ?').pluck().get(id);
  }

  /** Stores what should run. A new deploy takes an earlier tombstone back. */
  put(spec: ServiceSpec): void {
    const current = new Set(secretsOf(spec));
    const former = [...new Set(this.secretsOf(spec.id))].filter((secret) => !current.has(secret));
    const seal = (value: unknown) => this.#box.seal(JSON.stringify(value), spec.id);
    const sql = `INSERT INTO services (id, name, revision, spec, desired) VALUES (?, ?, ?, ?, 'running')
      ON CONFLICT (id) DO UPDATE SET name = excluded.name, revision = excluded.revision, spec = excluded.spec,
        former_secrets = ?, forget_revision = NULL`;
    const kept = former.length === 0 ? null : seal(former.slice(0, MAX_FORMER_SECRETS));
    this.#db.prepare(sql).run(spec.id, spec.name, spec.revision, seal(spec), kept);
    this.#secretsVersion++;
  }

  setDesired(id: string, desired: 'running' | 'stopped'): void {
    this.#db.prepare('UPDATE services SET desired = ? WHERE id = ?').run(desired, id);
  }

  setEffect(id: string, { goodRevision, failure }: JobEffect): void {
    this.#db.prepare('UPDATE services SET good_revision = ?, failure = ? WHERE id = ?').run(goodRevision, failure, id);
  }

  setReport(report: ServiceReport): void {
    this.#db.prepare('UPDATE services SET report = ? WHERE id = ?').run(JSON.stringify(report), report.serviceId);
  }

  /** Those that are asked of its containers now: of the revision that runs, or is being brought up. */
  healthChecksOf(id: string): HealthCheck[] {
    const sealed = this.#byId.get(id)?.health_checks;
    return sealed ? (JSON.parse(this.#box.open(sealed, id)) as HealthCheck[]) : [];
  }

  setHealthChecks(id: string, checks: readonly HealthCheck[]): void {
    const sealed = checks.length === 0 ? null : this.#box.seal(JSON.stringify(checks), id); // a command may hold a secret
    this.#db.prepare('UPDATE services SET health_checks = ? WHERE id = ?').run(sealed, id);
  }

  /** Of those that have health checks of their own. */
  probedIds(): string[] {
    const sql = 'SELECT id FROM services WHERE health_checks IS NOT NULL ORDER BY id';
    return this.#db.prepare<[], string>(sql).pluck().all();
  }

  setDrift(id: string, note: DriftNote): void {
    this.#db.prepare('UPDATE services SET drift = ? WHERE id = ?').run(JSON.stringify(note), id);
  }

  setHealing(id: string, record: HealingRecord): void {
    this.#db.prepare('UPDATE services SET healing = ? WHERE id = ?').run(JSON.stringify(record), id);
  }

  setEnabled(id: string, isEnabled: boolean): void {
    this.#db.prepare('UPDATE services SET enabled = ? WHERE id = ?').run(Number(isEnabled), id);
  }

  /** A tombstone for an older revision than the host has is ignored: the service came back since. */
  markForgotten(id: string, revision: number): void {
    const sql = 'UPDATE services SET forget_revision = ? WHERE id = ? AND revision <= ?';
    this.#db.prepare(sql).run(revision, id, revision);
  }

  remove(id: string): void {
    this.#db.prepare('DELETE FROM services WHERE id = ?').run(id);
    this.#db.prepare('DELETE FROM adopted WHERE service_id = ?').run(id);
  }

  #formerSecrets({ id, former_secrets: sealed }: Row): string[] {
    return sealed === null ? [] : (JSON.parse(this.#box.open(sealed, id)) as string[]);
  }

  #fromRow(row: Row): ServiceRecord {
    return {
      spec: JSON.parse(this.#box.open(row.spec, row.id)) as ServiceSpec,
      desired: row.desired,
      isEnabled: row.enabled === 1,
      goodRevision: row.good_revision,
      failure: row.failure,
      forgetRevision: row.forget_revision,
      report: row.report === null ? null : (JSON.parse(row.report) as ServiceReport),
      drift: row.drift === null ? null : (JSON.parse(row.drift) as DriftNote),
      healing: row.healing === null ? null : (JSON.parse(row.healing) as HealingRecord),
    };
  }
}
