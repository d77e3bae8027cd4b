// The shapes in which a program may print a secret it was given. What is not listed here (hex, compressed, reversed, its
// base64 broken over lines) is not recognised; docs/variables.md says so.

/** A shorter value is a word like any other: blacking it out would garble the text and guard nothing. */
export const MIN_SECRET_CHARS = 8;
const BASE64_BITS = 6;
/** `scheme://user:password@…`: the password is a secret by itself. */
const URL_PASSWORD = /:\/\/[^/\s:@]*:([^/\s@]+)@/;

/** Every form of every secret that is long enough, each once. */
export function formsOf(secrets: readonly string[]): Buffer[] {
  const forms = new Set<string>();
  for (const secret of secrets.flatMap(partsOf)) {
    if (secret.length < MIN_SECRET_CHARS) continue;
    for (const form of [secret, ...escapedForms(secret), ...urlForms(secret), ...base64Forms(secret)]) forms.add(form);
  }
  return [...forms].map((form) => Buffer.from(form));
}

/** A log shows a value of several lines line by line, and a program may print the password of a URL alone. */
function partsOf(secret: string): string[] {
  const lines = secret.split(/\r?\n/);
  const password = URL_PASSWORD.exec(secret)?.[1] ?? '';
  return [secret, ...(lines.length > 1 ? lines : []), password, percentDecoded(password)];
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Inside a JSON string, as the encoders of JavaScript, Go, Python and PHP write it. */
function escapedForms(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  return [
    json,
    json.replaceAll(/[<>&\u2028\u2029]/g, asUnicodeEscape),
    json.replaceAll(/[^\0-\x7f]/g, asUnicodeEscape), // oxlint-disable-line no-control-regex -- all but ASCII
    json.replaceAll('/', '\\/'),
  ];
}

const asUnicodeEscape = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Percent-encoded: a component, RFC 3986 to the letter, a path, a form; with upper and lower case digits. */
function urlForms(secret: string): string[] {
  const component = encodeURIComponent(secret.toWellFormed());
  const strict = component.replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const form = strict.replaceAll('%20', '+').replaceAll('~', '%7E');
  const upper = [component, strict, strict.replaceAll('%2F', '/'), form];
  return [...upper, ...upper.map((text) => text.replaceAll(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase()))];
}

/**
 * Base64 and base64url of a text that holds the secret anywhere: it may begin at any of three places within a group, and
 * the characters it shares with its neighbours are left out.
 */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].flatMap((offset) => {
    const whole = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    const own = whole.slice(
      Math.ceil((offset * 8) / BASE64_BITS),
      Math.floor(((offset + bytes.length) * 8) / BASE64_BITS),
    );
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')];
  });
}
