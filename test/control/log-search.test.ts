// A search over many hosts through the real API: who is asked what, how answers become one, what is said of the rest.
import t, { type Test } from 'tap';
import { encodeSearchNews, type LogMatch, type SearchEnd, type SearchRequest } from '#shared/protocol/search-parts.ts';
import { aborted } from '#shared/time.ts';
import type { StreamWriter } from '#shared/protocol/peer-types.ts';
import { runCli } from '../support/cli.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import type { FakeHost } from '../support/fake-host.ts';
import { startRealHttp } from '../support/real-http.ts';

interface Answer {
  matches: { message: string; service_id: string; service_name: string; host_id: string; timestamp: string }[];
  complete: boolean;
  hosts: { host_name: string; complete: boolean; reason: string | null; searched_from: string | null }[];
}

const END: SearchEnd = { kind: 'ended', stopped: null, searchedFrom: null, scannedBytes: 10, logs: 1, unreadable: [] };
const at = (second: number): string => `2026-03-29T10:00:${String(second).padStart(2, '0')}.000000000Z`;
const found = (serviceId: string, second: number, message = `line ${second}`): LogMatch => ({
  serviceId,
  container: 'web-1',
  isReplaced: false,
  stream: 'stdout',
  timestamp: at(second),
  message,
});

/** Finds these lines, then says this. */
const finds =
  (seconds: number[], end: Partial<SearchEnd> = {}) =>
  async ({ serviceIds }: SearchRequest, writer: Pick<StreamWriter, 'write'>, opened: () => void): Promise<void> => {
    opened();
    const matches = seconds.map((second) => found(serviceIds[0] ?? '', second));
    await writer.write(encodeSearchNews({ kind: 'found', matches }));
    await writer.write(encodeSearchNews({ ...END, ...end }));
  };

type Search = NonNullable<FakeHost['streams']['search']>;

/** Two hosts with a service each. */
async function start(t: Test, searches: [one: Search, two: Search] = [finds([1, 3, 5]), finds([2, 4])]) {
  const world = new ControlWorld(t);
  const asked: SearchRequest[] = [];
  const joinWith = async (name: string, zone: string, search: Search) => {
    const host = await world.join({ zone }, name);
    host.streams = {
      search: (request, writer, opened) => {
        asked.push(request);
        return search(request, writer, opened);
      },
    };
    await host.connect(world);
    return { host, id: await world.deployed(host, `shop-${name}`) };
  };
  const one = await joinWith('one', 'eu', searches[0]);
  const two = await joinWith('two', 'us', searches[1]);
  const { http, key } = await startRealHttp(t, { world });
  const search = (query: string, secret = key) => http.get<Answer>(`/api/logs/search?${query}`, secret);
  const keyOf = async (bound: { customerId?: string; hostLabels?: Record<string, string> }) =>
    (await world.app.keys.create(ADMIN, { name: 'bound', permissions: ['services.logs'], ...bound })).secret;
  return { world, one, two, asked, http, key, search, keyOf };
}

const messages = ({ body }: { body: Answer }) => body.matches.map(({ message }) => message);

t.test('lines of all hosts come as one, the newest first', async (t) => {
  const { search, one, two, asked } = await start(t);
  const answer = await search('q=line');
  t.same(messages(answer), ['line 5', 'line 4', 'line 3', 'line 2', 'line 1']);
  t.match(answer.body.matches[1], {
    service_id: two.id,
    service_name: 'shop-two',
    host_id: two.host.id,
    timestamp: at(4),
    replaced: false,
  });
  t.match(answer.body, { complete: true, hosts: [{ host_name: 'one', reason: null }, { host_name: 'two' }] });
  t.same(
    asked.map(({ serviceIds }) => serviceIds),
    [[one.id], [two.id]],
    'each host is asked of its own services',
  );
  t.match(asked[0], { query: 'line', isRegex: false, ignoresCase: false, limit: 100, timeoutMs: 10_000, since: null });
});

t.test('more than the limit is left out, which is said', async (t) => {
  const { search } = await start(t);
  const answer = await search('q=line&limit=3');
  t.same(messages(answer), ['line 5', 'line 4', 'line 3']);
  t.equal(answer.body.complete, false);
});

