// The dialects that are spoken, and what is the same for each: a scope of its own, so that also a refusal by a hook, an
// unknown path and a broken URL are answered in its words, and none of it in our OpenAPI document.
import type { HttpDeps } from '../http/deps.ts';
import { answerError, answerErrorsAs, type AnswerError } from '../http/errors.ts';
import type { Http } from '../http/http.ts';
import { answerNotFound, type Route } from '../http/not-found.ts';
import { aikit } from './aikit/plugin.ts';
import type { Dialect } from './dialect.ts';
import { orchestrator } from './orchestrator/plugin.ts';
import { phoenix } from './phoenix/plugin.ts';

const DIALECTS: readonly Dialect[] = [aikit, orchestrator, phoenix];

/** Whose a path is; undefined: our own API's. */
export const dialectAt = (path: string): Dialect | undefined =>
  DIALECTS.find(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`));

/** For what fails before a route is found. */
export function answerErrorAt(path: string): AnswerError {
  const dialect = dialectAt(path);
  return dialect ? answerErrorsAs(dialect.wordError) : answerError;
}

/** Must come after all hooks; `routes` are all that are mounted, also those to come. */
export async function mountDialects(http: Http, deps: HttpDeps, routes: Route[]): Promise<void> {
  for (const dialect of DIALECTS) {
    await http.register(
      async (scope: Http) => {
        scope.setErrorHandler(answerErrorsAs(dialect.wordError));
        scope.addHook('onRoute', (route) => {
          route.schema = { ...route.schema, hide: true };
        });
        await dialect.mount(scope, deps);
        answerNotFound(scope, routes);
      },
      { prefix: dialect.prefix },
    );
  }
}
