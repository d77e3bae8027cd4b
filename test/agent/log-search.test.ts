// A search in the logs of one host, in its own thread, over real files.
import { gzipSync } from 'node:zlib';
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import type { SearchRequest } from '#shared/protocol/search-parts.ts';
import { makeFolder } from '../support/folder.ts';
import { Random } from '../support/random.ts';
import { FOREIGN, startSearches, type SearchWorld, timeOf, toRecords, type LogLine } from '../support/search-host.ts';

const line = (at: number, text: string, stream: LogLine['stream'] = 'stdout'): LogLine => ({ at, stream, text });
const toFile = (lines: readonly LogLine[]): string => lines.map(toRecords).join('');
const messages = (found: { matches: { message: string }[] }) => found.matches.map(({ message }) => message);

t.test('the newest matches come first, and the answer says that all was seen', async (t) => {
  const world = startSearches(t);
  world.write('web-1', toFile([line(1, 'error one'), line(2, 'fine'), line(3, 'error two', 'stderr')]));
  const { matches, end } = await world.search({ query: 'error' });
  const origin = { serviceId: 'svc_test', container: 'web-1', isReplaced: false };
  t.same(matches, [
    { ...origin, stream: 'stderr', timestamp: timeOf(3), message: 'error two' },
    { ...origin, stream: 'stdout', timestamp: timeOf(1), message: 'error one' },
  ]);
  t.match(end, { stopped: null, searchedFrom: null, logs: 1, unreadable: [] });
});

t.test('a query is found as it is written, whatever a log file makes of it', async (t) => {
  const texts = [
    'say "hi" \\ <b>&</b>',
    'tab\there',
    'bell\u0007 nul\0 del\u007f',
    'ünï → 🚀',
    'a\u2028b',
    'cr\r',
    'x\ufffdy',
  ];
  const world = startSearches(t);
  world.write('web-1', toFile(texts.map((text, i) => line(i, text))));
  for (const text of texts) t.same(messages(await world.search({ query: text })), [text]);
  t.same(messages(await world.search({ query: 'u0009' })), [], 'and not as a log file writes something else');
  t.same(messages(await world.search({ query: 'stream' })), []);
});

t.test('case, and regular expressions', async (t) => {
  const world = startSearches(t);
  world.write('web-1', toFile([line(1, 'Error 404 Ünder'), line(2, 'error 500'), line(3, 'ERROR')]));
  t.same(messages(await world.search({ query: 'error' })), ['error 500']);
  t.same(messages(await world.search({ query: 'eRRoR', ignoresCase: true })), [
    'ERROR',
    'error 500',
    'Error 404 Ünder',
  ]);
  t.same(messages(await world.search({ query: 'üNDER', ignoresCase: true })), ['Error 404 Ünder']);
  t.same(messages(await world.search({ query: '404 Ü', ignoresCase: true })), ['Error 404 Ünder']);
  t.same(messages(await world.search({ query: '^error \\d+$', isRegex: true })), ['error 500']);
  t.same(messages(await world.search({ query: '^error \\d+', isRegex: true, ignoresCase: true })), [
    'error 500',
    'Error 404 Ünder',
  ]);
  t.same(messages(await world.search({ query: 'error.*' })), [], 'a literal query is no expression');
});

t.test('a time is kept to the nanosecond, both ends included', async (t) => {
  const world = startSearches(t);
  world.write('web-1', toFile([1, 2, 3, 4].map((at) => line(at, `x${at}`))));
  t.same(messages(await world.search({ since: timeOf(2) })), ['x4', 'x3', 'x2']);
  t.same(messages(await world.search({ until: timeOf(3) })), ['x3', 'x2', 'x1']);
  t.same(messages(await world.search({ since: timeOf(2), until: timeOf(3) })), ['x3', 'x2']);
  t.same(messages(await world.search({ since: '2026-03-29T12:00:00.000002+02:00' })), ['x4', 'x3', 'x2']);
});

