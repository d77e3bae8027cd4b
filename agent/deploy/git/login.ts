// How git is told whom it is to be: by its environment, which only its own user can read (Git 2.31 or newer). Neither an
// argument nor a file ever holds the token.
import type { GitSource } from '#shared/model.ts';

/** What an HTTP request says, RFC 7617; undefined for one that says nothing. */
export function authorizationOf({ login }: Pick<GitSource, 'login'>): string | undefined {
  return login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
}

/**
 * For the one git that talks to the repository's host. The header goes to that origin alone; a redirect is an error then,
 * because git would take the header along to wherever it leads.
 */
export function environmentFor({ url, login }: GitSource, caFile?: string): Record<string, string> {
  const trust = caFile === undefined ? {} : { GIT_SSL_CAINFO: caFile };
  const authorization = authorizationOf({ login });
  if (authorization === undefined) return trust;
  const settings = [
    [`http.${new URL(url).origin}/.extraHeader`, `Authorization: ${authorization}`],
    ['http.followRedirects', 'false'],
  ];
  return {
    ...trust,
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(([name = '', value = ''], n) => [
        [`GIT_CONFIG_KEY_${n}`, name],
        [`GIT_CONFIG_VALUE_${n}`, value],
      ]),
    ),
  };
}
