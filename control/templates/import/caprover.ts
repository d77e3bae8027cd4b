// CapRover's one-click apps, version 4: one YAML with services and a form, whose values CapRover pastes into the text.
// Here each `$$cap_…` becomes a variable, in values only, and every other dollar a literal one.
import * as z from 'zod';
import { isMap, listOf, textOf, type ComposeMap } from '#shared/compose/values.ts';
import { escapeDollars } from '../interpolation.ts';
import { CapNames, hex } from './caprover-names.ts';
import { NotConvertible, ONLY, slugOf, tryEach, unreadable, webUrl } from './conversion.ts';
import { oneLine, withoutMarkup } from './markup.ts';
import type { Converted, Converter, Texts } from './conversion.ts';
import { isPattern } from '../match-pattern.ts';
import { Form, variableNameOf } from './form.ts';
import { readYaml } from './read-text.ts';
import { publish, toTemplate, type Stack } from './stack.ts';

const text = z.coerce.string();
/** A template has at most 100. */
const MAX_VARIABLES = 500;
const appSchema = z.object({
  displayName: text.default(''),
  description: text.default(''),
  documentation: text.default(''),
  isOfficial: z.boolean().nullish(),
  instructions: z
    .object({ start: text.default(''), end: text.default('') })
    .partial()
    .nullish(),
  variables: z
    .array(
      z.object({
        id: text,
        label: text.default(''),
        description: text.default(''),
        defaultValue: text.nullish(),
        validRegex: text.nullish(),
      }),
    )
    .max(MAX_VARIABLES)
    .nullish(),
});
type App = z.infer<typeof appSchema>;

/** What CapRover honours of a service. */
const HONOURED = [
  'image',
  'environment',
  'ports',
  'volumes',
  'depends_on',
  'hostname',
  'command',
  'cap_add',
  'restart',
];
const RANDOM_HEX = /\$\$cap_gen_random_hex\(\d+\)/;
const WHOLE_RANDOM_HEX = /^\$\$cap_gen_random_hex\((\d+)\)$/;

export const caprover: Converter = {
  fits: (texts) => /^captainVersion:\s*['"]?4/m.test(texts[ONLY] ?? ''),
  convert: (texts) => tryEach([texts], () => 'a one-click app', convertApp),
};

function convertApp(texts: Texts): Converted {
  const root = readYaml(texts[ONLY] ?? Object.values(texts)[0] ?? '');
  if (textOf(root['captainVersion']) !== '4') throw unreadable('Only version 4 of the one-click apps can be read');
  const parsed = appSchema.safeParse(root['caproverOneClickApp'] ?? {});
  if (!parsed.success) throw unreadable('caproverOneClickApp is not as CapRover writes it', parsed.error);
  const lost: string[] = [];
  const stack: Stack = { root: {}, form: new Form(lost), files: {}, ports: [], lost };
  const names = new CapNames(
    (parsed.data.variables ?? []).map(({ id }) => id),
    stack.form,
  );
  addVariables(parsed.data, names, stack);
  const services = isMap(root['services']) ? root['services'] : {};
  const converted = Object.entries(services).map(([key, service]) =>
    convertService(names.inKey(key), service, names, stack),
  );
  stack.root = { services: Object.fromEntries(converted) };
  const { displayName, description, documentation, instructions } = parsed.data;
  const name = displayName || 'One-click app';
  const docs = webUrl(/https?:\/\/[^\s)>\]]+/.exec(documentation)?.[0]);
  return toTemplate(stack, {
    id: slugOf(name),
    name: oneLine(name, 80),
    tagline: oneLine(description, 120),
    description: withoutMarkup(description).slice(0, 4000),
    category: 'other',
    ...(docs !== undefined && { links: { docs } }),
    notes: notesOf(instructions ?? {}),
  });
}

/** Instructions may speak of the app's variables: a reader is told their names. */
const plain = (note: string): string =>
  withoutMarkup(note.replaceAll(/\$\$cap_(\w+)/g, (_, id: string) => variableNameOf(id.toUpperCase()))).slice(0, 4000);

function notesOf({ start = '', end = '' }: NonNullable<App['instructions']>): Record<string, string> {
  return { ...(start !== '' && { before: plain(start) }), ...(end !== '' && { after: plain(end) }) };
}