t.test('a host that is away is not taken for one without matches', async (t) => {
  const { search, two } = await start(t);
  two.host.disconnect();
  const answer = await search('q=line');
  t.same(messages(answer), ['line 5', 'line 3', 'line 1']);
  t.match(answer.body, { complete: false, hosts: [{ complete: true }, { complete: false, reason: 'host_offline' }] });
});

t.test('one that goes away meanwhile, fails, is of an older version or could not see all says so', async (t) => {
  const goes: Search = async (_, writer, opened) => {
    opened();
    await aborted(writer.signal);
  };
  const cases: [Search, string][] = [
    [async () => Promise.reject(new TypeError('broken')), 'internal'],
    [finds([9], { stopped: 'deadline', searchedFrom: at(8) }), 'deadline'],
    [finds([9], { unreadable: ['web-1'] }), 'unreadable'],
  ];
  for (const [far, reason] of cases) {
    const { search } = await start(t, [finds([1]), far]);
    const { body } = await search('q=line');
    t.match(body, { complete: false, hosts: [{ complete: true }, { complete: false, reason }] }, reason);
  }
  const { search, two, asked } = await start(t, [finds([1]), goes]);
  const answer = search('q=line');
  await eventually(() => asked.length, { until: (count) => count === 2 });
  two.host.disconnect();
  t.match((await answer).body.hosts[1], { reason: 'host_offline' });

  const older = await start(t);
  older.two.host.disconnect();
  older.two.host.streams = {};
  await older.two.host.connect(older.world);
  t.match((await older.search('q=line')).body.hosts[1], { reason: 'not_supported' });
});

t.test('a host that never answers holds nobody up past the time', async (t) => {
  const silent: Search = async (_, writer, opened) => {
    opened();
    await writer.write(encodeSearchNews({ kind: 'found', matches: [] }));
    await aborted(writer.signal);
  };
  const { world, search, asked } = await start(t, [finds([1]), silent]);
  const answer = search('q=line&timeout=5');
  await eventually(() => asked.length, { until: (count) => count === 2 });
  world.clock.advance(5_000);
  world.clock.advance(2_000);
  t.match((await answer).body, {
    matches: [{ message: 'line 1' }],
    hosts: [{ complete: true }, { complete: false, reason: 'deadline' }],
  });
});

t.test('a service or a host by id or name', async (t) => {
  const { search, one, two, asked } = await start(t);
  for (const query of [`service=${one.id}`, 'service=shop-one', `host=${one.host.id}`, 'host=one'])
    t.same(messages(await search(`q=line&${query}`)), ['line 5', 'line 3', 'line 1'], query);
  t.ok(asked.every(({ serviceIds }) => serviceIds[0] === one.id));
  for (const query of ['service=other', 'host=other', `service=${two.id}&host=one`])
    t.equal((await search(`q=line&${query}`)).status, 404, query);
});

t.test('a key that is bound sees its own, and nothing else is there for it', async (t) => {
  const { search, keyOf, asked, one, two, world } = await start(t);
  const { id: customerId } = await world.app.customers.create(ADMIN, { name: 'Acme' });
  const inUs = await keyOf({ hostLabels: { zone: 'us' } });
  t.same(messages(await search('q=line', inUs)), ['line 4', 'line 2']);
  for (const query of [`service=${one.id}`, 'host=one', `host=${one.host.id}`])
    t.equal((await search(`q=line&${query}`, inUs)).status, 404, query);
  t.equal(asked.at(-1)?.customerId, null);
  const acme = await keyOf({ customerId });
  t.same((await search('q=line', acme)).body, { matches: [], complete: true, hosts: [] });
  t.equal((await search(`q=line&service=${two.id}`, acme)).status, 404);
  await world.deployed(two.host, 'theirs', { customerId });
  t.equal((await search('q=line', acme)).status, 200);
  t.equal(asked.at(-1)?.customerId, customerId, 'a host knows whose turn it is');
  const { secret } = await world.app.keys.create(ADMIN, { name: 'blind', permissions: ['services.read'] });
  t.equal((await search('q=line', secret)).status, 403);
});

