// A schema as rows of a table: one for each field, indented by depth. Pure.
import { resolveSchema, type JsonSchema, type OpenApi } from '../openapi/document.ts';

export interface FieldRow {
  depth: number;
  name: string;
  type: string;
  isRequired: boolean;
  note: string;
}

/** Deeper than any body of ours. */
const MAX_DEPTH = 8;

/** The first row is the schema itself, without a name. */
export function describeSchema(document: Pick<OpenApi, 'components'>, schema: JsonSchema): FieldRow[] {
  const own = resolveSchema(document, schema);
  const top = { depth: 0, name: '', type: typeOf(document, own), isRequired: true, note: noteOf(own) };
  return [top, ...fieldsOf(document, own, 0)];
}

function fieldsOf(document: Pick<OpenApi, 'components'>, schema: JsonSchema, depth: number): FieldRow[] {
  if (depth > MAX_DEPTH) return [];
  const own = resolveSchema(document, schema);
  if (own.items) return fieldsOf(document, own.items, depth);
  const variants = [...(own.oneOf ?? []), ...(own.anyOf ?? []), ...(own.allOf ?? [])];
  if (variants.length > 0) return variants.flatMap((variant) => fieldsOf(document, variant, depth));
  return Object.entries(own.properties ?? {}).flatMap(([name, field]) => {
    const inner = resolveSchema(document, field);
    const isRequired = own.required?.includes(name) ?? false;
    const row = { depth, name, type: typeOf(document, inner), isRequired, note: noteOf({ ...inner, ...field }) };
    return [row, ...fieldsOf(document, inner, depth + 1)];
  });
}

function typeOf(document: Pick<OpenApi, 'components'>, schema: JsonSchema): string {
  const variants = schema.oneOf ?? schema.anyOf;
  if (variants) {
    const types = variants.map((variant) => typeOf(document, resolveSchema(document, variant)));
    return [...new Set(types)].join(' | ');
  }
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.items) return `list of ${typeOf(document, resolveSchema(document, schema.items))}`;
  if (typeof schema.additionalProperties === 'object') return 'map';
  return [schema.type ?? 'any'].flat().join(' | ');
}

function noteOf({ description, default: preset, format, pattern, minimum, maximum }: JsonSchema): string {
  const notes = [
    description,
    preset === undefined ? undefined : `default ${JSON.stringify(preset)}`,
    format,
    format === undefined && pattern !== undefined ? `matches ${pattern}` : undefined,
    minimum === undefined ? undefined : `≥ ${minimum}`,
    maximum === undefined ? undefined : `≤ ${maximum}`,
  ];
  return notes.filter((note) => note !== undefined).join('; ');
}
