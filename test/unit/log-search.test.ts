// The decisions of a search: what lies in a file for a query, where to begin reading, in which order logs are read.
import type { FileHandle } from 'node:fs/promises';
import t from 'tap';
import type { LogMatch, SearchStop } from '#shared/protocol/search-parts.ts';
import { chooseCut, FileScan } from '../../agent/search/file-scan.ts';
import { LineSearch } from '../../agent/search/line-search.ts';
import { asWritten, createMatcher, excerpt, probeOf } from '../../agent/search/matcher.ts';
import { RecordSearch } from '../../agent/search/record-search.ts';
import { endOfLine, findPiece, wantedRegions } from '../../agent/search/regions.ts';
import { ChainedScan, DONE, UNSEEN, type Scan } from '../../agent/search/scan.ts';
import { sweep } from '../../agent/search/sweep.ts';
import { SearchTurns } from '../../agent/search/turns.ts';
import { createVeil } from '../../agent/search/veil.ts';
import { toRecords, type LogLine } from '../support/search-host.ts';

const LITERAL = { isRegex: false, ignoresCase: false };
const line = (text: string, at = 1, stream: LogLine['stream'] = 'stdout') => toRecords({ at, stream, text });
const LONG = 'l'.repeat(40_000);

t.test('a file that was cut short meanwhile shows nothing of what else was in memory', async (t) => {
  const stale = Buffer.from(line('of another'));
  const read = async (bytes: Buffer) => {
    stale.copy(bytes);
    return { bytesRead: 0 };
  };
  const parts = [{ handle: { read } as unknown as FileHandle, start: 0, end: 3 * 1024 * 1024 }];
  const lines = new LineSearch({
    find: () => 0,
    mask: undefined,
    span: { since: null, until: null },
    limit: 100,
    origin: { serviceId: 'svc_test', container: 'web-1', isReplaced: false },
  });
  const scan = new FileScan(parts, new RecordSearch(lines, undefined, false), lines, {
    spend: () => true,
    exhaust: () => undefined,
  });
  const found: string[] = [];
  while (scan.reached !== DONE) found.push(...(await scan.step()).map(({ message }) => message));
  t.same(found, []);
});

t.test('a literal query is looked for as dockerd writes it', async (t) => {
  const needle = (query: string, hasSecrets = false) => asWritten({ query, ...LITERAL }, hasSecrets);
  t.equal(needle('plain ünï'), 'plain ünï');
  t.equal(needle('"a\\b"\t<&>\u0007'), '\\"a\\\\b\\"\\u0009\\u003c\\u0026\\u003e\\u0007');
  t.equal(needle('a\u2028b'), 'a\\u2028b');
  t.equal(needle('bad \ufffd'), undefined, 'written in two ways');
  t.equal(needle('a*b'), 'a*b');
  t.equal(needle('a*b', true), undefined, 'may be a hidden secret');
  t.equal(asWritten({ query: 'a', isRegex: true, ignoresCase: false }, false), undefined);
  t.equal(asWritten({ query: 'É', isRegex: false, ignoresCase: true }, false), undefined, 'not ASCII');
});

t.test('a literal query has no special characters, also when case does not count', async (t) => {
  const find = createMatcher({ query: 'A.(b', isRegex: false, ignoresCase: true });
  t.equal(find('xx a.(B'), 3);
  t.equal(find('axx(b'), -1);
});

t.test('a long line is shown around its match', async (t) => {
  t.equal(excerpt('short', 2), 'short');
  t.match(excerpt(`${'a'.repeat(100)}X${'b'.repeat(9000)}`, 100), /^a{100}Xb{3995}…$/);
  t.match(excerpt(`${'a'.repeat(9000)}X${'b'.repeat(9000)}`, 9000), /^…a{512}Xb{3583}…$/);
  t.match(excerpt(`${'a'.repeat(9000)}X`, 9000), /^…a{512}X$/);
  t.ok(excerpt('🚀'.repeat(5000), 5001).isWellFormed());
});

