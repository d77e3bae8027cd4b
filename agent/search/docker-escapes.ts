// Text as dockerd's json-file driver writes it (moby, daemon/logger/jsonfilelog/jsonlog).

// oxlint-disable-next-line no-control-regex -- these are what is escaped
const ESCAPED = /[\u0000-\u001f"\\<>&\u2028\u2029]/g;
const SHORT: Record<string, string> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r' };

export const escapeAsDocker = (text: string): string =>
  text.replaceAll(ESCAPED, (char) => SHORT[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
