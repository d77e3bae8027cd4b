// The panel API's documents as data: each request they print with the answer they show, and whether a real answer is of
// that shape. A documented field must be there with the type it is shown with; fields beyond it are welcome.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export interface DocumentedRequest {
  name: string;
  /** A `curl` command as printed. */
  request: string;
  status: number;
  answer: unknown;
  /** Paths of fields whose value is as shown, not only its type. */
  exact?: string[];
}

const FILE = fileURLToPath(new URL('../fixtures/adminpanel/requests.yaml', import.meta.url));

export const documentedRequests = (): DocumentedRequest[] => parse(readFileSync(FILE, 'utf8')) as DocumentedRequest[];

/** Where a real answer is not of the documented shape; `nullable` names paths that may be null although shown filled. */
export function shapeFaults(shown: unknown, real: unknown, nullable: readonly string[] = [], path = ''): string[] {
  if (real === null && nullable.includes(path)) return [];
  if (kindOf(shown) !== kindOf(real)) return [`${path || 'body'} is ${kindOf(real)}, documented as ${kindOf(shown)}`];
  if (Array.isArray(shown)) {
    const [item] = shown as unknown[];
    const items = item === undefined ? [] : (real as unknown[]);
    return items.flatMap((each) => shapeFaults(item, each, nullable, `${path}[]`));
  }
  if (typeof shown === 'object' && shown !== null) {
    const fields = real as Record<string, unknown>;
    return Object.entries(shown).flatMap(([name, value]) =>
      Object.hasOwn(fields, name)
        ? shapeFaults(value, fields[name], nullable, path ? `${path}.${name}` : name)
        : [`${path ? `${path}.` : ''}${name} is missing`],
    );
  }
  return isTimestamp(shown) && !isTimestamp(real) ? [`${path} is no RFC 3339 time in UTC: ${String(real)}`] : [];
}

const kindOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

const isTimestamp = (value: unknown): boolean =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value);

/** The value at `error.code`. */
export const valueAt = (body: unknown, path: string): unknown =>
  path.split('.').reduce((value: unknown, name) => (value as Record<string, unknown> | null)?.[name], body);