t.test('a limit keeps the newest over all containers, and says from where on', async (t) => {
  const world = startSearches(t);
  world.write('a', toFile([1, 3, 5, 7].map((at) => line(at, `x${at}`))));
  world.write('b', toFile([2, 4, 6].map((at) => line(at, `x${at}`))));
  const some = await world.search({ limit: 3 });
  t.same(messages(some), ['x7', 'x6', 'x5']);
  t.match(some.end, { stopped: 'limit', searchedFrom: timeOf(5) });
  t.same(messages(await world.search({ limit: 3, until: timeOf(4) })), ['x4', 'x3', 'x2'], 'and how to go on');
  t.match((await world.search({ limit: 7 })).end, { stopped: null }, 'exactly as many as there are');
});

t.test('one log that holds more than the limit is not called all of it', async (t) => {
  const world = startSearches(t);
  world.write('web-1', toFile([1, 2, 3, 4, 5, 6, 7, 8, 9].map((at) => line(at, `x${at}`))));
  for (const limit of [1, 2, 8]) {
    const some = await world.search({ limit });
    t.equal(messages(some).length, limit);
    t.match(some.end, { stopped: 'limit', searchedFrom: timeOf(10 - limit) }, String(limit));
  }
  t.match((await world.search({ limit: 9 })).end, { stopped: null });
});

t.test('rotated files belong to the log, also compressed ones', async (t) => {
  const world = startSearches(t);
  const path = world.write('web-1', toFile([line(5, 'x5')]), toFile([line(4, 'x4')]));
  writeFileSync(`${path}.2.gz`, gzipSync(toFile([line(2, 'x2'), line(3, 'x3')])));
  writeFileSync(`${path}.3.gz`, gzipSync(toFile([line(1, 'x1')])));
  t.same(messages(await world.search({})), ['x5', 'x4', 'x3', 'x2', 'x1']);
  t.same(messages(await world.search({ limit: 3 })), ['x5', 'x4', 'x3']);
});

t.test('what cannot be read is named and hides nothing else', async (t) => {
  const world = startSearches(t, { kept: [kept(makeFolder(t, 'agent'), 'broken', 'no gzip')] });
  world.write('web-1', `${toFile([line(1, 'x1')])}{"log":"x torn\n\0\0\0\n${toFile([line(2, 'x2')])}`);
  const { matches, end } = await world.search({ query: 'x' });
  t.same(
    matches.map(({ message }) => message),
    ['x2', 'x1'],
  );
  t.match(end, { stopped: null, unreadable: ['broken'] });
  const all = await world.search({ query: 'x', isRegex: true });
  t.same(messages(all), ['x2', 'x1']);
});

t.test('what has no end of a line for megabytes hides nothing before it', async (t) => {
  const world = startSearches(t);
  const hole = `${'\0'.repeat(5 * 1024 * 1024)}\n`; // as a machine that lost power leaves it
  world.write('web-1', toFile([line(1, 'x1')]) + hole + toFile([line(2, 'x2')]));
  const found = await world.search({});
  t.same(messages(found), ['x2', 'x1']);
  t.match(found.end, { stopped: null });
});

t.test('a compressed file that went away meanwhile hides nothing else', async (t) => {
  const directory = makeFolder(t, 'agent');
  const away = { ...kept(directory, 'away', ''), path: join(directory, 'away') };
  const world = startSearches(t, { kept: [away] });
  world.write('web-1', toFile([line(1, 'x1')]));
  const found = await world.search({});
  t.same(messages(found), ['x1']);
  t.same(found.end.unreadable, ['away']);
});

t.test('what was written before the time asked for is not unpacked', async (t) => {
  const directory = makeFolder(t, 'agent');
  const broken = kept(directory, 'broken', 'no gzip');
  const world = startSearches(t, { kept: [broken] });
  const path = world.write('web-1', toFile([line(1, 'x1')]));
  writeFileSync(`${path}.1.gz`, 'no gzip');
  utimesSync(`${path}.1.gz`, broken.keptAt / 1000, broken.keptAt / 1000);
  const since = new Date(broken.keptAt + 5_000).toISOString();
  t.same((await world.search({ since })).end.unreadable, []);
  t.same((await world.search({})).end.unreadable, ['web-1', 'broken']);
});

