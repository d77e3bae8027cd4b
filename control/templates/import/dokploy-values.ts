// The values of a Dokploy template.toml: text with helpers such as `${password:32}` and references to other values.
import type { Generate } from '../schema.ts';
import { type Form, variableNameOf } from './form.ts';

/** `${name}` or `${helper:argument:argument}`. No dollar within, so that no text is looked through twice. */
const HELPER = String.raw`\$\{([A-Za-z_][\w-]*)((?::[^}:$]*)*)\}`;
const TOKEN = new RegExp(HELPER, 'g');
const WHOLE_TOKEN = new RegExp(`^${HELPER}$`);

type Made = { generate: Generate; type?: string } | { default: string; type?: string };

export class DokployValues {
  readonly #form: Form;
  readonly #names = new Map<string, string>();
  readonly #texts: ReadonlyMap<string, string>;
  readonly #nowMs: number;
  readonly #lost: string[];
  #made = 0;

  /** `own`: names that `[variables]` gives; `env`: what each name of the environment is to hold. */
  constructor(
    own: ReadonlyMap<string, string>,
    env: readonly (readonly [string, string])[],
    form: Form,
    nowMs: number,
    lost: string[],
  ) {
    this.#form = form;
    this.#texts = own;
    this.#nowMs = nowMs;
    this.#lost = lost;
    // A value that goes straight into one variable of the environment is that variable: the form shows it once.
    for (const [name, text] of env) {
      const [, source] = /^\$\{([A-Za-z_][\w-]*)\}$/.exec(text) ?? [];
      if (source !== undefined && own.has(source) && !this.#names.has(source)) this.#names.set(source, name);
    }
    const taken = new Set(env.map(([name]) => name));
    for (const name of own.keys()) {
      if (this.#names.has(name)) continue;
      const plain = variableNameOf(name.toUpperCase());
      this.#names.set(name, taken.has(plain) ? `${plain}_VALUE` : plain);
    }
  }

  /** Declares a variable of the environment. */
  addEnvironment(name: string, text: string): void {
    const source = [...this.#names].find(([own, variable]) => variable === name && text === `\${${own}}`);
    if (source) this.#addOwn(source[0]);
    else this.#declare(name, text);
  }

  /** A text with our references instead of theirs; `literal` says what becomes of what stands between. */
  fill(text: string, literal: (between: string) => string): string {
    let filled = '';
    let at = 0;
    for (const match of text.matchAll(TOKEN)) {
      const [whole, name = '', rest = ''] = match;
      filled += literal(text.slice(at, match.index)) + this.#reference(whole, name, rest, literal);
      at = match.index + whole.length;
    }
    return filled + literal(text.slice(at));
  }

  /** Whether it says anything but itself. */
  isPlain = (text: string): boolean => text.search(TOKEN) < 0;

  #reference(whole: string, name: string, rest: string, literal: (between: string) => string): string {
    if (rest === '' && this.#texts.has(name)) return `\${${this.#addOwn(name)}}`;
    const made = this.#make(name, rest.split(':').slice(1));
    if (made === undefined) {
      this.#lost.push(`the helper ${whole}: it stays as written`);
      return literal(whole);
    }
    const variable = name === 'domain' ? 'DOMAIN' : `GENERATED_${++this.#made}`;
    this.#form.add({ name: variable, hidden: name !== 'domain', ...made });
    return `\${${variable}}`;
  }

  /** Declares a value of `[variables]`, at its first use. */
  #addOwn(own: string): string {
    const name = this.#names.get(own) ?? variableNameOf(own);
    if (!this.#form.has(name)) this.#declare(name, this.#texts.get(own) ?? '');
    return name;
  }

  #declare(name: string, text: string): void {
    const [whole, helper = '', rest = ''] = WHOLE_TOKEN.exec(text) ?? [];
    const made =
      whole === undefined || this.#texts.has(helper) ? undefined : this.#make(helper, rest.split(':').slice(1));
    const isSecret = made !== undefined && ['password', 'base64', 'hash', 'jwt'].includes(helper);
    this.#form.add({
      name,
      ...(made ?? { default: this.fill(text, (between) => between) }),
      ...(isSecret && { secret: true, type: 'password' }),
    });
  }

  /** What a helper makes; undefined for one that is not known. */
  #make(helper: string, [first = '', second = '']: string[]): Made | undefined {
    const n = /^\d+$/.test(first) ? Math.min(Math.max(Number(first), 1), 256) : undefined;
    switch (helper) {
      case 'domain':
        return { default: 'localhost', type: 'host' };
      case 'password':
        return { generate: { kind: 'lower', chars: n ?? 16 } };
      case 'base64':
        return { generate: { kind: 'base64', bytes: n ?? 32 } };
      case 'hash':
        return { generate: { kind: 'hex', chars: n ?? 8 } };
      case 'uuid':
        return { generate: { kind: 'uuid' } };
      case 'randomPort':
        return { generate: { kind: 'port' }, type: 'port' };
      case 'username':
        return { generate: { kind: 'username' } };
      case 'email':
        return { default: 'admin@example.com', type: 'email' };
      case 'timestamp':
      case 'timestampms':
      case 'timestamps':
        return this.#time(helper === 'timestamps' ? 's' : 'ms', [first, second].filter(Boolean).join(':'));
      case 'jwt':
        return this.#token(first, second);
      default:
        return undefined;
    }
  }

  #time(unit: 's' | 'ms', date: string): Made {
    const at = date === '' ? undefined : Date.parse(date);
    if (at === undefined || Number.isNaN(at)) return { generate: { kind: 'timestamp', unit } };
    return { default: String(unit === 's' ? Math.floor(at / 1000) : at) };
  }

  /** `jwt:secretVar:payloadVar` is a token; `jwt` alone, or with a length, only has to look like one. */
  #token(secret: string, payload: string): Made {
    if (!this.#texts.has(secret)) return { generate: { kind: 'hex', chars: Math.min(Number(secret) || 64, 256) } };
    const claims = readClaims(this.#texts.get(payload) ?? '', this.#nowMs);
    if (claims === undefined) this.#lost.push(`the payload of a token: ${payload} is no plain JSON object`);
    return { generate: { kind: 'jwt', from: this.#addOwn(secret), claims: claims ?? {} } };
  }
}

const isScalar = (value: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof value);

type Claims = Record<string, string | number | boolean>;

/** A payload's own times are helpers, too: both are known now, and a token outlives them all. */
function readClaims(text: string, nowMs: number): Claims | undefined {
  if (text === '') return {};
  try {
    const now = String(Math.floor(nowMs / 1000));
    const plain = text.replaceAll(/\$\{timestamps(?::([^}$]*))?\}/g, (_, date: string | undefined) => {
      return date === undefined ? now : String(Math.floor(Date.parse(date) / 1000));
    });
    const parsed: unknown = JSON.parse(plain);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
    return Object.values(parsed).every(isScalar) ? (parsed as Claims) : undefined;
  } catch {
    return undefined;
  }
}
