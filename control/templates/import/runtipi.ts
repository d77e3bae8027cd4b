// Runtipi's apps: config.json with the form, and docker-compose.json, or docker-compose.yml of older ones.
import * as z from 'zod';
import { isMap, type ComposeMap } from '#shared/compose/values.ts';
import { isPattern } from '../match-pattern.ts';
import { categoryOf } from './category.ts';
import { slugOf, tryEach, unreadable, webUrl } from './conversion.ts';
import { oneLine, withoutMarkup } from './markup.ts';
import type { Converted, Converter, Texts } from './conversion.ts';
import { Form, variableNameOf, type FormVariable } from './form.ts';
import { readJson, readYaml } from './read-text.ts';
import { fromDynamicCompose } from './runtipi-compose.ts';
import { mapTexts, toTemplate, usedIn, type Stack } from './stack.ts';

const text = z.coerce.string();
const fieldSchema = z.object({
  type: text,
  label: text.default(''),
  env_variable: text,
  required: z.boolean().default(false),
  default: text.nullish(),
  hint: text.nullish(),
  min: z.number().nullish(),
  max: z.number().nullish(),
  options: z.array(z.object({ label: text, value: text })).nullish(),
  regex: text.nullish(),
  pattern_error: text.nullish(),
  encoding: z.enum(['hex', 'base64']).nullish(),
});
type Field = z.infer<typeof fieldSchema>;

const configSchema = z.object({
  id: text,
  name: text,
  deprecated: z.boolean().default(false),
  port: z.coerce.number().int().min(1).max(65_535).nullish(),
  categories: z.array(text).default([]),
  description: text.default(''),
  short_desc: text.default(''),
  source: text.nullish(),
  website: text.nullish(),
  version: text.default(''),
  no_gui: z.boolean().default(false),
  generate_vapid_keys: z.boolean().default(false),
  uid: z.number().nullish(),
  form_fields: z.array(fieldSchema).default([]),
});
type Config = z.infer<typeof configSchema>;

const CONFIG = 'config.json';
const DYNAMIC = 'docker-compose.json';
const PLAIN = 'docker-compose.yml';

/** Our types for theirs; the rest stays text. `fqdnip` is a host name or an address, as our `host`. */
const TYPES: Record<string, string> = {
  number: 'number',
  boolean: 'boolean',
  email: 'email',
  url: 'url',
  ip: 'ip',
  fqdn: 'host',
  fqdnip: 'host',
  password: 'password',
};

/** What Runtipi hands to every app, as far as it means something on a host of ours. */
const SUPPLIED: Record<string, Omit<FormVariable, 'name'>> = {
  APP_DOMAIN: { label: 'Domain', default: 'localhost', required: true },
  APP_HOST: { label: 'Host name', default: 'localhost', required: true },
  APP_PROTOCOL: { label: 'Protocol', type: 'enum', options: options('http', 'https'), default: 'http' },
  APP_EXPOSED: { type: 'boolean', default: 'false', hidden: true },
  LOCAL_DOMAIN: { label: 'Local domain', default: 'localhost' },
  INTERNAL_IP: { label: "The host's address", type: 'ip', default: '127.0.0.1' },
  NETWORK_INTERFACE: { label: 'Address to listen on', type: 'ip', default: '0.0.0.0', advanced: true },
  DNS_IP: { label: 'DNS server', type: 'ip', default: '9.9.9.9', advanced: true },
  TZ: { label: 'Time zone', type: 'timezone', default: 'UTC' },
};

function options(...values: string[]) {
  return values.map((value) => ({ value, label: value }));
}

export const runtipi: Converter = {
  fits: (texts) => CONFIG in texts && (DYNAMIC in texts || PLAIN in texts),
  convert: (texts) => tryEach([texts], () => 'a Runtipi app', convertApp),
};

function convertApp(texts: Texts): Converted {
  const config = readConfig(texts[CONFIG]);
  const lost: string[] = [];
  const stack: Stack = { root: {}, form: new Form(lost), files: {}, ports: [], lost };
  for (const field of config.form_fields) addField(field, stack);
  if (config.port && !config.no_gui) stack.form.addPort('APP_PORT', 'Port of the host', String(config.port));
  if (config.generate_vapid_keys) lost.push('generate_vapid_keys: the pair of keys has to be given');
  if (config.deprecated) lost.push('deprecated: Runtipi advises against it');
  stack.root = mapTexts(readCompose(texts, stack), (value) => withFolders(value, config)) as ComposeMap;
  takeDataFiles(texts, stack);
  for (const name of usedIn(stack.root)) supply(name, stack);
  const links = { website: webUrl(config.website), source: webUrl(config.source) };
  return toTemplate(stack, {
    id: slugOf(config.id),
    name: oneLine(config.name, 80),
    tagline: oneLine(config.short_desc, 120),
    description: withoutMarkup(texts['metadata/description.md'] ?? config.description).slice(0, 4000),
    appVersion: config.version.slice(0, 40),
    ...categoryOf(config.categories),
    links: Object.fromEntries(Object.entries(links).filter(([, url]) => url !== undefined)),
  });
}