function addVariables({ variables }: App, names: CapNames, { form, lost }: Stack): void {
  for (const { id, label, description, defaultValue, validRegex } of variables ?? []) {
    const name = names.nameOf(id);
    const given = defaultValue ?? '';
    const [, chars] = WHOLE_RANDOM_HEX.exec(given) ?? [];
    const pattern = patternOf(validRegex ?? '');
    if (pattern === null) lost.push(`validRegex of ${name}: ${validRegex}`);
    form.add({
      name,
      label,
      help: description,
      required: Boolean(validRegex),
      ...(pattern && { pattern, patternHint: `must match ${validRegex}`.slice(0, 200) }),
      ...(chars === undefined && given !== '' && { default: names.inValue(given, (dollar) => dollar) }),
      ...(chars !== undefined && { generate: hex(Number(chars)) }),
      ...(RANDOM_HEX.test(given) && { secret: true, type: 'password' }),
    });
  }
}

/** A JS literal as our pattern; undefined for none, null for one that cannot be one. */
function patternOf(literal: string): string | null | undefined {
  if (literal === '') return undefined;
  const [, body = '', flags = ''] = /^\/(.+)\/([a-z]*)$/s.exec(literal) ?? [];
  return body !== '' && /^[gu]*$/.test(flags) && isPattern(body) ? body : null;
}

function convertService(name: string, given: unknown, names: CapNames, stack: Stack): [string, ComposeMap] {
  if (!isMap(given)) throw new NotConvertible(`its service ${name} is not a mapping`);
  const { caproverExtra, ...rest } = given;
  const extra = isMap(caproverExtra) ? caproverExtra : {};
  const gone = Object.keys(rest).filter((key) => !HONOURED.includes(key));
  if (gone.length > 0) stack.lost.push(`${gone.join(', ')} of ${name}: CapRover does not read it either`);
  const kept = Object.entries(rest).filter(([key]) => HONOURED.includes(key));
  const service: ComposeMap = {
    restart: 'always',
    ...(toValues(Object.fromEntries(kept), names, stack.lost) as ComposeMap),
  };
  if (extra['dockerfileLines'] !== undefined)
    buildFrom(name, service, listOf(extra['dockerfileLines']), names, stack.lost);
  if (extra['notExposeAsWebApp'] === undefined || textOf(extra['notExposeAsWebApp']) === 'false')
    publish(stack, service, {
      name,
      container: Number(textOf(extra['containerHttpPort']) || 80),
      variable: `${name}_PORT`,
    });
  return [name, service];
}

/** Values with our references; CapRover reaches services as `srv-captain--NAME`, Compose as `NAME`. */
function toValues(value: unknown, names: CapNames, lost: string[]): unknown {
  if (typeof value === 'string') return names.inValue(value, escapeDollars).replaceAll('srv-captain--', '');
  if (Array.isArray(value)) return value.map((item) => toValues(item, names, lost));
  if (!isMap(value)) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([key, item]) => [toKey(key, names, lost), toValues(item, names, lost)]));
}

/** CapRover pastes into keys, too; Compose fills in values only. */
function toKey(key: string, names: CapNames, lost: string[]): string {
  const filled = names.inValue(key, (dollar) => dollar).replace('srv-captain--', '');
  const plain = filled.replaceAll(/\$\{(\w+)\}/g, '$1');
  if (plain !== filled) lost.push(`the variable in the name ${key}: a name cannot vary`);
  return plain;
}

function buildFrom(name: string, service: ComposeMap, lines: unknown[], names: CapNames, lost: string[]): void {
  const plain = lines.map((line) => textOf(line));
  if (plain.some((line) => /^\s*(ADD|COPY)\s+(?!--from=)(?!https?:)/i.test(line)))
    throw new NotConvertible(`its service ${name} is built from files that are not part of it`);
  const [, image] =
    /^FROM\s+(\S+)$/i.exec(
      plain
        .filter((line) => line.trim() !== '')
        .join('\n')
        .trim(),
    ) ?? [];
  const toText = (line: string) => toValues(line, names, lost) as string;
  if (image !== undefined) service['image'] = toText(image);
  else {
    service['build'] = { context: '.', dockerfile_inline: `${plain.map(toText).join('\n')}\n` };
    lost.push(`dockerfileLines of ${name}: the host builds the image at each deploy`);
  }
}
