// Reviews of services: whether they are wanted, what waits, and which job carries out what was approved. The proposals
// themselves are on the hosts.
import type { ProposalMark, PullPolicy } from '#shared/jobs.ts';
import type { Database } from '../db/database.ts';
import { parseJson, toJson } from './page.ts';

export interface WaitingMark extends ProposalMark {
  jobId: string;
  /** Of the deploy that was asked for. */
  pull: PullPolicy | null;
  madeAt: number;
}

interface Row {
  is_wanted: number;
  proposal: string | null;
}

export class ReviewStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  isWanted(serviceId: string): boolean {
    return this.#find(serviceId)?.is_wanted === 1;
  }

  setWanted(serviceId: string, isWanted: boolean): void {
    this.#put(serviceId, 'is_wanted', Number(isWanted));
  }

  /** Null: nothing waits. */
  findWaiting(serviceId: string): WaitingMark | null {
    return parseJson<WaitingMark>(this.#find(serviceId)?.proposal ?? null);
  }

  setWaiting(serviceId: string, proposal: WaitingMark | null): void {
    this.#put(serviceId, 'proposal', toJson(proposal));
  }

  /** It waits no more: this job deploys it. */
  approve(serviceId: string, proposalId: string, jobId: string): void {
    this.#db.run(
      `UPDATE reviews SET proposal = NULL, approved_id = :proposalId, approved_job = :jobId
       WHERE service_id = :serviceId`,
      { serviceId, proposalId, jobId },
    );
  }

  /** The proposal that a job carries out. */
  findApproved(jobId: string, serviceId: string): string | undefined {
    const sql = 'SELECT approved_id AS id FROM reviews WHERE service_id = :serviceId AND approved_job = :jobId';
    return this.#db.get<{ id: string }>(sql, { serviceId, jobId })?.id;
  }

  #find(serviceId: string): Row | undefined {
    return this.#db.get<Row>('SELECT is_wanted, proposal FROM reviews WHERE service_id = :serviceId', { serviceId });
  }

  #put(serviceId: string, column: 'is_wanted' | 'proposal', value: number | string | null): void {
    this.#db.run(
      `INSERT INTO reviews (service_id, ${column}) VALUES (:serviceId, :value)
       ON CONFLICT (service_id) DO UPDATE SET ${column} = excluded.${column}`,
      { serviceId, value },
    );
  }
}
