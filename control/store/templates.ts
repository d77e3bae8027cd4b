// Users' own templates. Lists get what they sort and search by; the documents are read one by one.
import type { Database } from '../db/database.ts';
import type { TemplateRecord } from './customer-records.ts';

interface TemplateRow {
  id: string;
  customer_id: string | null;
  name: string;
  tagline: string;
  category: string;
  version: number;
  is_imported: number;
  document: string;
  created_at: number;
  updated_at: number;
}

const ENTRY_COLUMNS = 'id, customer_id, name, tagline, category, version, is_imported, created_at, updated_at';
/** Null sees all; a customer its own and those for everybody. */
const VISIBLE = '(:customerId IS NULL OR customer_id IS NULL OR customer_id = :customerId)';

export class TemplateStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  insert(template: TemplateRecord): void {
    this.#db.run(
      `INSERT INTO templates (id, customer_id, name, tagline, category, version, is_imported, document, created_at,
         updated_at)
       VALUES (:id, :customerId, :name, :tagline, :category, :version, :isImported, :document, :createdAt, :updatedAt)`,
      { ...template, isImported: Number(template.isImported) },
    );
  }

  update({ customerId: _c, createdAt: _a, ...template }: TemplateRecord): void {
    this.#db.run(
      `UPDATE templates SET name = :name, tagline = :tagline, category = :category, version = :version,
         is_imported = :isImported, document = :document, updated_at = :updatedAt
       WHERE id = :id`,
      { ...template, isImported: Number(template.isImported) },
    );
  }

  find(id: string): TemplateRecord | undefined {
    const row = this.#db.get<TemplateRow>('SELECT * FROM templates WHERE id = :id', { id });
    return row && { ...toEntry(row), document: row.document };
  }

  /** Bounded by how many a customer may have. */
  entries(customerId: string | null): Omit<TemplateRecord, 'document'>[] {
    const sql = `SELECT ${ENTRY_COLUMNS} FROM templates WHERE ${VISIBLE}`;
    return this.#db.all<Omit<TemplateRow, 'document'>>(sql, { customerId }).map(toEntry);
  }

  /** Of those of one customer, or of those for everybody. */
  size(customerId: string | null): { total: number; bytes: number } {
    const sql = `SELECT count(*) AS total, coalesce(sum(octet_length(document)), 0) AS bytes FROM templates
      WHERE customer_id IS :customerId`;
    return this.#db.get(sql, { customerId }) ?? { total: 0, bytes: 0 };
  }

  remove(id: string): boolean {
    return this.#db.run('DELETE FROM templates WHERE id = :id', { id }) > 0;
  }
}

const toEntry = (row: Omit<TemplateRow, 'document'>): Omit<TemplateRecord, 'document'> => ({
  id: row.id,
  customerId: row.customer_id,
  name: row.name,
  tagline: row.tagline,
  category: row.category,
  version: row.version,
  isImported: row.is_imported === 1,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});