t.test('a host tells of no other services, and no more than it was asked for', async (t) => {
  const tells: Search = async ({ serviceIds: [own = ''] }, writer, opened) => {
    opened();
    const matches = [found('svc_of_another', 9), ...[8, 7, 6].map((second) => found(own, second))];
    await writer.write(encodeSearchNews({ kind: 'found', matches }));
    await writer.write(encodeSearchNews(END));
  };
  const { search } = await start(t, [finds([]), tells]);
  t.same(messages(await search('q=line&limit=2')), ['line 8', 'line 7']);
});

t.test('what is no query is refused before a host is asked', async (t) => {
  const { search, asked } = await start(t);
  const cases: [string, number, string][] = [
    ['', 400, 'q'],
    ['q=', 400, 'q'],
    [`q=${'x'.repeat(501)}`, 400, 'q'],
    ['q=x&limit=1001', 400, 'limit'],
    ['q=x&timeout=31', 400, 'timeout'],
    ['q=x&since=yesterday', 400, 'since'],
    ['q=(x&regex=true', 422, 'q'],
    ['q=a%0Ab', 422, 'q'],
    ['q=x&since=2026-03-29T10:00:00Z&until=2026-03-29T09:00:00Z', 422, 'since'],
  ];
  const says: Record<string, RegExp> = {
    '': /a line must hold/,
    'q=(x&regex=true': /Invalid regular expression: .*Unterminated group/,
  };
  for (const [query, status, field] of cases) {
    const answer = await search(query);
    t.match(answer, { status, body: { error: { fields: { [field]: says[query] ?? String } } } }, query);
  }
  t.equal(asked.length, 0);
  t.equal((await search('q=(x')).status, 200, 'a bracket is a bracket');
});

t.test('as NDJSON lines come while hosts search', async (t) => {
  const isRead = Promise.withResolvers<void>();
  const late: Search = async (request, writer, opened) => {
    opened();
    await isRead.promise;
    await finds([4])(request, writer, () => undefined);
  };
  const { http, key } = await start(t, [finds([5]), late]);
  const headers = { authorization: `Bearer ${key}`, accept: 'application/x-ndjson' };
  const answer = await fetch(`${http.url}/api/logs/search?q=line`, { headers });
  t.match(answer.headers.get('content-type'), /^application\/x-ndjson/);
  let text = '';
  for await (const chunk of answer.body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString('utf8');
    if (text.includes('line 5')) isRead.resolve();
  }
  const events = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  t.match(events, [
    { type: 'match', message: 'line 5', service_name: 'shop-one' },
    { type: 'host', host_name: 'one', complete: true },
    { type: 'match', message: 'line 4' },
    { type: 'host', host_name: 'two', complete: true },
  ]);
});

t.test('when nobody waits any more, no host searches on', async (t) => {
  const left = Promise.withResolvers<void>();
  const waits: Search = async (_, writer, opened) => {
    opened();
    await aborted(writer.signal);
    left.resolve();
  };
  const { http, key, asked } = await start(t, [finds([1]), waits]);
  const abort = new AbortController();
  const headers = { authorization: `Bearer ${key}` };
  const answer = fetch(`${http.url}/api/logs/search?q=line`, { headers, signal: abort.signal });
  answer.catch(() => undefined);
  await eventually(() => asked.length, { until: (count) => count === 2 });
  abort.abort();
  await t.rejects(answer);
  await left.promise;
  t.pass('the stream of the host ended');
});

t.test('on the command line the newest is last, and what was not searched is said', async (t) => {
  const { http, key, two } = await start(t, [finds([1, 3], { stopped: 'limit', searchedFrom: at(1) }), finds([2])]);
  two.host.disconnect();
  const api = { url: http.url, env: { LONGSHORE_API_KEY: key } };
  const run = await runCli(['logs', 'search', 'line', '--since', '2026-03-29T00:00:00Z', '-i'], api);
  t.same(run, {
    exitCode: 0,
    stdout: `web-1 | ${at(1)} line 1\nweb-1 | ${at(3)} line 3\n`,
    stderr: `one: searched back to ${at(1)} (enough was found)\ntwo: not searched (host_offline)\n`,
  });
});
