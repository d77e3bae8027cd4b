// Commands a host has not acknowledged, in the order of its sequence; sealed, because an offer carries variables.
//
//   hosts.acked_seq < commands.seq ≤ hosts.command_seq, without a hole.
import type { CommandBody } from '#shared/protocol/schema.ts';
import type { SecretBox } from '#shared/secrets.ts';
import type { Database } from '../db/database.ts';

export interface StoredCommand {
  seq: number;
  /** The job whose end a refusal of this command is. */
  jobId: string | null;
  body: CommandBody;
}

export class CommandStore {
  readonly #db: Database;
  readonly #box: SecretBox;

  constructor(db: Database, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  /** Takes the host's next number. Call inside a write. */
  append(hostId: string, body: CommandBody): number {
    const sql = 'UPDATE hosts SET command_seq = command_seq + 1 WHERE id = :hostId RETURNING command_seq AS seq';
    const seq = this.#db.get<{ seq: number }>(sql, { hostId })?.seq ?? 0;
    this.#db.run('INSERT INTO commands (host_id, seq, job_id, sealed) VALUES (:hostId, :seq, :jobId, :sealed)', {
      hostId,
      seq,
      jobId: body.kind === 'job.offer' ? body.offer.jobId : null,
      sealed: this.#box.seal(JSON.stringify(body), `command:${hostId}`),
    });
    return seq;
  }

  /** Puts another command in the place of an offer that was never sent. False when there is none any more. */
  replaceOffer(hostId: string, jobId: string, body: CommandBody): boolean {
    const sealed = this.#box.seal(JSON.stringify(body), `command:${hostId}`);
    const sql = 'UPDATE commands SET sealed = :sealed, job_id = NULL WHERE host_id = :hostId AND job_id = :jobId';
    return this.#db.run(sql, { hostId, jobId, sealed }) > 0;
  }

  /** What comes after `afterSeq`, at most `limit` of them. */
  pending(hostId: string, afterSeq: number, limit: number): StoredCommand[] {
    return this.#db
      .all<{ seq: number; job_id: string | null; sealed: Buffer }>(
        'SELECT seq, job_id, sealed FROM commands WHERE host_id = :hostId AND seq > :afterSeq ORDER BY seq LIMIT :limit',
        { hostId, afterSeq, limit },
      )
      .map(({ seq, job_id, sealed }) => ({
        seq,
        jobId: job_id,
        body: JSON.parse(this.#box.open(sealed, `command:${hostId}`)) as CommandBody,
      }));
  }

  /** Forgets what the host has on disk. Returns the jobs that were offered by it. */
  ack(hostId: string, seq: number): string[] {
    const jobs = this.#db.all<{ job_id: string }>(
      'SELECT job_id FROM commands WHERE host_id = :hostId AND seq <= :seq AND job_id IS NOT NULL ORDER BY seq',
      { hostId, seq },
    );
    this.#db.run('DELETE FROM commands WHERE host_id = :hostId AND seq <= :seq', { hostId, seq });
    this.#db.run('UPDATE hosts SET acked_seq = :seq WHERE id = :hostId AND acked_seq < :seq', { hostId, seq });
    return jobs.map(({ job_id }) => job_id);
  }

  /** Hosts that something waits for. */
  hostsWithPending(): string[] {
    return this.#db.all<{ host_id: string }>('SELECT DISTINCT host_id FROM commands').map(({ host_id }) => host_id);
  }

  /** Moves what is pending so that it follows `ackedSeq`, in the same order. Returns the last number. */
  renumber(hostId: string, ackedSeq: number): number {
    const pending = this.#db.all<{ seq: number }>('SELECT seq FROM commands WHERE host_id = :hostId ORDER BY seq', {
      hostId,
    });
    // Through negative numbers: moving up or down must not meet a neighbour.
    const move = (from: number, to: number) =>
      this.#db.run('UPDATE commands SET seq = :to WHERE host_id = :hostId AND seq = :from', { hostId, from, to });
    for (const [i, { seq }] of pending.entries()) move(seq, -(i + 1));
    for (const i of pending.keys()) move(-(i + 1), ackedSeq + i + 1);
    return ackedSeq + pending.length;
  }

  /** Nothing is sent to a revoked host any more. */
  removeAll(hostId: string): void {
    this.#db.run('DELETE FROM commands WHERE host_id = :hostId', { hostId });
    this.#db.run('UPDATE hosts SET acked_seq = command_seq WHERE id = :hostId', { hostId });
  }
}
