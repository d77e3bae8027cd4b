// Sessions of people by the hash of their secret. The ID token is sealed and opened only for a logout.
import type { SecretBox } from '#shared/secrets.ts';
import type { Database } from '../db/database.ts';
import { orderBy, selectPage, type Paged, type PageRequest } from './page.ts';
import type { SessionRecord } from './access-records.ts';

interface SessionRow {
  id: string;
  secret_hash: string;
  issuer: string;
  subject: string;
  name: string;
  email: string | null;
  permissions: string;
  customer_id: string | null;
  address: string;
  user_agent: string | null;
  created_at: number;
  expires_at: number;
  last_used_at: number;
}

export type Person = Pick<SessionRecord, 'issuer' | 'subject'>;

/** Whose sessions; what is left out does not count. */
export interface SessionFilter {
  person?: Person | undefined;
  customerId?: string | undefined;
  /** By age; the newest first unless asked otherwise. */
  order?: 'asc' | 'desc' | undefined;
}

export class SessionStore {
  readonly #db: Database;
  readonly #box: SecretBox;

  constructor(db: Database, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  insert(session: SessionRecord, idToken: string): void {
    this.#db.run(
      `INSERT INTO sessions (id, secret_hash, issuer, subject, name, email, permissions, customer_id, sealed, address,
         user_agent, created_at, expires_at, last_used_at)
       VALUES (:id, :secretHash, :issuer, :subject, :name, :email, :permissions, :customerId, :sealed, :address,
         :userAgent, :createdAt, :expiresAt, :lastUsedAt)`,
      {
        ...session,
        permissions: JSON.stringify(session.permissions),
        sealed: this.#box.seal(idToken, contextOf(session.id)),
      },
    );
  }

  find(id: string): SessionRecord | undefined {
    const row = this.#db.get<SessionRow>('SELECT * FROM sessions WHERE id = :id', { id });
    return row && toSession(row);
  }

  findByHash(secretHash: string): SessionRecord | undefined {
    const row = this.#db.get<SessionRow>('SELECT * FROM sessions WHERE secret_hash = :secretHash', { secretHash });
    return row && toSession(row);
  }

  findIdToken(id: string): string | undefined {
    const row = this.#db.get<{ sealed: Buffer }>('SELECT sealed FROM sessions WHERE id = :id', { id });
    return row && this.#box.open(row.sealed, contextOf(id));
  }

  /** The newest first. */
  list({ person, customerId, order, ...request }: PageRequest & SessionFilter): Paged<SessionRecord> {
    const { items, total } = selectPage<SessionRow>(
      this.#db,
      {
        table: 'sessions',
        conditions: [
          ['issuer = :issuer AND subject = :subject', { issuer: person?.issuer, subject: person?.subject }],
          ['customer_id = :customerId', { customerId }],
        ],
        orderBy: orderBy('created_at', order ?? 'desc'),
      },
      request,
    );
    return { items: items.map(toSession), total };
  }

  ofPerson({ issuer, subject }: Person): SessionRecord[] {
    const sql = 'SELECT * FROM sessions WHERE issuer = :issuer AND subject = :subject';
    return this.#db.all<SessionRow>(sql, { issuer, subject }).map(toSession);
  }

  ofCustomer(customerId: string): SessionRecord[] {
    return this.#db
      .all<SessionRow>('SELECT * FROM sessions WHERE customer_id = :customerId', { customerId })
      .map(toSession);
  }

  remove(id: string): boolean {
    return this.#db.run('DELETE FROM sessions WHERE id = :id', { id }) > 0;
  }

  setUsed(id: string, at: number): void {
    this.#db.run('UPDATE sessions SET last_used_at = :at WHERE id = :id', { id, at });
  }

  /** Sessions past their end at `now`, and those not used since `usedUntil` as far as is written down. */
  overdue(now: number, usedUntil: number): SessionRecord[] {
    return this.#db
      .all<SessionRow>('SELECT * FROM sessions WHERE expires_at <= :now OR last_used_at <= :usedUntil', {
        now,
        usedUntil,
      })
      .map(toSession);
  }
}

const contextOf = (id: string): string => `session:${id}`;

function toSession(row: SessionRow): SessionRecord {
  return {
    id: row.id,
    secretHash: row.secret_hash,
    issuer: row.issuer,
    subject: row.subject,
    name: row.name,
    email: row.email,
    permissions: JSON.parse(row.permissions) as string[],
    customerId: row.customer_id,
    address: row.address,
    userAgent: row.user_agent,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  };
}
