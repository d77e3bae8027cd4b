// Portainer's app templates: a JSON list, of version 2 or 3 or the bare array of version 1. Containers become a compose
// file of one service; stacks lie in repositories, of which a single raw file can be fetched.
import { LongshoreError } from '#shared/errors.ts';
import { isMap, textOf } from '#shared/compose/values.ts';
import { readJson, readYaml } from './read-text.ts';
import { categoryOf } from './category.ts';
import { NotConvertible, ONLY, slugOf, tryEach, unreadable, webUrl } from './conversion.ts';
import { oneLine, withoutMarkup } from './markup.ts';
import type { Converted, Converter, ConvertOptions, Texts } from './conversion.ts';
import { Form, variableNameOf } from './form.ts';
import { toContainerService } from './portainer-container.ts';
import { entrySchema, type PortainerEntry } from './portainer-entry.ts';
import { toTemplate, type About, type Stack } from './stack.ts';

/** The largest public list has about 700. */
const MAX_TEMPLATES = 1000;

const KINDS: Record<string, 'container' | 'stack' | 'swarm' | 'edge'> = {
  '1': 'container',
  container: 'container',
  '2': 'swarm',
  '3': 'stack',
  stack: 'swarm',
  '4': 'edge',
};

export const portainer: Converter = {
  fits: (texts) => /^\s*[[{]/.test(texts[ONLY] ?? '') && listOf(texts) !== undefined,
  linksOf: (texts) => entriesOf(texts).flatMap((raw) => linkOf(entrySchema.safeParse(raw).data) ?? []),
  convert: (texts, options) => tryEach(entriesOf(texts), titleOf, (raw) => convertEntry(raw, options)),
};

function listOf(texts: Texts): unknown[] | undefined {
  try {
    const root: unknown = readJson(texts[ONLY] ?? texts['templates.json'] ?? '', 'the list');
    const list = isMap(root) ? root['templates'] : root;
    return Array.isArray(list) ? list : undefined;
  } catch {
    return undefined;
  }
}

function entriesOf(texts: Texts): unknown[] {
  const list = listOf(texts);
  if (!list) throw unreadable('It is no list of Portainer templates: JSON with `templates`');
  if (list.length > MAX_TEMPLATES) throw unreadable(`It lists more than ${MAX_TEMPLATES} templates`);
  return list;
}

const titleOf = (raw: unknown): string => (isMap(raw) ? textOf(raw['title']).slice(0, 100) : '') || 'without a title';

function convertEntry(raw: unknown, options: ConvertOptions): Converted {
  const parsed = entrySchema.safeParse(raw);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new NotConvertible(`its ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const entry = parsed.data;
  if (/windows/i.test(entry.platform)) throw new NotConvertible('it is for Windows');
  const kind = KINDS[String(entry.type)];
  if (kind === 'swarm') throw new NotConvertible('it is a stack for a swarm');
  if (kind === 'edge') throw new NotConvertible('it is a stack for edge devices');
  if (kind === undefined) throw new NotConvertible(`type ${entry.type} is not known`);
  const lost: string[] = [];
  const stack: Stack = { root: {}, form: new Form(lost), files: {}, ports: [], lost };
  addEnvironment(entry, stack.form);
  if (kind === 'container') toContainerService(entry, stack);
  else stack.root = readStack(fetchedStack(entry, options));
  if (entry.logo !== '') lost.push('logo: pictures are not fetched from elsewhere');
  if (entry.administrator_only) lost.push('administrator_only: permissions decide who deploys');
  return toTemplate(stack, toAbout(entry));
}

/** The one file of a public repository that holds the stack, where its address follows from the repository's. */
function linkOf(entry: PortainerEntry | undefined): string | undefined {
  const { url, stackfile } = entry?.repository ?? { url: '', stackfile: '' };
  const [, owner, name] = /^https:\/\/github\.com\/([\w.-]+)\/([\w.-]+?)(?:\.git)?\/?$/.exec(url) ?? [];
  const isPlain = /^[\w./ -]+$/.test(stackfile) && !stackfile.split('/').includes('..');
  if (owner === undefined || name === undefined || !isPlain) return undefined;
  const path = stackfile.replace(/^\/+/, '').split('/').map(encodeURIComponent).join('/');
  return `https://raw.githubusercontent.com/${owner}/${name}/HEAD/${path}`;
}

function fetchedStack(entry: PortainerEntry, { fetched }: ConvertOptions): string {
  const link = linkOf(entry);
  if (link === undefined)
    throw new NotConvertible(`its stack is in a repository that needs git: ${entry.repository?.url}`);
  const found = fetched.get(link);
  if (found === undefined) throw new NotConvertible(`its stack could not be fetched from ${link}`);
  return found;
}

function readStack(text: string): Record<string, unknown> {
  try {
    return readYaml(text);
  } catch (error) {
    if (error instanceof LongshoreError) throw new NotConvertible(`its stack: ${error.details}`);
    throw error;
  }
}

function addEnvironment({ env }: PortainerEntry, form: Form): void {
  for (const { name, label, description, preset, select, set, default: given } of env ?? []) {
    const options = select?.map((option) => ({ value: option.value, label: oneLine(option.text || option.value, 80) }));
    const chosen = select?.find((option) => option.default) ?? select?.[0];
    const value = set ?? given ?? chosen?.value;
    const isFixed = preset || set !== undefined;
    form.add({
      name: variableNameOf(name),
      label,
      help: description,
      ...(options && { type: 'enum', options }),
      ...(value !== undefined && { default: value }),
      ...(isFixed && { hidden: true, default: value ?? '' }),
      ...(!isFixed && value === undefined && missingValue(name)),
    });
  }
}

/** A password nobody has chosen yet can be made up; anything else has to be asked for. */
const missingValue = (name: string) =>
  /passw(or)?d$/i.test(name) ? { required: true, generate: { kind: 'password' as const } } : { required: true };

function toAbout({ title, name, description, note, categories }: PortainerEntry): About {
  const website = webUrl(/href="([^"]+)"/.exec(note)?.[1]);
  const after = withoutMarkup(note).slice(0, 4000);
  return {
    id: slugOf(name || title),
    name: oneLine(title, 80),
    tagline: oneLine(description, 120),
    description: withoutMarkup(description).slice(0, 4000),
    ...categoryOf(categories ?? []),
    ...(website !== undefined && { links: { docs: website } }),
    ...(after !== '' && { notes: { after } }),
  };
}
