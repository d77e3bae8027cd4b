// CapRover's `$$cap_…` as our references: its own names, the variables of an app, and what it makes up.
import { escapeDollars } from '../interpolation.ts';
import { slugOf } from './conversion.ts';
import { type Form, variableNameOf } from './form.ts';

/** What all services of an app are called after; the user's own name for the app is the Compose project. */
const APP_NAME = 'app';
const ROOT_DOMAIN = 'ROOT_DOMAIN';
/** One pass over a text: CapRover's own names, its variables, and every other dollar. */
const TOKEN = /\$\$cap_gen_random_hex\((\d+)\)|\$\$cap_([A-Za-z0-9_-]+)|\$/g;

export class CapNames {
  readonly #variables: ReadonlyMap<string, string>;
  readonly #form: Form;
  #randoms = 0;

  /** `variables`: ids as the app declares them. */
  constructor(variables: readonly string[], form: Form) {
    const ids = variables.map((id) => id.replace(/^\$\$cap_/, ''));
    this.#variables = new Map(ids.map((id) => [id, variableNameOf(id.toUpperCase())]));
    this.#form = form;
  }

  nameOf(id: string): string {
    return this.#variables.get(id.replace(/^\$\$cap_/, '')) ?? '';
  }

  inKey(key: string): string {
    return slugOf(key.replaceAll('$$cap_appname', APP_NAME));
  }

  /** `literal` says what becomes of a dollar that is none of CapRover's. */
  inValue(value: string, literal: (dollar: string) => string): string {
    return value.replaceAll(TOKEN, (whole, digits: string | undefined, id: string | undefined) => {
      if (digits !== undefined) return `\${${this.#random(Number(digits))}}`;
      return id === undefined ? literal(whole) : this.#reference(id);
    });
  }

  /** Names run on into what follows (`$$cap_appname-db`): the longest one that is known counts. */
  #reference(token: string): string {
    const known = ['appname', 'root_domain', ...this.#variables.keys()].filter((id) => token.startsWith(id));
    const id = known.toSorted((a, b) => b.length - a.length)[0];
    if (id === undefined) return escapeDollars(`$$cap_${token}`);
    const rest = token.slice(id.length);
    if (id === 'appname') return APP_NAME + rest;
    if (id !== 'root_domain') return `\${${this.#variables.get(id) ?? ''}}${rest}`;
    this.#form.add({
      name: ROOT_DOMAIN,
      label: 'Domain',
      help: 'Where the app is reached',
      required: true,
      default: 'localhost',
    });
    return `\${${ROOT_DOMAIN}}${rest}`;
  }

  #random(chars: number): string {
    const name = `RANDOM_${++this.#randoms}`;
    this.#form.add({ name, hidden: true, secret: true, type: 'password', generate: hex(chars) });
    return name;
  }
}

export const hex = (chars: number) => ({ kind: 'hex' as const, chars: Math.min(Math.max(chars, 1), 256) });
