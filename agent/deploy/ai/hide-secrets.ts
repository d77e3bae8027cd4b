// Takes out of a text what looks like a secret, before it leaves the host for somebody else's machine. By its form and by
// the name it stands at; what a service is known to keep secret is hidden by value elsewhere (agent/secrets).
import { looksSecret, MASK } from '#shared/secret-names.ts';

/** Well-known tokens: GitHub, GitLab, Slack, AWS, Google, Stripe, OpenAI, npm, JWT, our own. */
const TOKENS = [
  /\b(?:gh[pousr]_|github_pat_|glpat-|npm_|sk-|sk_live_|rk_live_|whsec_|ls[a-z]_)[A-Za-z0-9_-]{16,}/g,
  /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bAIza[A-Za-z0-9_-]{30,}/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
];
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;
const URL_PASSWORD = /(:\/\/[^/\s:@"']{0,200}:)[^/\s@"']{1,500}@/g;
/** What leads to a value: `NAME=`, `name: `, `"name": `, `--name `, `ENV NAME `. */
const LEAD =
  /(?:["']?([\w.-]{2,80})["']?[ \t]{0,20}(:=|=>|[:=])|--([\w-]{2,80})[ \t]|\bENV[ \t]{1,20}(\w{2,80})[ \t])[ \t]{0,20}/g;
const QUOTED = String.raw`"[^"\n]*"|'[^'\n]*'|\[[^\]\n{}]*\]`;
/** After a colon it may have several words. */
const VALUE = new RegExp(`${QUOTED}|[^\\s"',;{}\\[\\])][^\\s,;}\\])]*`, 'y');
const WORDS = new RegExp(`${QUOTED}|[^\\s"',;{}\\[\\])][^\\n,;}\\])]*`, 'y');
/** To a variable: `$NAME`, `${NAME}`, `$(command)`. */
const REFERENCE = /^["']?\$(?:[{($]|[A-Z_][A-Z0-9_]*["']?$)/;
/** A placeholder, a version of a package or a word of the language is no secret. */
const HARMLESS =
  /^["']?(?:<|[~^<>=v]*\d+(?:\.[\dx*]+)+|\d{1,5}["']?$|(?:true|false|null|none|undefined|string|str)["']?$)/i;

export function hideSecrets(text: string): string {
  const masked = TOKENS.reduce((all, token) => all.replaceAll(token, MASK), text.replaceAll(PRIVATE_KEY, MASK));
  return hideAssigned(masked.replaceAll(URL_PASSWORD, `$1${MASK}@`));
}

/** Whether a value is one to hide, by the name it stands at and by what it looks like. */
export const isSecretAt = (name: string, value: string): boolean =>
  value !== '' && !REFERENCE.test(value) && !HARMLESS.test(value) && looksSecret(name.replaceAll('-', '_'), value);

/** What a name of no interest leads to may hold further names. */
function hideAssigned(text: string): string {
  const kept: string[] = [];
  let end = 0;
  for (const { 0: lead, 1: assigned, 2: sign, 3: flag, 4: env, index } of text.matchAll(LEAD)) {
    const start = index + lead.length;
    const value = index < end ? '' : readAt(sign === ':' ? WORDS : VALUE, text, start);
    if (!isSecretAt(assigned ?? flag ?? env ?? '', value)) continue;
    const [quote = ''] = /^["']/.exec(value) ?? [];
    kept.push(text.slice(end, start), quote, MASK, quote);
    end = start + value.length;
  }
  return [...kept, text.slice(end)].join('');
}

function readAt(pattern: RegExp, text: string, index: number): string {
  pattern.lastIndex = index;
  return pattern.exec(text)?.[0] ?? '';
}
