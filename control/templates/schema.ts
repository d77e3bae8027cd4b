// What a template may say: `template.yaml`, `compose.yaml` and the files it names, as a folder of the catalogue or as a
// user sends them. Strict on purpose: a misspelt or not yet supported key is refused instead of silently doing nothing.
import { z } from 'zod';
import { COMPOSE_LIMITS } from '#shared/compose/parse.ts';
import { isPattern } from './match-pattern.ts';

export const CATEGORIES = [
  'ai',
  'analytics',
  'automation',
  'cms',
  'communication',
  'database',
  'development',
  'files',
  'finance',
  'games',
  'home',
  'media',
  'monitoring',
  'networking',
  'other',
  'productivity',
  'security',
  'web',
] as const;

export const VARIABLE_TYPES = [
  'string',
  'text',
  'password',
  'integer',
  'number',
  'boolean',
  'enum',
  'email',
  'url',
  'host',
  'ip',
  'port',
  'timezone',
] as const;
export type VariableType = (typeof VARIABLE_TYPES)[number];

export const GENERATOR_KINDS = [
  'alnum',
  'lower',
  'hex',
  'base64',
  'base64url',
  'password',
  'uuid',
  'username',
  'port',
  'timestamp',
  'jwt',
] as const;

/** Formats of other systems that control/templates/import reads, and our own. */
export const IMPORT_FORMATS = ['longshore', 'portainer', 'caprover', 'dokploy', 'coolify', 'runtipi'] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

/** `GET /api/templates/:id` puts it into a URL, and it is the folder's name. */
const templateId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);

/** Names that would steer Compose, Docker or the loader instead of the app when they reach `.env`. */
const RESERVED_NAME = /^(COMPOSE|DOCKER|LD|LONGSHORE|BUILDKIT|BUILDX)_|^(PATH|HOME|PWD|IFS)$/;
const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/)
  .refine((name) => !RESERVED_NAME.test(name), 'is a name that Compose or Docker reads itself');

export const isVariableName = (text: string): boolean => variableName.safeParse(text).success;

/** What the host itself keeps in the service's folder. */
const OWN_NAMES = /^(compose\.yaml|override\.yaml|rendered\.json|revisions|repo)(\/|$)/;
/** A path inside the service's folder: relative, no `..`, no dot file (`.env` is the host's, too). */
const filePath = z
  .string()
  .max(255)
  .regex(/^[A-Za-z0-9_][\w.-]*(\/[A-Za-z0-9_][\w.-]*)*$/)
  .refine((path) => !OWN_NAMES.test(path), "is a name the service's folder keeps for itself");

export const isFilePath = (text: string): boolean => filePath.safeParse(text).success;

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);

/** A certificate fits; what a default refers to may make its value longer. */
const MAX_DEFAULT_CHARS = 8192;

const PATTERN_RULE = 'is no regular expression, or one too long, or one that looks around or back';

const claim = z.union([z.string().max(500), z.number(), z.boolean()]);

const generate = z
  .strictObject({
    kind: z.enum(GENERATOR_KINDS),
    /** Characters of alnum, lower, hex, password, username. */
    chars: z.int().min(1).max(256).optional(),
    /** Random bytes behind base64 and base64url. */
    bytes: z.int().min(1).max(256).optional(),
    /** Adds `-_.!*` to a password. */
    symbols: z.boolean().optional(),
    /** How a timestamp is written: RFC 3339, or seconds or milliseconds since the epoch. */
    unit: z.enum(['iso', 's', 'ms']).optional(),
    /** The variable, declared above, whose value signs a jwt (HS256), and what the token says beside its `iat`. */
    from: variableName.optional(),
    claims: z.record(z.string().max(100), claim).optional(),
  })
  .refine(({ kind, from }) => (kind === 'jwt') === (from !== undefined), 'from goes with the kind "jwt"');
export type Generate = z.infer<typeof generate>;

