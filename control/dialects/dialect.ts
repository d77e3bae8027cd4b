// What a dialect is: another system's API over our app layer. It owns paths, identifiers, shapes and the words of its
// errors. Who may call, what is counted and what is audited is decided by the hooks of control/http, as for our own API.
import type { HttpDeps } from '../http/deps.ts';
import type { WordError } from '../http/errors.ts';
import type { Http } from '../http/http.ts';

export interface Dialect {
  /** As in docs/dialects.md; also its folder. */
  name: string;
  /** Whatever lies at or below it is the dialect's, also what is not there. */
  prefix: string;
  wordError: WordError;
  /** Its clients read the headers of limits as of an hour. */
  countsByHour?: true;
  /** Adds its routes, with paths relative to the prefix; the one at the prefix itself is ''. */
  mount(http: Http, deps: HttpDeps): void | Promise<void>;
}
