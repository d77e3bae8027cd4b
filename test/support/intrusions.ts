// A body with a field that its schema does not know, once for each object in it.
import { resolveSchema, type JsonSchema, type OpenApi } from '../../control/http/openapi/document.ts';

const STRANGER = 'no_such_field';

export interface Intrusion {
  body: unknown;
  /** Where the stranger stands: `placement.no_such_field`. */
  field: string;
}

/** `example`: a value that fits the schema. */
export function* intrusions(
  document: Pick<OpenApi, 'components'>,
  schema: JsonSchema,
  example: unknown,
  path = '',
): Generator<Intrusion> {
  const own = bodyOf(resolveSchema(document, schema));
  const { properties } = resolveSchema(document, own);
  if (!properties || typeof example !== 'object' || example === null) return;
  yield { body: { ...example, [STRANGER]: 1 }, field: path + STRANGER };
  for (const [name, value] of Object.entries(example)) {
    const inner = properties[name];
    if (!inner) continue;
    for (const { body, field } of intrusions(document, inner, value, `${path}${name}.`))
      yield { body: { ...example, [name]: body }, field };
  }
}

/** Of a body that may be absent, the form it has when it is there. */
const bodyOf = (schema: JsonSchema): JsonSchema => schema.anyOf?.find(({ type }) => type !== 'null') ?? schema;