t.test('what is kept of replaced containers is searched, unless the container is still there', async (t) => {
  const directory = makeFolder(t, 'agent');
  const old = kept(directory, 'web-1', gzipSync(toFile([line(1, 'x old')])));
  const world = startSearches(t, { kept: [old, kept(directory, 'b', gzipSync('x'), '0000000000b1')] });
  world.write('b1', toFile([line(2, 'x new')]));
  const { matches, end } = await world.search({});
  t.match(matches, [
    { message: 'x new', isReplaced: false },
    { message: 'x old', isReplaced: true, container: 'web-1' },
  ]);
  t.equal(end.logs, 2);
});

t.test('what runs under the name of a service and is not its own is not searched', async (t) => {
  const world = startSearches(t);
  world.write('web-1', toFile([line(1, 'x own')]));
  world.write(`${FOREIGN}-1`, toFile([line(2, 'x of another')]));
  const { matches, end } = await world.search({});
  t.match(matches, [{ message: 'x own' }]);
  t.equal(end.logs, 1);
});

t.test('a long line is searched as a whole and shown around its match', async (t) => {
  const world = startSearches(t);
  const at = (position: number) => `${'a'.repeat(position)}NEEDLE${'b'.repeat(60_000 - position)}`;
  const positions = [10, 16_380, 16_384, 32_765, 50_000];
  world.write(
    'web-1',
    toFile(positions.flatMap((position, i) => [line(2 * i, at(position)), line(2 * i + 1, 'NEEDLE short')])),
  );
  for (const request of [{ query: 'NEEDLE' }, { query: 'needle', ignoresCase: true }]) {
    const found = messages(await world.search(request));
    t.equal(found.length, 2 * positions.length);
    t.ok(found.every((message) => message.includes('NEEDLE') && message.length < 4100));
  }
  t.match(messages(await world.search({ query: 'aNEEDLEb' }))[0], /^…a+NEEDLEb+…$/);
});

t.test('A63: a search cannot be used to learn a secret', async (t) => {
  const secret = 'hunter2-hunter2';
  const long = `${'a'.repeat(16_377)}${secret}${'b'.repeat(20_000)}`; // divided between two pieces
  const world = startSearches(t, { secrets: [secret] });
  world.write('web-1', toFile([line(1, `password=${secret};`), line(2, long), line(3, 'stars *** of its own')]));
  for (const query of [
    secret,
    'hunter2-h',
    'hunter',
    'er2-hunter2',
    Buffer.from(secret).toString('base64').slice(0, 12),
  ])
    t.same(messages(await world.search({ query })), [], query);
  t.same(messages(await world.search({ query: 'password=h', isRegex: true })), []);
  t.same(messages(await world.search({ query: 'HUNTER', ignoresCase: true })), []);
  t.same(messages(await world.search({ query: 'password=' })), ['password=***;'], 'what is beside it is found');
  t.same(messages(await world.search({ query: '=***' })), ['password=***;'], 'and it itself as it is shown');
  t.equal((await world.search({ query: '***' })).matches.length, 3);
});

t.test('an expression that backtracks for years ends with its time, and holds up nothing', async (t) => {
  const world = startSearches(t);
  world.write('web-1', toFile([line(1, `${'a'.repeat(60)}!`), line(2, 'aab')]));
  const slow = world.search({ query: '^(a+)+b$', isRegex: true, timeoutMs: 200, customerId: 'cust_a' });
  t.same(messages(await world.search({ query: 'aab' })), ['aab'], 'another search meanwhile');
  t.match((await slow).end, { stopped: 'deadline' });
});

