// An example for every body, made from the examples and rules of its fields: whoever writes a field's schema writes its
// example once, and each place where the field shows up has it. A test checks each example against its schema.
import { JSON_TYPE, resolveSchema, type JsonSchema, type Media, type OpenApi, type Operation } from './document.ts';
import { ERROR_SCHEMA } from './refusals.ts';

/** Deeper than any body of ours; a schema that refers to itself ends here. */
const MAX_DEPTH = 8;

const BY_FORMAT: Record<string, unknown> = {
  'date-time': '2026-03-29T10:00:00Z',
  cidrv4: '203.0.113.0/24',
  email: 'ada@example.com',
  uri: 'https://example.com',
};

/** Fields that mean the same wherever they show up. */
const BY_NAME: Record<string, string | number | object> = {
  name: 'my-app',
  service_id: 'svc_abc123',
  service_name: 'my-app',
  customer_id: 'cust_def456',
  customer_name: 'Acme Corp',
  plan_id: 'plan_ghi789',
  host_id: 'host_jkl012',
  job_id: 'job_xyz456',
  set_id: 'set_abc123',
  rollout_id: 'rol_abc123',
  deploy_job_id: 'job_xyz456',
  template_id: 'uptime-kuma',
  webhook_id: 'whk_abc123',
  labels: { tier: 'web' },
  variables: { SERVICE_NAME: 'my-app' },
  compose: 'services:\n  web:\n    image: nginx:1.28.0-alpine\n',
  service: 'web',
  message: 'Deployed from template uptime-kuma',
  reason: 'The image has changed',
  email: 'ada@example.com',
  url: 'https://example.com',
  total: 42,
  page: 1,
  per_page: 20,
};

type Components = Pick<OpenApi, 'components'>;

/** What a field holds when nobody has given an example of it. */
const FILLER = 'text';

export function addExamples(document: OpenApi, { requestBody, responses }: Operation): void {
  const contents = [requestBody?.content, ...Object.values(responses).map((answer) => answer.content)];
  for (const content of contents) {
    const media = content?.[JSON_TYPE];
    if (media?.schema && media.schema.$ref !== ERROR_SCHEMA.$ref) addExample(document, media, media.schema);
  }
}

/** A body of several forms has an example of each, by the value that tells them apart. */
function addExample(document: OpenApi, media: Media, schema: JsonSchema): void {
  const variants = schema.oneOf?.map((variant) => resolveSchema(document, variant)) ?? [];
  const named = variants.map((variant) => [tellingValue(variant), { value: exampleOf(document, variant) }] as const);
  if (named.length > 0 && named.every(([name]) => name !== undefined)) media.examples = Object.fromEntries(named);
  else media.example ??= exampleOf(document, schema);
}

const tellingValue = ({ properties = {} }: JsonSchema): string | undefined => {
  const values = Object.values(properties).map((field) => field.const ?? (field.enum?.length === 1 && field.enum[0]));
  return values.find((value) => typeof value === 'string');
};

/** `name` is the field the schema describes, if it is one. */
export function exampleOf(document: Components, schema: JsonSchema, name = '', depth = 0): unknown {
  const own = resolveSchema(document, schema);
  const given = givenExample(own, name);
  if (given !== undefined) return given;
  if (depth > MAX_DEPTH) return null;
  const variants = own.oneOf ?? own.anyOf ?? [];
  if (variants.length > 0) return ofVariants(document, variants, name, depth);
  if (own.allOf)
    return Object.assign({}, ...own.allOf.map((part) => exampleOf(document, part, name, depth))) as unknown;
  return byType(document, own, depth);
}

/** Null may be the example of a field that is often null. */
function givenExample(own: JsonSchema, name: string): unknown {
  if (own.example !== undefined) return own.example;
  return own.examples?.[0] ?? own.const ?? own.default ?? fromName(own, name) ?? own.enum?.[0];
}

/** The first; but null rather than a filler. */
function ofVariants(document: Components, variants: JsonSchema[], name: string, depth: number): unknown {
  const [first = {}] = variants;
  const example = exampleOf(document, first, name, depth);
  return example === FILLER && variants.some(({ type }) => type === 'null') ? null : example;
}

function fromName({ type, anyOf, enum: values }: JsonSchema, name: string): unknown {
  const known = Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined;
  if (known === undefined || values) return undefined;
  const types = [type, ...(anyOf ?? []).map((variant) => variant.type)].flat();
  return types.includes(typeof known === 'number' ? 'integer' : typeof known) ? known : undefined;
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
      return BY_FORMAT[schema.format ?? ''] ?? (schema.type === 'string' ? FILLER : null);
    default:
      return null;
  }
}

function ofObject(document: Components, schema: JsonSchema, depth: number): object {
  const { properties = {}, required = [], additionalProperties: others } = schema;
  const fields = Object.entries(properties)
    .map(([name, field]) => [name, exampleOf(document, field, name, depth + 1)] as const)
    .filter(([name, example]) => example !== FILLER || required.includes(name));
  const isMap = Object.keys(properties).length === 0 && typeof others === 'object' && Object.keys(others).length > 0;
  if (isMap) return { NAME: exampleOf(document, others, '', depth + 1) };
  return Object.fromEntries(fields);
}
