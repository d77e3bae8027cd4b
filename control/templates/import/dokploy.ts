// Dokploy's templates: docker-compose.yml, template.toml and meta.json of one folder, or the base64 text that Dokploy
// itself imports, which holds the first two.
import { parse as parseToml } from 'smol-toml';
import * as z from 'zod';
import { isMap, listOf, textOf, type ComposeMap } from '#shared/compose/values.ts';
import { escapeDollars } from '../interpolation.ts';
import { isFilePath } from '../schema.ts';
import { categoryOf } from './category.ts';
import { ONLY, slugOf, tryEach, unreadable, webUrl } from './conversion.ts';
import { oneLine } from './markup.ts';
import type { Converted, Converter, ConvertOptions, Texts } from './conversion.ts';
import { DokployValues } from './dokploy-values.ts';
import { Form, variableNameOf } from './form.ts';
import { pickText, readJson, readYaml } from './read-text.ts';
import { mapTexts, publish, toTemplate, type About, type Stack } from './stack.ts';

const COMPOSE_FILES = ['docker-compose.yml', 'docker-compose.yaml', 'compose.yml', 'compose.yaml'];
const TOML_FILE = 'template.toml';
/** The largest of 500 has 12 kB. */
const MAX_TOML_BYTES = 256 * 1024;
/** Of each: a template has at most 100 variables. */
const MAX_ENTRIES = 500;

const text = z.coerce.string();
const TOO_MANY = `more than ${MAX_ENTRIES} entries`;
const isShort = (entries: object): boolean => Object.keys(entries).length <= MAX_ENTRIES;
const domainSchema = z.object({
  serviceName: text,
  port: z.coerce.number().int().min(1).max(65_535),
  host: text.default(''),
});
const mountSchema = z.object({ filePath: text, content: text.default('') });
const configSchema = z.object({
  variables: z.record(z.string(), text).refine(isShort, TOO_MANY).default({}),
  config: z
    .object({
      env: z
        .union([z.array(text), z.record(z.string(), text)])
        .refine(isShort, TOO_MANY)
        .default([]),
      domains: z.array(domainSchema).max(MAX_ENTRIES).default([]),
      mounts: z.array(mountSchema).max(MAX_ENTRIES).default([]),
    })
    .prefault({}),
});
type Config = z.infer<typeof configSchema>;

const metaSchema = z
  .object({
    id: text.default(''),
    name: text.default(''),
    version: text.default(''),
    description: text.default(''),
    links: z.record(z.string(), z.unknown()).default({}),
    tags: z.array(text).default([]),
    logo: text.default(''),
  })
  .prefault({});

export const dokploy: Converter = {
  fits: (texts) => TOML_FILE in texts || unpack(texts[ONLY] ?? '') !== undefined,
  convert: (texts, options) =>
    tryEach(
      [texts],
      () => 'a Dokploy template',
      (one) => convertFolder(one, options),
    ),
};

/** Dokploy's own export: base64 of JSON with `compose` and `config`. */
function unpack(content: string): Texts | undefined {
  if (!/^[A-Za-z0-9+/=\s]{40,}$/.test(content)) return undefined;
  try {
    const { compose, config }: Record<string, unknown> = JSON.parse(Buffer.from(content, 'base64').toString('utf8'));
    if (typeof compose !== 'string' || typeof config !== 'string') return undefined;
    return { 'docker-compose.yml': compose, [TOML_FILE]: config };
  } catch {
    return undefined;
  }
}