const variable = z
  .strictObject({
    name: variableName,
    label: z.string().max(80),
    help: z.string().max(500).optional(),
    type: z.enum(VARIABLE_TYPES).default('string'),
    required: z.boolean().default(false),
    /** May hold `${OTHER}`: the value of a variable declared above. */
    default: scalar.pipe(z.string().max(MAX_DEFAULT_CHARS)).optional(),
    options: z
      .array(z.strictObject({ value: scalar, label: z.string().max(80) }))
      .min(1)
      .max(200)
      .optional(),
    /** Length of a text, value of a number. */
    min: z.number().optional(),
    max: z.number().optional(),
    /** Matched against the whole value. */
    pattern: z.string().refine(isPattern, PATTERN_RULE).optional(),
    patternHint: z.string().max(200).optional(),
    /** Masked in answers, encrypted at rest, never logged. */
    secret: z.boolean().default(false),
    generate: generate.optional(),
    /** Frozen after the first deploy: a database reads its password only when it makes its files. */
    once: z.boolean().default(false),
    /** No form shows it; the default counts unless a script gives another. */
    hidden: z.boolean().default(false),
    /** A form folds it away. */
    advanced: z.boolean().default(false),
  })
  .refine((v) => (v.type === 'enum') === (v.options !== undefined), 'options go with the type "enum"')
  .refine((v) => !v.hidden || v.default !== undefined || v.generate, 'a hidden variable needs a default')
  .refine((v) => v.type !== 'password' || v.secret, 'a password is a secret');
export type Variable = z.infer<typeof variable>;

/** A page makes links of them: nothing that a browser would run. */
const webUrl = z.url({ protocol: /^https?$/ }).max(2048);

const links = z.strictObject({
  docs: webUrl.optional(),
  website: webUrl.optional(),
  source: webUrl.optional(),
});

export const COMPOSE_FILE = 'compose.yaml';

const file = z
  .strictObject({
    path: filePath,
    /** The file beside `template.yaml` that holds its text, or the text. */
    from: filePath.optional(),
    content: z.string().max(COMPOSE_LIMITS.bytes).optional(),
  })
  .refine(({ from, content }) => (from === undefined) !== (content === undefined), 'needs either from or content');

/** `template.yaml` as it lies in the folder. */
export const manifestSchema = z.strictObject({
  schema: z.literal(1),
  id: templateId,
  name: z.string().max(80),
  tagline: z.string().max(120),
  description: z.string().max(4000).default(''),
  category: z.enum(CATEGORIES),
  /** Our revision of the template; `appVersion` is the software's. */
  version: z.int().min(1).default(1),
  appVersion: z.string().max(40).default(''),
  tags: z.array(z.string().min(1).max(40)).max(20).default([]),
  links: links.default({}),
  variables: z.array(variable).max(100).default([]),
  /** The file beside this one, or its text itself. */
  compose: z
    .string()
    .max(COMPOSE_LIMITS.bytes)
    .refine((text) => text === COMPOSE_FILE || text.includes('\n'), `must be "${COMPOSE_FILE}" or the compose text`)
    .default(COMPOSE_FILE),
  /** Copied as they are into the service's folder, where the compose file may mount them. */
  files: z.array(file).max(50).default([]),
  /** What answers where; `var` names the variable that holds the host port. */
  ports: z
    .array(
      z.strictObject({
        service: z.string(),
        container: z.int().min(1).max(65_535),
        protocol: z.enum(['tcp', 'udp', 'http', 'https']).default('tcp'),
        var: variableName.optional(),
      }),
    )
    .default([]),
  /** Seconds the first start may take until all health checks pass. */
  health: z.strictObject({ timeoutS: z.int().min(1).max(3600) }).optional(),
  notes: z
    .strictObject({ before: z.string().max(4000).optional(), after: z.string().max(4000).optional() })
    .default({}),
  /** Where an imported template comes from, and what of it could not be carried over. */
  origin: z
    .strictObject({ format: z.enum(IMPORT_FORMATS), lost: z.array(z.string().max(500)).max(200).default([]) })
    .optional(),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** A template in memory: the manifest with the texts it points to. */
export interface TemplateDefinition extends Omit<Manifest, 'compose' | 'files'> {
  compose: string;
  /** Path inside the service's folder → text. */
  files: Record<string, string>;
}
