// Which values are secret by the name they stand at. A template says which of its variables are; for a user's own
// compose file the names have to tell.

const SECRET_NAME = /pass(word|wd|phrase)?|secret|token|api_?key|private|credential|_key$|^key$|salt|dsn|auth/i;
/** `scheme://user:password@…` */
const URL_WITH_PASSWORD = /:\/\/[^/\s:@]*:[^/\s@]+@/;
/** What stands in the place of a secret. Sent back it means: as it was. */
export const MASK = '***';

export const looksSecret = (name: string, value: string): boolean =>
  SECRET_NAME.test(name) || URL_WITH_PASSWORD.test(value);
