// Which question a request asks: path and method in, a name and what it is about out. Pure.
import { LongshoreError } from '#shared/errors.ts';
import { LOCAL_VERBS, type LocalVerb } from '#shared/local.ts';

export type Route =
  | { name: 'status' | 'services' | 'jobs' | 'events' }
  | { name: 'act'; service: string; verb: LocalVerb }
  | { name: 'logs'; service: string }
  | { name: 'job'; id: string };

type Build = (...parts: string[]) => Route;

/** Of a name or an id; whatever else stands there is unknown anyway. */
const REF = '([^/]{1,200})';

const ROUTES: [method: 'GET' | 'POST', path: RegExp, build: Build][] = [
  ['GET', /^\/status$/, () => ({ name: 'status' })],
  ['GET', /^\/services$/, () => ({ name: 'services' })],
  [
    'POST',
    new RegExp(`^/services/${REF}/(${LOCAL_VERBS.join('|')})$`),
    (service = '', verb = '') => ({ name: 'act', service, verb: verb as LocalVerb }),
  ],
  ['GET', new RegExp(`^/services/${REF}/logs$`), (service = '') => ({ name: 'logs', service })],
  ['GET', /^\/jobs$/, () => ({ name: 'jobs' })],
  ['GET', new RegExp(`^/jobs/${REF}$`), (id = '') => ({ name: 'job', id })],
  ['GET', /^\/events$/, () => ({ name: 'events' })],
];

/** Throws `not_found` for another path, `method_not_allowed` for another method of a path that is there. */
export function routeOf(method: string, path: string): Route {
  const here = ROUTES.flatMap(([wanted, pattern, build]) => {
    const match = pattern.exec(path);
    return match ? [{ wanted, route: build(...match.slice(1).map(decode)) }] : [];
  });
  const found = here.find(({ wanted }) => wanted === method);
  if (found) return found.route;
  throw new LongshoreError(here.length > 0 ? 'method_not_allowed' : 'not_found');
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
