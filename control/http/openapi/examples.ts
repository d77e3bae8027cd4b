// An example for every body, made from the examples and rules of its fields: whoever writes a field's schema writes its
// example once, and each place where the field shows up has it. A test checks each example against its schema.
import { resolveSchema, type JsonSchema, type OpenApi } from './document.ts';

/** Deeper than any body of ours; a schema that refers to itself ends here. */
const MAX_DEPTH = 8;

const BY_FORMAT: Record<string, unknown> = {
  'date-time': '2026-03-29T10:00:00Z',
  cidrv4: '203.0.113.0/24',
  email: 'ada@example.com',
  uri: 'https://example.com',
};

/** Fields that mean the same wherever they show up. */
const BY_NAME: Record<string, string | number> = {
  name: 'my-app',
  service_id: 'svc_abc123',
  customer_id: 'cust_def456',
  customer_name: 'Acme Corp',
  plan_id: 'plan_ghi789',
  host_id: 'host_jkl012',
  job_id: 'job_xyz456',
  deploy_job_id: 'job_xyz456',
  template_id: 'uptime-kuma',
  total: 42,
  page: 1,
  per_page: 20,
};

type Components = Pick<OpenApi, 'components'>;

/** `name` is the field the schema describes, if it is one. */
export function exampleOf(document: Components, schema: JsonSchema, name = '', depth = 0): unknown {
  const own = resolveSchema(document, schema);
  const given = own.example ?? own.examples?.[0] ?? own.const ?? own.default ?? fromName(own, name) ?? own.enum?.[0];
  if (given !== undefined) return given;
  if (depth > MAX_DEPTH) return null;
  const [first] = own.oneOf ?? own.anyOf ?? [];
  if (first) return exampleOf(document, first, name, depth);
  if (own.allOf)
    return Object.assign({}, ...own.allOf.map((part) => exampleOf(document, part, name, depth))) as unknown;
  return byType(document, own, depth);
}

function fromName({ type, enum: values }: JsonSchema, name: string): unknown {
  const known = Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined;
  if (known === undefined || values) return undefined;
  return [type].flat().includes(typeof known === 'number' ? 'integer' : 'string') ? known : undefined;
}

function byType(document: Components, schema: JsonSchema, depth: number): unknown {
  const [type = 'null'] = [schema.type ?? []].flat();
  switch (type) {
    case 'object':
      return ofObject(document, schema, depth);
    case 'array':
      return schema.items ? [exampleOf(document, schema.items, '', depth + 1)] : [];
    case 'integer':
    case 'number':
      return Math.max(schema.minimum ?? 1, 1);
    case 'boolean':
      return true;
    case 'string':
      return BY_FORMAT[schema.format ?? ''] ?? 'text';
    default:
      return null;
  }
}

function ofObject(document: Components, schema: JsonSchema, depth: number): object {
  const { properties = {}, additionalProperties: others } = schema;
  const fields = Object.entries(properties).map(([name, field]) => [name, exampleOf(document, field, name, depth + 1)]);
  const isMap = fields.length === 0 && typeof others === 'object' && Object.keys(others).length > 0;
  if (isMap) return { NAME: exampleOf(document, others, '', depth + 1) };
  return Object.fromEntries(fields) as object;
}
