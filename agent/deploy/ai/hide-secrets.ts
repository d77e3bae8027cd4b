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
/** `NAME=value`, `name: value`, `"name": "value"`, with what leads to the value kept. */
const ASSIGNMENT =
  /((["']?)([\w.-]{2,80})\2[ \t]*(?::=|=>|[:=])[ \t]*)("[^"\n]*"|'[^'\n]*'|[^\s"',;}\])][^\s,;}\])]*)/g;
/** A reference, a version of a package or a word of the language is no secret. */
const HARMLESS =
  /^["']?(?:\$|<|[~^<>=v]*\d+(?:\.[\dx*]+)+|\d{1,5}["']?$|(?:true|false|null|none|undefined|string|str)["']?$)/i;

export function hideSecrets(text: string): string {
  const masked = TOKENS.reduce((all, token) => all.replaceAll(token, MASK), text.replaceAll(PRIVATE_KEY, MASK));
  return masked.replaceAll(URL_PASSWORD, `$1${MASK}@`).replaceAll(ASSIGNMENT, hideAssigned);
}

/** Whether a value is one to hide, by the name it stands at and by what it looks like. */
export const isSecretAt = (name: string, value: string): boolean =>
  value !== '' && !HARMLESS.test(value) && looksSecret(name, value);

function hideAssigned(all: string, lead: string, _quote: string, name: string, value: string): string {
  if (!isSecretAt(name, value)) return all;
  const [quote = ''] = /^["']/.exec(value) ?? [];
  return `${lead}${quote}${MASK}${quote}`;
}
