// Which rows of the outbox make room, each time the first that free so many bytes together, or all there are. Changes
// nothing; outbox.ts says when and in which order.
import { LOCAL_CAUSE } from '#shared/local.ts';
import type { Sqlite } from '#shared/sqlite.ts';
import { THINNED, type Dropped, type Row } from './outbox-row.ts';

const TOLD = 'SELECT * FROM outbox WHERE seq <= ? ORDER BY seq';
const OLDEST = 'SELECT * FROM outbox WHERE kind = ? ORDER BY seq';
const NEWEST = 'SELECT * FROM outbox WHERE kind = ? ORDER BY seq DESC';
const OWN_DOINGS = `
  WITH given AS (
    SELECT seq, bytes, body ->> '$.job.jobId' AS id FROM outbox WHERE seq > @acked AND kind = 'job.local'
      AND body ->> '$.job.kind' <> 'backup' AND body ->> '$.job.cause' <> '${LOCAL_CAUSE}'),
  ended AS (
    SELECT seq, bytes, body ->> '$.result.jobId' AS id FROM outbox WHERE seq > @acked AND kind = 'job.finished')
  SELECT ended.seq, given.seq AS givenSeq, given.bytes + ended.bytes AS bytes FROM ended JOIN given USING (id)
  UNION ALL SELECT seq, NULL, bytes FROM outbox WHERE kind = '${THINNED}'
  ORDER BY 1 DESC`;

interface OwnDoing {
  seq: number;
  /** Of a job, where it was told to begin; null for a run. */
  givenSeq: number | null;
  bytes: number;
}

export class OutboxRoom {
  readonly #db: Sqlite;

  constructor(db: Sqlite) {
    this.#db = db;
  }

  /** What control has, the oldest first. */
  told(acked: number, freeBytes: number): Row[] {
    return this.#take<Row>(TOLD, acked, freeBytes);
  }

  /** The oldest first. */
  steps(freeBytes: number): Row[] {
    return this.#take<Row>(OLDEST, 'job.step', freeBytes);
  }

  /** The oldest first, as if all of each were freed: they only lose what their programs said, and are another kind then. */
  runsWithOutput(freeBytes: number): Row[] {
    return this.#take<Row>(OLDEST, 'schedule.run', freeBytes);
  }

  /** The newest first. */
  serviceEvents(freeBytes: number): Row[] {
    return this.#take<Row>(NEWEST, 'service.event', freeBytes);
  }

  /**
   * Runs without output, and beginnings and ends of jobs of schedules of which control has heard nothing, the newest
   * first. A job goes as a whole: with an end alone control could do nothing. Not that of a backup, which nobody could
   * name any more.
   */
  ownDoings(acked: number, freeBytes: number): Dropped[] {
    return this.#take<OwnDoing>(OWN_DOINGS, { acked }, freeBytes).flatMap(({ seq, givenSeq }) =>
      givenSeq === null
        ? [{ seq, first: seq, kind: THINNED }]
        : [
            { seq: givenSeq, first: givenSeq, kind: 'job.local' },
            { seq, first: seq, kind: 'job.finished' },
          ],
    );
  }

  #take<T extends { bytes: number }>(sql: string, value: string | number | { acked: number }, freeBytes: number): T[] {
    const taken: T[] = [];
    if (freeBytes <= 0) return taken;
    let bytes = 0;
    for (const row of this.#db.prepare<[typeof value], T>(sql).iterate(value)) {
      taken.push(row);
      bytes += row.bytes;
      if (bytes >= freeBytes) break;
    }
    return taken;
  }
}
