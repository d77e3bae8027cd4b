// Searching logs. Read only; hosts do the work.
import { Readable } from 'node:stream';
import type { App } from '../../app/api/app.ts';
import type { SearchEvent } from '../../app/api/log-search.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import * as view from '../views/log-search.ts';

const NDJSON_TYPE = 'application/x-ndjson';
/** Longer than any search is silent: who takes no line for so long has stopped reading, and lines wait for them here. */
const SILENCE_LIMIT_MS = 60_000;

export function mountLogSearch(http: Http, { logSearch }: Pick<App, 'logSearch'>): void {
  http.get(
    '/api/logs/search',
    {
      config: { permission: 'services.logs' },
      schema: {
        tags: ['logs'],
        summary: 'Search the logs of services',
        description:
          'Every host looks through its own logs, those of replaced containers among them. The answer comes when all have ' +
          'looked or the time is over, and says for each host how far it came. With `Accept: application/x-ndjson` ' +
          'lines come as they are found, as `{"type":"match",…}` and `{"type":"host",…}`, each host up to `limit`.',
        querystring: view.searchQuery,
        response: { 200: view.searchView },
      },
    },
    async (request, reply) => {
      const query = view.fromSearchQuery(request.query);
      const left = new AbortController();
      reply.raw.once('close', () => left.abort()); // who asked has left: no host need look on
      if (request.headers.accept?.includes(NDJSON_TYPE) !== true)
        return view.toSearchView(await logSearch.run(callerOf(request), query, left.signal));
      reply.raw.setTimeout(SILENCE_LIMIT_MS, () => reply.raw.destroy());
      const events = logSearch.open(callerOf(request), query, left.signal);
      void reply.type(`${NDJSON_TYPE}; charset=utf-8`);
      return Readable.from(toLines(events)) as never; // the same views, written already
    },
  );
}

async function* toLines(events: AsyncIterable<SearchEvent>): AsyncGenerator<string> {
  for await (const event of events) yield view.toEventLine(event);
}
