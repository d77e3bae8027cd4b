// What hosts say of newer images, and which of those a service is not to take by itself.
import type { ImageCheck } from '#shared/image-updates.ts';
import type { Database } from '../db/database.ts';

/** Image as the compose file names it → digest. */
export type Digests = Record<string, string>;

export interface ImageUpdatesRecord {
  serviceId: string;
  images: ImageCheck[];
  checkedAt: number;
  /** Newest digests that the timeline has a line about. */
  told: Digests;
  /** Tried already, or left behind by a rollback. */
  held: Digests;
  /** The deploy that had them; null before the first. */
  heldRevision: number | null;
}

interface Row {
  service_id: string;
  images: string;
  checked_at: number;
  told: string;
  held: string;
  held_revision: number | null;
}

export class ImageUpdateStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  find(serviceId: string): ImageUpdatesRecord | undefined {
    const row = this.#db.get<Row>('SELECT * FROM service_updates WHERE service_id = :serviceId', { serviceId });
    return row && toRecord(row);
  }

  put({ serviceId, images, checkedAt, told }: Omit<ImageUpdatesRecord, 'held' | 'heldRevision'>): void {
    this.#db.run(
      `INSERT INTO service_updates (service_id, images, checked_at, told)
       VALUES (:serviceId, :images, :checkedAt, :told)
       ON CONFLICT (service_id) DO UPDATE SET images = excluded.images, checked_at = excluded.checked_at,
         told = excluded.told`,
      { serviceId, checkedAt, images: JSON.stringify(images), told: JSON.stringify(told) },
    );
  }

  hold(serviceId: string, held: Digests, heldRevision: number): void {
    this.#db.run(
      'UPDATE service_updates SET held = :held, held_revision = :heldRevision WHERE service_id = :serviceId',
      { serviceId, heldRevision, held: JSON.stringify(held) },
    );
  }
}

const toRecord = (row: Row): ImageUpdatesRecord => ({
  serviceId: row.service_id,
  images: JSON.parse(row.images) as ImageCheck[],
  checkedAt: row.checked_at,
  told: JSON.parse(row.told) as Digests,
  held: JSON.parse(row.held) as Digests,
  heldRevision: row.held_revision,
});
