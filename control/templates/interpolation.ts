// The variables a text of a compose file refers to, as Compose interpolates it. Pure.

/** `$$` is a literal dollar; else `$NAME` or `${NAME…}`. */
const INTERPOLATION = /\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)|([A-Za-z_][A-Za-z0-9_]*))/g;

/** `${NAME}` inside a template's default, the one form that has a meaning there. */
export const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** What Compose sets by itself. */
export const COMPOSE_OWN = ['COMPOSE_PROJECT_NAME'];

/** Each name once, in the order of the text; also those inside another one's default. */
export const namesUsedIn = (text: string): string[] => [
  ...new Set([...text.matchAll(INTERPOLATION)].flatMap((match) => match[1] ?? match[2] ?? [])),
];

/** Names that a template's default refers to. */
export const referencesOf = (text: string): string[] => [...text.matchAll(REFERENCE)].map((match) => match[1] ?? '');

/** The text with each variable called what `rename` says; operators and defaults stay as they are. */
export const renameVariables = (text: string, rename: (name: string) => string): string =>
  text.replaceAll(INTERPOLATION, (whole, braced: string | undefined, bare: string | undefined) => {
    if (braced !== undefined) return `\${${rename(braced)}`;
    return bare === undefined ? whole : `\${${rename(bare)}}`;
  });

/** Text that Compose gives to the container as it stands. */
export const escapeDollars = (text: string): string => text.replaceAll('$', '$$$$');

export interface Interpolation {
  name: string;
  /** As in `${NAME:-argument}`; empty for a plain reference. */
  operator: '' | ':-' | '-' | ':?' | '?' | ':+' | '+';
  argument: string;
}

/** Each use of a variable, also those within another one's argument. */
export function interpolationsOf(text: string): Interpolation[] {
  const found: Interpolation[] = [];
  for (const { 0: whole, 1: braced, 2: bare, index } of text.matchAll(INTERPOLATION)) {
    if (bare !== undefined) found.push({ name: bare, operator: '', argument: '' });
    if (braced === undefined) continue;
    const rest = text.slice(index + whole.length);
    const operator = (/^:?[-?+]/.exec(rest)?.[0] ?? '') as Interpolation['operator'];
    found.push({ name: braced, operator, argument: untilClosed(rest.slice(operator.length)) });
  }
  return found;
}

/** Longer defaults are left to Compose: nobody edits them in a form. */
const MAX_ARGUMENT_CHARS = 1000;

/** Up to the brace that closes what was opened before the text; nothing when it is not near. */
function untilClosed(text: string): string {
  let depth = 0;
  for (let i = 0; i < text.length && i < MAX_ARGUMENT_CHARS; i++) {
    if (text.startsWith('${', i)) depth++;
    else if (text[i] === '}' && --depth < 0) return text.slice(0, i);
  }
  return '';
}
