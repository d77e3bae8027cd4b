// Coolify's templates: one compose file with its description in comments, values that Coolify makes up, and a few keys
// of its own that Compose would refuse.
import { isMap, listOf, textOf, type ComposeMap } from '#shared/compose/values.ts';
import { renameVariables } from '../interpolation.ts';
import { categoryOf } from './category.ts';
import { ONLY, slugOf, tryEach, unreadable, webUrl } from './conversion.ts';
import { oneLine } from './markup.ts';
import type { Converted, Converter, Texts } from './conversion.ts';
import { addMagic, addressOf, isMagic, type Address } from './coolify-magic.ts';
import { Form } from './form.ts';
import { readYaml } from './read-text.ts';
import { mapTexts, publish, toTemplate, usedIn, type About, type Stack } from './stack.ts';

/** Keys that Coolify adds to a volume and Compose does not know. */
const VOLUME_KEYS = ['content', 'is_directory', 'isDirectory'];
const HEADER = /^#\s*(documentation|slogan|category|tags|logo|port|minversion|ignore)\s*:\s*(.*)$/;

export const coolify: Converter = {
  fits: (texts) => {
    const [text = ''] = [texts[ONLY] ?? Object.values(texts)[0]];
    return /^#\s*(documentation|slogan)\s*:/m.test(text) || /\bSERVICE_(FQDN|URL|PASSWORD|USER)_/.test(text);
  },
  convert: (texts) => tryEach([texts], nameOf, convertFile),
};

/** A template is called after its file. */
const nameOf = (texts: Texts): string => {
  const [name = ONLY] = Object.keys(texts);
  return name === ONLY ? 'a Coolify template' : name.replace(/\.ya?ml$/, '');
};

function convertFile(texts: Texts): Converted {
  const [[name, text] = [ONLY, '']] = Object.entries(texts);
  const root = readYaml(text);
  if (!isMap(root['services'])) throw unreadable('It has no services');
  const about = readHeader(text);
  const lost: string[] = [];
  const stack: Stack = { root, form: new Form(lost), files: {}, ports: [], lost };
  const services = Object.entries(root['services']).filter((entry): entry is [string, ComposeMap] => isMap(entry[1]));
  for (const [service, body] of services) {
    takeFiles(service, body, stack);
    takeAddresses(service, body, about['port'], stack);
  }
  stack.root = mapTexts(root, (value) => renameVariables(value, (used) => addressOf(used)?.base ?? used)) as ComposeMap;
  for (const used of usedIn(stack.root)) declare(used, stack);
  if (about['logo'] !== undefined) lost.push('logo: pictures are not part of a template');
  const [first = 'template'] = services.map(([service]) => service);
  return toTemplate(stack, toAbout(name === ONLY ? first : name.replace(/\.ya?ml$/, ''), about));
}

function readHeader(text: string): Record<string, string> {
  const found = text.split('\n', 40).map((line) => HEADER.exec(line.trim()));
  return Object.fromEntries(found.flatMap((match) => (match ? [[match[1] ?? '', (match[2] ?? '').trim()]] : [])));
}

function toAbout(
  name: string,
  { documentation, slogan = '', category = '', tags = '' }: Record<string, string>,
): About {
  const docs = webUrl(documentation);
  const words = `${category},${tags}`.split(',').map((word) => word.trim());
  return {
    id: slugOf(name),
    name: oneLine(name, 80),
    tagline: oneLine(slogan, 120),
    description: slogan.slice(0, 4000),
    ...categoryOf(words.filter((word) => word !== '')),
    ...(docs !== undefined && { links: { docs } }),
  };
}

/** A volume's `content` becomes a file of the template; the other keys go. */
function takeFiles(name: string, service: ComposeMap, { files, lost }: Stack): void {
  if (service['exclude_from_hc'] !== undefined) {
    delete service['exclude_from_hc'];
    lost.push(`exclude_from_hc of ${name}: its health counts like any other's`);
  }
  if (service['volumes'] === undefined) return;
  service['volumes'] = listOf(service['volumes']).map((mount) => {
    if (!isMap(mount) || !VOLUME_KEYS.some((key) => key in mount)) return mount;
    const path = textOf(mount['source']).replace(/^\.?\//, '');
    if (mount['content'] !== undefined) files[path] = textOf(mount['content']);
    const kept = Object.entries(mount).filter(([key]) => !VOLUME_KEYS.includes(key));
    return Object.fromEntries(mount['content'] === undefined ? kept : [...kept, ['source', `./${path}`]]);
  });
}

/**
 * `SERVICE_URL_APP_3000` in an environment asks Coolify's proxy for a domain that leads to port 3000. Here the service
 * gets a port of its host, and the variable its address there.
 */
function takeAddresses(name: string, service: ComposeMap, headerPort: string | undefined, stack: Stack): void {
  const { environment } = service;
  const pairs: [string, string | null][] = isMap(environment)
    ? Object.entries(environment).map(([key, value]) => [key, value === null ? null : textOf(value)])
    : listOf(environment).map((entry) => splitPair(textOf(entry)));
  const addresses = pairs.flatMap(([key]) => addressOf(key) ?? []);
  if (addresses.length === 0) return;
  service['environment'] = Object.fromEntries(pairs.map(([key, value]) => [key, toAddress(key, value)]));
  const asked = addresses.flatMap(({ port }) => port ?? []);
  const ports = asked.length === 0 && headerPort !== undefined ? [Number(headerPort)] : asked;
  if (ports.length === 0) stack.lost.push(`the domain of ${name}: no port is known for it`);
  for (const container of new Set(ports.filter((port) => port >= 1 && port <= 65_535)))
    publish(stack, service, { name, container, variable: `${name}_PORT_${container}` });
  for (const address of addresses) addAddress(address, name, stack);
}

const splitPair = (entry: string): [string, string | null] => {
  const at = entry.indexOf('=');
  return at < 0 ? [entry, null] : [entry.slice(0, at), entry.slice(at + 1)];
};

/** Declared alone it is the address; with a path, the address and the path. Other variables stay as they are. */
function toAddress(key: string, value: string | null): string {
  const address = addressOf(key);
  if (!address) return value ?? `\${${key}}`;
  const path = value?.startsWith('/') ? value : '';
  return value === null || path !== '' ? `\${${address.base}}${path}` : value;
}

function addAddress({ base, isUrl, port }: Address, name: string, { form, ports }: Stack): void {
  const published = ports.find((known) => known.service === name && (port === undefined || known.container === port));
  const where = published?.var === undefined ? 'localhost' : `localhost:\${${published.var}}`;
  form.add({
    name: base,
    help: 'Where users reach it',
    required: true,
    default: isUrl ? `http://${where}` : where,
    ...(isUrl && { type: 'url' }),
  });
}

/** What the body uses and nobody has declared; plain variables are left to their own defaults. */
function declare(name: string, stack: Stack): void {
  const address = addressOf(name);
  if (address && !stack.form.has(name)) addAddress(address, address.service.toLowerCase(), stack);
  else if (isMagic(name)) addMagic(name, stack.form);
  else if (/^SERVICE_[A-Z0-9]+_/.test(name) && !stack.form.has(name)) {
    stack.form.add({ name, required: true });
    stack.lost.push(`${name}: Coolify would make it up, here it is asked for`);
  }
}