t.test('only records that hold the bytes are read, and lines in pieces', async (t) => {
  const records = ['none', 'a hit', 'none', LONG, 'none', 'hit and hit'].map((text, i) => line(text, i));
  const bytes = Buffer.from(records.join(''));
  const found = (query: string, ignoresCase: boolean) => {
    const probe = probeOf({ query, isRegex: false, ignoresCase });
    return probe && wantedRegions(bytes, probe).map(([from, to]) => bytes.toString('utf8', from, to));
  };
  t.same(found('hit', false), [records[1], records[3], records[5]]);
  t.same(found('HIT', true), [records[1], records[3], records[5]]);
  t.same(found('HIT', false), [records[3]]);
});

t.test('A63: a guess at a secret reads no more lines than any other, so that no time tells', async (t) => {
  const secret = 'pass"word<1>';
  const veil = createVeil([secret]);
  const texts = [secret, JSON.stringify({ secret }), Buffer.from(secret).toString('base64'), `it is ${secret}!`];
  const bytes = Buffer.from(texts.map((text, i) => line(text, i)).join(''));
  for (const query of [
    secret,
    'pass',
    'pass"w',
    'ord<1',
    'is pass',
    Buffer.from(secret).toString('base64').slice(0, 9),
  ])
    for (const ignoresCase of [true, false]) {
      const regions = (probe = probeOf({ query, isRegex: false, ignoresCase }, veil)) =>
        probe && wantedRegions(bytes, probe);
      t.same(regions(), [], query);
    }
  const beside = probeOf({ query: 'it is ', ...LITERAL }, veil);
  t.equal(beside && wantedRegions(bytes, beside).length, 1, 'what is beside it is found');
  t.equal(createVeil(['short']), undefined);
});

t.test('searches begin in the order of asking, two at a time and one of each customer', async (t) => {
  const turns = new SearchTurns();
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const ask = (customer: string, name: string, signal = new AbortController().signal) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    ends.set(name, resolve);
    return turns.run(customer, () => (begun.push(name), promise), signal);
  };
  const end = async (name: string, search: Promise<void>) => {
    ends.get(name)?.();
    await search;
    await new Promise(setImmediate);
  };
  const left = new AbortController();
  const [a1, a2, , b1, c1] = [
    ask('a', 'a1'),
    ask('a', 'a2'),
    ask('a', 'a3', left.signal).catch(() => 0),
    ask('b', 'b1'),
    ask('c', 'c1'),
  ];
  await new Promise(setImmediate);
  t.same(begun, ['a1', 'b1']);
  left.abort();
  await end('b1', b1);
  t.same(begun, ['a1', 'b1', 'c1'], 'not a2: another of the same runs');
  await end('a1', a1);
  await end('a2', a2);
  await end('c1', c1);
  t.same(begun, ['a1', 'b1', 'c1', 'a2']);
});

t.test('a line in pieces ends with the piece of its own stream', async (t) => {
  const pieces = line(LONG, 1).split(/(?<=\n)/);
  const [first = '', second = '', third = ''] = pieces;
  const other = line('between', 2, 'stderr');
  const bytes = Buffer.from(line('before') + first + other + second + third + line('after'));
  const start = findPiece(bytes, 0, bytes.length);
  t.equal(start, line('before').length);
  t.equal(bytes.toString('utf8', start, endOfLine(bytes, start)), first + other + second + third);
  t.equal(findPiece(Buffer.from(line('x').repeat(2000)), 0, 1e9), -1);
});