t.test('one who searches too much waits, and keeps nobody else from it', async (t) => {
  const world = startSearches(t);
  world.write('web-1', toFile([line(1, `${'a'.repeat(60)}!`), line(2, 'x')]));
  const slow = () => world.search({ query: '^(a+)+b$', isRegex: true, timeoutMs: 200, customerId: 'cust_a' });
  const running = slow();
  const waiting = world.search({ customerId: 'cust_a' });
  await t.rejects(slow(), { code: 'unavailable' });
  t.same(messages(await world.search({ customerId: 'cust_b' })), ['x']);
  t.match((await running).end, { stopped: 'deadline' });
  t.same(messages(await waiting), ['x'], 'its turn has come');
});

t.test('nobody is searched for who has left already', async (t) => {
  const world = startSearches(t);
  world.write('web-1', toFile([line(1, 'x')]));
  await t.rejects(world.search({}, AbortSignal.abort(new LongshoreError('cancelled'))), { code: 'cancelled' });
});

t.test('a service that the host does not know has no logs', async (t) => {
  const { matches, end } = await startSearches(t).search({ serviceIds: ['svc_other'] });
  t.same(matches, []);
  t.match(end, { stopped: null, logs: 0 });
});

t.test('what a search finds is what a reader of everything finds', async (t) => {
  for (const seed of [1, 2, 3]) {
    const random = new Random(seed);
    const lines = makeLines(random, 25_000);
    const world = startSearches(t);
    const cut = random.int(1, lines.length - 1);
    world.write('web-1', toFile(lines.slice(cut)), toFile(lines.slice(0, cut)));
    for (const request of REQUESTS) await compare(t, world, lines, request, seed);
  }
});

const REQUESTS: Partial<SearchRequest>[] = [
  { query: 'needle', limit: 1000 },
  { query: 'needle', limit: 7 },
  { query: '"quoted"', limit: 1000 },
  { query: 'NEEDLE', ignoresCase: true, limit: 1000 },
  { query: '"QuoteD"', ignoresCase: true, limit: 1000 },
  { query: 'needle [0-9]*7', isRegex: true, limit: 1000 },
  { query: 'needle', since: timeOf(20_000), until: timeOf(24_000), limit: 1000 },
];

/** Most are short, some hold what is looked for, a few are in pieces; megabytes of them. */
function makeLines(random: Random, count: number): LogLine[] {
  return Array.from({ length: count }, (_, at) => {
    const stream = random.int(0, 4) === 0 ? 'stderr' : 'stdout';
    const length = random.int(0, 400) === 0 ? random.int(10_000, 60_000) : random.int(0, 150);
    const text = '.'.repeat(length);
    const found = random.int(0, 300);
    const inside = found < 3 ? ['needle', '"quoted"', 'Needle'][found] : '';
    return line(at, `${text}${inside ?? ''}${inside === '' ? '' : ` ${at}`}${random.pick(['', '…', ' end'])}`, stream);
  });
}

async function compare(
  t: Test,
  world: SearchWorld,
  lines: readonly LogLine[],
  request: Partial<SearchRequest>,
  seed: number,
): Promise<void> {
  const { query = '', isRegex = false, ignoresCase = false, since = null, until = null, limit = 100 } = request;
  const pattern = new RegExp(isRegex ? query : query.replaceAll('"', '\\"'), ignoresCase ? 'i' : '');
  const wanted = lines
    .filter(({ text }) => pattern.test(text))
    .map(({ at }) => timeOf(at))
    .filter((time) => (since === null || time >= since) && (until === null || time <= until))
    .toReversed()
    .slice(0, limit);
  const { matches } = await world.search(request);
  t.same(
    matches.map(({ timestamp }) => timestamp),
    wanted,
    `${JSON.stringify(request)}, seed ${seed}`,
  );
}

function kept(directory: string, container: string, content: string | Buffer, containerId = 'abcdefabcdef') {
  const path = join(directory, `${container}.gz`);
  writeFileSync(path, content);
  return { path, container, containerId, isTty: false, keptAt: Date.parse('2026-03-29T11:00:00Z') };
}
