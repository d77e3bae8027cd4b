// The variables of a template that is being imported, gathered from wherever its format keeps them.
import { looksSecret } from '#shared/secret-names.ts';
import { COMPOSE_OWN, interpolationsOf, referencesOf } from '../interpolation.ts';
import { isVariableName, type Generate } from '../schema.ts';
import { oneLine } from './markup.ts';

/** As in `template.yaml`; what is left out has the schema's default. */
export interface FormVariable {
  name: string;
  label?: string | undefined;
  help?: string | undefined;
  type?: string | undefined;
  required?: boolean | undefined;
  default?: string | undefined;
  options?: { value: string; label: string }[] | undefined;
  min?: number | undefined;
  max?: number | undefined;
  pattern?: string | undefined;
  patternHint?: string | undefined;
  secret?: boolean | undefined;
  generate?: Generate | undefined;
  hidden?: boolean | undefined;
  advanced?: boolean | undefined;
}

/** Value types that may be masked instead of shown. */
const MASKABLE = ['string', 'text', 'password'];
const MAX_LABEL_CHARS = 80;
const MAX_HELP_CHARS = 500;

export class Form {
  readonly #variables = new Map<string, FormVariable>();
  readonly #lost: string[];

  constructor(lost: string[]) {
    this.#lost = lost;
  }

  has(name: string): boolean {
    return this.#variables.has(name);
  }

  /** The first to declare a name says what it is. */
  add(variable: FormVariable): void {
    if (!this.has(variable.name)) this.#variables.set(variable.name, variable);
  }

  /** A host port; made up when the format leaves it to its proxy or to Docker. */
  addPort(name: string, label: string, host?: string): void {
    this.add({
      name,
      label,
      type: 'port',
      required: true,
      ...(host === undefined ? { generate: { kind: 'port' as const } } : { default: host }),
    });
  }

  /** Declares what a text uses and nobody has declared, as far as the text itself tells. */
  addUsedIn(text: string): void {
    for (const { name, operator, argument } of interpolationsOf(text)) {
      if (COMPOSE_OWN.includes(name)) continue;
      const isDefault = operator.endsWith('-') && isLiteral(argument);
      this.add({
        name,
        required: operator.endsWith('?'),
        ...(isDefault && argument !== '' && { default: argument.replaceAll('$$', '$') }),
        ...(operator.endsWith('?') && argument !== '' && isLiteral(argument) && { help: argument }),
      });
    }
  }

  /** What others are made of stands above them, as `template.yaml` wants it. */
  variables(): Record<string, unknown>[] {
    const done = new Set<string>();
    const order: FormVariable[] = [];
    const place = (variable: FormVariable, trail: readonly string[]) => {
      if (done.has(variable.name) || trail.includes(variable.name)) return;
      for (const name of sourcesOf(variable)) {
        const source = this.#variables.get(name);
        if (source) place(source, [...trail, variable.name]);
      }
      done.add(variable.name);
      order.push(variable);
    };
    for (const variable of this.#variables.values()) place(variable, []);
    const above = new Set<string>();
    return order.map((variable) => {
      const settled = this.#withKnownSources(variable, above);
      above.add(variable.name);
      return toManifest(settled);
    });
  }

  /** A default that refers to nothing that there is, or to itself in a circle, is none. */
  #withKnownSources(variable: FormVariable, above: ReadonlySet<string>): FormVariable {
    if (sourcesOf(variable).every((name) => above.has(name))) return variable;
    this.#lost.push(`the default of ${variable.name}: it refers to something that is not there`);
    const { default: _d, generate: _g, ...rest } = variable;
    return rest;
  }
}

const isLiteral = (text: string): boolean => !text.replaceAll('$$', '').includes('$');

const sourcesOf = ({ default: preset = '', generate }: FormVariable): string[] => [
  ...referencesOf(preset),
  ...(generate?.from === undefined ? [] : [generate.from]),
];

function toManifest(variable: FormVariable): Record<string, unknown> {
  const { name, label, help, default: preset } = variable;
  const type = variable.type ?? (preset?.includes('\n') ? 'text' : 'string');
  const isSecret = variable.secret ?? (MASKABLE.includes(type) && looksSecret(name, preset ?? ''));
  const whole = {
    ...variable,
    label: oneLine(label ?? '', MAX_LABEL_CHARS) || wordsOf(name),
    help: help === undefined ? undefined : oneLine(help, MAX_HELP_CHARS) || undefined,
    type: isSecret && type === 'string' ? 'password' : type,
    secret: isSecret || type === 'password',
  };
  return Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined));
}

/** `DB_USER_NAME` → `Db user name`. */
const wordsOf = (name: string): string => {
  const words = name.toLowerCase().replaceAll('_', ' ').trim();
  return words === '' ? name : words.charAt(0).toUpperCase() + words.slice(1);
};

/** A variable's name by our grammar, for a name of any. Names that Compose or Docker read themselves get a prefix. */
export function variableNameOf(text: string): string {
  const plain = text.replaceAll(/[^A-Za-z0-9_]/g, '_').slice(0, 60) || 'VALUE';
  const name = /^[A-Za-z_]/.test(plain) ? plain : `_${plain}`;
  return isVariableName(name) || COMPOSE_OWN.includes(name) ? name : `APP_${name}`;
}