function readConfig(json: string | undefined): Config {
  const parsed = configSchema.safeParse(readJson(json ?? '', CONFIG));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw unreadable(`${CONFIG}: ${issue?.path.join('.')}: ${issue?.message}`);
}

function readCompose(texts: Texts, stack: Stack): ComposeMap {
  if (texts[DYNAMIC] !== undefined) return fromDynamicCompose(readJson(texts[DYNAMIC], DYNAMIC), stack);
  const root = readYaml(texts[PLAIN] ?? '');
  for (const [service, body] of Object.entries(isMap(root['services']) ? root['services'] : {})) {
    if (!isMap(body) || !/\$\{?APP_PORT\b/.test(JSON.stringify(body['ports'] ?? []))) continue;
    const [, target] = /APP_PORT\}?:(\d+)/.exec(JSON.stringify(body['ports'])) ?? [];
    if (target) stack.ports.push({ service, container: Number(target), protocol: 'http', var: 'APP_PORT' });
  }
  return root;
}

function addField(field: Field, { form, lost }: Stack): void {
  const name = variableNameOf(field.env_variable);
  const isRandom = field.type === 'random';
  const type = field.options ? 'enum' : TYPES[field.type];
  const pattern = field.regex ?? undefined;
  const isKept = pattern !== undefined && isPattern(pattern);
  if (pattern !== undefined && !isKept) lost.push(`regex of ${name}: ${pattern}`);
  form.add({
    name,
    label: field.label,
    help: field.hint ?? undefined,
    required: field.required || isRandom,
    type: isRandom ? 'password' : type,
    ...(isRandom && { secret: true, generate: randomOf(field) }),
    ...(field.options && { options: field.options.map(({ value, label }) => ({ value, label: oneLine(label, 80) })) }),
    ...(!isRandom && Boolean(field.default) && { default: field.default ?? '' }),
    ...(!isRandom && { min: field.min ?? undefined, max: field.max ?? undefined }),
    ...(isKept && { pattern, patternHint: field.pattern_error?.slice(0, 200) }),
  });
}

/** Runtipi's `min` is the length of what it makes. */
function randomOf({ encoding, min }: Field) {
  const chars = Math.min(Math.max(min ?? 32, 1), 256);
  if (encoding === 'hex') return { kind: 'hex' as const, chars };
  if (encoding === 'base64') return { kind: 'base64' as const, bytes: Math.max(1, Math.ceil((chars * 3) / 4)) };
  return { kind: 'alnum' as const, chars };
}

/** An app's data lies in its own folder here as well: the service's. */
const withFolders = (value: string, { id }: Config): string =>
  value
    .replaceAll(/^\$\{?APP_DATA_DIR\}?(?=\/|:|$)/g, '.')
    .replaceAll(/^\$\{?ROOT_FOLDER_HOST\}?(?=\/|:|$)/g, './shared')
    .replaceAll(/\$\{?APP_ID\}?/g, slugOf(id));

/** Files of its `data` folder. Runtipi fills `{{VARIABLE}}` in those called `.template`. */
function takeDataFiles(texts: Texts, { files, lost }: Stack): void {
  for (const [path, content] of Object.entries(texts)) {
    if (!path.startsWith('data/') || path.endsWith('/.gitkeep')) continue;
    files[path.replace(/\.template$/, '')] = content;
    if (path.endsWith('.template') && content.includes('{{')) lost.push(`variables in ${path}: they stay as written`);
  }
}

function supply(name: string, { form, lost }: Stack): void {
  const known = Object.hasOwn(SUPPLIED, name) ? SUPPLIED[name] : undefined;
  if (known) form.add({ name, ...known });
  else if (name === 'APP_PORT') form.addPort(name, 'Port of the host');
  else if (!form.has(name) && name.startsWith('APP_')) lost.push(`${name}: Runtipi would supply it`);
}