t.test('reading begins with a line', async (t) => {
  const short = line('short');
  const cutAt = (text: string, wanted: number) => {
    const { at, isInLine } = chooseCut(Buffer.from(text), wanted);
    return { rest: text.slice(at), isInLine };
  };
  const tail = 'd of a record\n';
  t.same(cutAt(tail + short.repeat(3), tail.length + 5), { rest: short.repeat(2), isInLine: false });
  const long = line(LONG);
  const before = tail + short + long;
  t.same(cutAt(before + short.repeat(2), before.length - 100), { rest: long + short.repeat(2), isInLine: false });
  const inside = long.split(/(?<=\n)/).slice(1);
  const middle = tail + inside.join('');
  t.same(cutAt(middle + short.repeat(3), middle.length - 100), { rest: short.repeat(3), isInLine: false }, 'after one');
  const whole = long.split(/(?<=\n)/).slice(0, 2);
  t.match(cutAt(tail + whole.join(''), tail.length + 100), { isInLine: true }, 'all of it is one line');
  t.match(cutAt('x'.repeat(1000), 500), { isInLine: true }, 'no record at all');
});

/** Gives its matches step by step; each step reaches the time of its last one. */
class ListScan implements Scan {
  reached = UNSEEN;
  steps = 0;
  readonly #batches: number[][];

  constructor(...batches: number[][]) {
    this.#batches = batches;
  }

  async step(): Promise<LogMatch[]> {
    this.steps++;
    const batch = this.#batches.shift() ?? [];
    this.reached = this.#batches.length === 0 ? DONE : stamp(batch.at(-1) ?? 0);
    return batch.map((at) => ({ timestamp: stamp(at) }) as LogMatch);
  }
}

const stamp = (at: number): string => String(at).padStart(30, '0');

async function run(scans: Scan[], limit: number, stopAfter = Infinity) {
  const found: number[] = [];
  const unreadable: Scan[] = [];
  let steps = 0;
  const stopReason = (): SearchStop | null => (++steps > stopAfter ? 'deadline' : null);
  const onFound = (matches: LogMatch[]) => void found.push(...matches.map(({ timestamp }) => Number(timestamp)));
  const onUnreadable = (scan: Scan) => void unreadable.push(scan);
  const swept = await sweep(scans, { limit, stopReason, onFound, onReached: () => undefined, onUnreadable });
  return { found, unreadable, ...swept };
}

t.test('matches of several logs come in the order of time', async (t) => {
  const scans = [new ListScan([9, 5], [3]), new ListScan([8, 7], [2, 1]), new ListScan()];
  t.match(await run(scans, 100), { found: [9, 8, 7, 5, 3, 2, 1], stopped: null, searchedFrom: null });
});

t.test('nothing is read that lies before the last line wanted', async (t) => {
  const [near, far] = [new ListScan([9, 8], [7, 6], [5, 4]), new ListScan([3, 2], [1])];
  t.match(await run([near, far], 3), { found: [9, 8, 7], stopped: 'limit', searchedFrom: stamp(7) });
  t.equal(near.steps, 2);
  t.equal(far.steps, 1);
  t.match(await run([new ListScan([2, 1])], 2), { found: [2, 1], stopped: null }, 'as many as there are');
  t.match(await run([new ListScan([6, 5, 4, 3, 2, 1])], 1), { found: [6], stopped: 'limit' }, 'more than are held');
});

t.test('when it must stop it gives what it has, and says up to where that is all', async (t) => {
  const scans = [new ListScan([9, 8], [7], [1]), new ListScan([6, 2], [1])];
  t.match(await run(scans, 100, 2), { found: [9, 8, 6, 2], stopped: 'deadline', searchedFrom: stamp(8) });
  t.match(await run([new ListScan([1])], 100, 0), { found: [], stopped: 'deadline', searchedFrom: null });
});

t.test('a log that fails hides no other', async (t) => {
  const broken: Scan = { reached: UNSEEN, step: async () => Promise.reject(new RangeError('gone')) };
  t.match(await run([broken, new ListScan([1])], 10), { found: [1], unreadable: [broken], stopped: null });
});

t.test('parts of a log are one log, the newest first', async (t) => {
  const old = new ListScan([4], [3]);
  const chain = new ChainedScan([new ListScan([9], [8]), old]);
  t.match(await run([chain, new ListScan([5])], 3), { found: [9, 8, 5] });
  t.equal(old.steps, 1, 'how far the first part reached is all that is known before');
  t.equal(new ChainedScan([]).reached, DONE);
});
