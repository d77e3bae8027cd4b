// A foreign compose file on its way into a template: what only made sense where it came from is taken out and named,
// what Compose needs and the format left unsaid is added. Works on plain data and writes YAML once, at the end, so that
// nothing from outside is ever pasted into a text.
import { stringify } from 'yaml';
import { isMap, listOf, textOf, type ComposeMap } from '#shared/compose/values.ts';
import { namesUsedIn, renameVariables } from '../interpolation.ts';
import { isFilePath } from '../schema.ts';
import { NotConvertible, type Converted } from './conversion.ts';
import { type Form, variableNameOf } from './form.ts';
import { tidyService } from './stack-service.ts';

export interface Stack {
  root: ComposeMap;
  form: Form;
  /** Path in the service's folder → text. */
  files: Record<string, string>;
  /** What listens where, for `ports` of the manifest. */
  ports: { service: string; container: number; protocol: string; var?: string }[];
  lost: string[];
}

/** Fields of the manifest that the stack does not know. */
export type About = Record<string, unknown> & { id: string; name: string };

/** Throws NotConvertible for a stack that needs more than its texts. */
export function toTemplate(stack: Stack, about: About): Converted {
  const { form, files, ports, lost } = stack;
  const root = mapTexts(tidyStack(stack), (text) => renameVariables(text, variableNameOf)) as ComposeMap;
  const compose = stringify(root, { lineWidth: 0, aliasDuplicateObjects: false, version: '1.1' });
  visitTexts(root, (text) => form.addUsedIn(text));
  const manifest = {
    schema: 1,
    ...about,
    variables: form.variables(),
    ports,
    files: allowedFiles(files, lost),
  };
  return { texts: { manifest, compose }, lost };
}

/** Hidden files and names with blanks are none that a host writes for a template. */
function allowedFiles(files: Stack['files'], lost: string[]): { path: string; content: string }[] {
  const entries = Object.entries(files);
  for (const [path] of entries.filter(([path]) => !isFilePath(path)))
    lost.push(`the file ${path}: its name is not allowed`);
  return entries.filter(([path]) => isFilePath(path)).map(([path, content]) => ({ path, content }));
}

/**
 * What a proxy would have found by its domain gets a port of the host, made up at the first deploy. `variable` is cut to
 * what a variable may be called.
 */
export function publish(
  { form, ports, lost }: Stack,
  service: ComposeMap,
  { name, container, variable }: { name: string; container: number; variable: string },
): void {
  const port = variableNameOf(variable.toUpperCase());
  form.addPort(port, `Port of the host for ${name}`);
  service['ports'] = [...listOf(service['ports']), { target: container, published: `\${${port}}` }];
  ports.push({ service: name, container, protocol: 'http', var: port });
  lost.push(`the domain of ${name}: it answers on a port of its host`);
}

function tidyStack({ root, files, lost }: Stack): ComposeMap {
  if (root['include'] !== undefined) throw new NotConvertible('it includes further compose files');
  const { version: _v, name: _n, services, networks, ...rest } = root;
  if (!isMap(services) || Object.keys(services).length === 0) throw new NotConvertible('it has no services');
  requireOwnFiles(rest, files);
  const foreign = foreignNetworks(networks, lost);
  const context = { files, foreign, lost };
  const tidy = Object.entries(services).map(([name, service]) => [name, tidyService(name, service, context)] as const);
  const own = isMap(networks)
    ? Object.fromEntries(Object.entries(networks).filter(([name]) => !foreign.has(name)))
    : {};
  const declared = { volumes: namedVolumes(tidy), networks: namedNetworks(tidy) };
  return {
    ...rest,
    services: Object.fromEntries(tidy),
    ...withMissing('networks', own, declared.networks),
    ...withMissing('volumes', isMap(rest['volumes']) ? rest['volumes'] : {}, declared.volumes),
  };
}

/** `key` with an empty entry for each name that is used and not declared; absent when there is nothing in it. */
function withMissing(key: string, given: ComposeMap, used: readonly string[]): ComposeMap {
  const missing = used.filter((name) => !Object.hasOwn(given, name));
  const whole = { ...given, ...Object.fromEntries(missing.map((name) => [name, {}])) };
  return Object.keys(whole).length === 0 ? {} : { [key]: whole };
}

function foreignNetworks(networks: unknown, lost: string[]): Set<string> {
  const all = isMap(networks) ? Object.entries(networks) : [];
  const foreign = all.filter(([, network]) => isMap(network) && isSet(network['external'])).map(([name]) => name);
  for (const name of foreign) lost.push(`network ${name}: it belongs to another project`);
  return new Set(foreign);
}

const isSet = (value: unknown): boolean => value !== undefined && value !== false && value !== 'false';

/** Configs and secrets that Compose would read from files nobody gave us. */
function requireOwnFiles(root: ComposeMap, files: Record<string, string>): void {
  for (const kind of ['configs', 'secrets']) {
    for (const [name, entry] of Object.entries(isMap(root[kind]) ? root[kind] : {})) {
      const file = isMap(entry) ? textOf(entry['file']) : '';
      if (file !== '' && !Object.hasOwn(files, file.replace(/^\.\//, '')))
        throw new NotConvertible(`its ${kind} ${name} is the file ${file} of its repository`);
    }
  }
}

type Services = readonly (readonly [name: string, service: ComposeMap])[];

function namedVolumes(services: Services): string[] {
  const mounts = services.flatMap(([, service]) => listOf(service['volumes']));
  const sources = mounts.map((mount) => {
    if (isMap(mount)) return mount['type'] === 'volume' ? textOf(mount['source']) : '';
    const [source = '', target] = textOf(mount).split(':');
    return target === undefined ? '' : source;
  });
  return [...new Set(sources)].filter((source) => /^[A-Za-z0-9][\w.-]*$/.test(source));
}

function namedNetworks(services: Services): string[] {
  const used = services.flatMap(([, { networks }]) => (isMap(networks) ? Object.keys(networks) : listOf(networks)));
  return [...new Set(used.map(textOf))].filter((name) => name !== '' && name !== 'default');
}

/** Plain data with each text replaced; keys stay. */
export function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change));
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, change)]));
}

function visitTexts(value: unknown, see: (text: string) => void): void {
  mapTexts(value, (text) => {
    see(text);
    return text;
  });
}

/** Variables that any text of it uses. */
export function usedIn(value: unknown): string[] {
  const names = new Set<string>();
  visitTexts(value, (text) => namesUsedIn(text).forEach((name) => names.add(name)));
  return [...names];
}