function convertFolder(given: Texts, { nowMs }: ConvertOptions): Converted {
  const texts = unpack(given[ONLY] ?? '') ?? given;
  const compose = pickText(texts, ...COMPOSE_FILES);
  if (compose === undefined) throw unreadable('There is no docker-compose.yml');
  const lost: string[] = [];
  const stack: Stack = { root: readYaml(compose), form: new Form(lost), files: {}, ports: [], lost };
  const { variables, config } = readConfig(texts[TOML_FILE] ?? '', lost);
  const env = readEnv(config.env).filter(([name]) => name !== '');
  const values = new DokployValues(new Map(Object.entries(variables)), env, stack.form, nowMs, lost);
  for (const [name, value] of env) values.addEnvironment(name, value);
  addMounts(config.mounts, values, stack);
  stack.root = mapTexts(stack.root, (value) => value.replace(/^\.\.\/files\//, './files/')) as ComposeMap;
  for (const domain of config.domains) addDomain(domain, stack);
  return toTemplate(stack, readMeta(texts['meta.json'], stack));
}

function readConfig(toml: string, lost: string[]): Config {
  if (Buffer.byteLength(toml) > MAX_TOML_BYTES) throw unreadable(`${TOML_FILE} is larger than ${MAX_TOML_BYTES} bytes`);
  const parsed = configSchema.safeParse(parseForgiving(toml, lost));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw unreadable(`${TOML_FILE}: ${issue?.path.join('.')}: ${issue?.message}`);
}

function parseForgiving(toml: string, lost: string[]): unknown {
  try {
    return parseToml(toml);
  } catch (error) {
    const mended = parseMended(toml);
    if (mended === undefined) throw unreadable(`${TOML_FILE}: ${(error as Error).message.split('\n')[0]}`, error);
    lost.push(`${TOML_FILE} is not valid TOML: it was read with its mistakes mended`);
    return mended;
  }
}

/** The mistakes that the collection itself holds: an empty list that is then filled, an escape too many. */
function parseMended(toml: string): unknown {
  const mended = toml
    .replaceAll(/^[ \t]*(mounts|domains)[ \t]*=[ \t]*\[[ \t]*\][ \t]*$/gm, '')
    .replaceAll(/\\(?![btnfr"\\uU])/g, '\\\\');
  try {
    return parseToml(mended);
  } catch {
    return undefined;
  }
}

function readEnv(env: Config['config']['env']): [name: string, value: string][] {
  const pairs = Array.isArray(env)
    ? env.map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)])
    : Object.entries(env);
  return pairs.map(([name = '', value = '']) => [variableNameOf(name.trim()), unquoted(value.trim())]);
}

const unquoted = (value: string): string => /^(["'])(.*)\1$/s.exec(value)?.[2] ?? value;

/**
 * Files that are mounted. One that holds variables, or has a name no template's file may have, becomes a config of
 * Compose, which fills them in; others are files in the service's folder.
 */
function addMounts(mounts: Config['config']['mounts'], values: DokployValues, stack: Stack): void {
  for (const { filePath, content } of mounts) {
    const path = `files/${filePath.replace(/^(\.?\/)+/, '')}`;
    const isFile = values.isPlain(content) && isFilePath(path);
    if (isFile) stack.files[path] = content;
    else if (!mountAsConfig(path, values.fill(content, escapeDollars), stack)) {
      stack.files[path] = content;
      if (!values.isPlain(content))
        stack.lost.push(`variables in ${path}: they stay as written, because the file is not mounted on its own`);
    }
  }
}

/** Replaces each mount of the file by the config; false when it is not mounted as a file. */
function mountAsConfig(path: string, content: string, { root }: Stack): boolean {
  const services = Object.values(isMap(root['services']) ? root['services'] : {}).filter(isMap);
  const name = slugOf(path);
  let isMounted = false;
  for (const service of services) {
    const [own, others] = splitMounts(listOf(service['volumes']), path);
    if (own.length === 0) continue;
    isMounted = true;
    service['volumes'] = others;
    service['configs'] = [...listOf(service['configs']), ...own.map((target) => ({ source: name, target }))];
  }
  if (isMounted) root['configs'] = { ...(isMap(root['configs']) ? root['configs'] : {}), [name]: { content } };
  return isMounted;
}

/** Where the file is mounted, and the mounts of everything else. */
function splitMounts(mounts: unknown[], path: string): [targets: string[], others: unknown[]] {
  const targetOf = (mount: unknown): string | undefined => {
    const [source = '', target] = isMap(mount)
      ? [textOf(mount['source']), textOf(mount['target'])]
      : textOf(mount).split(':');
    return source === `../${path}` || source === `./${path}` ? target : undefined;
  };
  const targets = mounts.flatMap((mount) => targetOf(mount) ?? []);
  return [targets, mounts.filter((mount) => targetOf(mount) === undefined)];
}

function addDomain({ serviceName, port }: z.infer<typeof domainSchema>, stack: Stack): void {
  const { root, ports, lost } = stack;
  const service = isMap(root['services']) ? root['services'][serviceName] : undefined;
  if (!isMap(service)) return void lost.push(`a domain of ${serviceName}: there is no such service`);
  if (ports.some((known) => known.service === serviceName && known.container === port)) return;
  const variable = `${serviceName}_HTTP_PORT${ports.length === 0 ? '' : `_${port}`}`;
  publish(stack, service, { name: serviceName, container: port, variable });
}

function readMeta(json: string | undefined, { root, lost }: Stack): About {
  const meta = metaSchema.safeParse(json === undefined ? {} : readJson(json, 'meta.json')).data ?? metaSchema.parse({});
  const [first = 'template'] = Object.keys(isMap(root['services']) ? root['services'] : {});
  const links = {
    docs: webUrl(meta.links['docs']),
    website: webUrl(meta.links['website']),
    source: webUrl(meta.links['github']),
  };
  if (meta.logo !== '') lost.push('logo: pictures are not part of a template');
  const name = meta.name || meta.id || first;
  return {
    id: slugOf(meta.id || name),
    name: oneLine(name, 80),
    tagline: oneLine(meta.description, 120),
    description: meta.description.slice(0, 4000),
    appVersion: meta.version.slice(0, 40),
    ...categoryOf(meta.tags),
    links: Object.fromEntries(Object.entries(links).filter(([, url]) => url !== undefined)),
  };
}
