// One page of a list. Conditions and sort columns are constants of the stores; what a user sent is only ever a bound
// value, so nothing from outside becomes SQL text.
import type { Database, SqlParams, SqlValue } from '../db/database.ts';

export interface Paged<T> {
  items: T[];
  total: number;
}

export interface PageRequest {
  page: number;
  perPage: number;
}

/** A condition that counts only when its value is given. */
export type Condition = readonly [sql: string, params: Record<string, SqlValue | undefined>];

export interface Listing {
  table: string;
  conditions: readonly Condition[];
  /** A constant of the store. */
  orderBy: string;
  /** A constant of the store as well; all of them unless given. */
  columns?: string;
}

export interface Selection {
  where: string;
  params: SqlParams;
}

/** Joins the conditions whose values are all given. */
export function selectBy(conditions: readonly Condition[]): Selection {
  const given = conditions.filter(([, params]) => Object.values(params).every((value) => value !== undefined));
  const where = given.length === 0 ? '' : `WHERE ${given.map(([sql]) => sql).join(' AND ')}`;
  return { where, params: Object.assign({}, ...given.map(([, params]) => params)) as SqlParams };
}

export function countRows(db: Database, table: string, { where, params }: Selection): number {
  return db.get<{ total: number }>(`SELECT count(*) AS total FROM ${table} ${where}`, params)?.total ?? 0;
}

export function selectRows<Row>(
  db: Database,
  { table, orderBy, columns = '*' }: Listing,
  { where, params }: Selection,
  { page, perPage }: PageRequest,
): Row[] {
  return db.all<Row>(`SELECT ${columns} FROM ${table} ${where} ORDER BY ${orderBy} LIMIT :limit OFFSET :offset`, {
    ...params,
    limit: perPage,
    offset: (page - 1) * perPage,
  });
}

/** `column`: a constant of the store. Ties go by id, so that pages never overlap. */
export function orderBy(column: string, order: 'asc' | 'desc'): string {
  const direction = order === 'asc' ? 'ASC' : 'DESC';
  return `${column} ${direction}, id ${direction}`;
}

/** Rows and total in one go, for tables that stay small enough to count. */
export function selectPage<Row>(db: Database, listing: Listing, request: PageRequest): Paged<Row> {
  const selection = selectBy(listing.conditions);
  return {
    items: selectRows<Row>(db, listing, selection, request),
    total: countRows(db, listing.table, selection),
  };
}

/** For `LIKE :x ESCAPE '\'`: the text anywhere, its own wildcards taken literally. */
export const likeAnywhere = (text: string | undefined): string | undefined =>
  text === undefined || text === '' ? undefined : `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;

/** For `column IN (SELECT value FROM json_each(:x))`. */
export const asJsonList = (values: readonly string[] | null): string | undefined =>
  values === null ? undefined : JSON.stringify(values);

/** Rows whose `host_labels` hold all of `:hostLabels`; the table is a constant of the store. */
export const hasLabelsSql = (table: string, column = 'host_labels'): string => `NOT EXISTS (
  SELECT 1 FROM json_each(:hostLabels) AS wanted WHERE NOT EXISTS (
    SELECT 1 FROM json_each(${table}.${column}) AS own WHERE own.key = wanted.key AND own.value = wanted.value))`;

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the column says what it holds
export const parseJson = <T>(text: string | null): T | null => (text === null ? null : (JSON.parse(text) as T));
export const toJson = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));
/** A column of SQLite; null where it is not known. */
export const toBit = (value: boolean | null | undefined): number | null =>
  typeof value === 'boolean' ? Number(value) : null;
