// History from json-file logs: what is found by seeking equals what a reader of everything would pick.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { fileHistory } from '../../agent/docker/log-file.ts';
import type { HistoryRange } from '../../agent/docker/log-history.ts';
import type { ContainerView, LogEntry } from '#shared/model.ts';
import { entry, fromFrame, toFrame } from '../support/log-lines.ts';

const container: ContainerView = {
  id: 'c1',
  name: 'web-1',
  service: 'web',
  image: 'busybox:1',
  imageId: 'sha256:0',
  state: 'running',
  health: 'unknown',
  exitCode: null,
  startedAt: 0,
  ports: [],
};
const noMask = () => undefined;
const FROM_API = entry(1, { message: 'from the API' });

/** As Docker writes it: zeros at the end of the fraction left out. */
const record = (line: LogEntry, log: string) =>
  `${JSON.stringify({ log, stream: line.stream, time: line.timestamp.replace(/\.?0+Z$/, 'Z') })}\n`;

/** Lines of all kinds, four a second, and how Docker stores them. */
function makeLog(count: number): { lines: LogEntry[]; records: string[] } {
  const lines: LogEntry[] = [];
  const records: string[] = [];
  for (let n = 0; n < count; n++) {
    const stream = n % 5 === 0 ? 'stderr' : 'stdout';
    const text = n % 101 === 7 ? 'long '.repeat(4000) : n % 13 === 0 ? `"esc\\aped" \u001b[1m <é> ${n}` : `line ${n}`;
    const line = entry(n * 5000, { stream, message: text });
    const pieces = text.match(/[^]{1,16384}/g) ?? [];
    records.push(pieces.map((piece, i) => record(line, i < pieces.length - 1 ? piece : `${piece}\n`)).join(''));
    const cut = `${text.slice(0, 16_384)}… [cut, ${text.length - 16_384} bytes more]`;
    lines.push(text.length > 16_384 ? { ...line, message: cut } : line);
  }
  return { lines, records };
}

async function* api(): AsyncGenerator<Buffer> {
  yield toFrame([FROM_API]);
}

async function read(path: string, range: Partial<HistoryRange> = {}): Promise<LogEntry[]> {
  const history = fileHistory(() => Promise.resolve({ path, isTty: false }), noMask, api);
  return collect(history(container, { tail: null, since: null, ...range }));
}

async function collect(frames: AsyncIterable<Buffer>): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for await (const frame of frames) entries.push(...fromFrame(frame));
  return entries;
}

const logPath = (t: Test) => join(t.testdir({}), 'c1-json.log');

t.test('a log of several megabytes', async (t) => {
  const path = logPath(t);
  const { lines, records } = makeLog(8000);
  writeFileSync(path, `${records.join('')}{"log":"half a rec`);

  t.test('is read whole, without the record that is being written', async (t) => {
    t.same(await read(path), lines);
  });

  t.test('by a number of lines from the end', async (t) => {
    for (const tail of [1, 2, 50, 4321, 7999, 8000, 9000]) t.same(await read(path, { tail }), lines.slice(-tail));
  });

  t.test('from a time on, in any offset', async (t) => {
    for (const n of [0, 1, 777, 4000, 7999]) {
      t.same(await read(path, { since: lines[n]?.timestamp ?? '' }), lines.slice(n));
    }
    t.same(await read(path, { since: '2026-03-29T12:00:20+02:00' }), lines.slice(4000));
    t.same(await read(path, { since: '2026-03-29T10:00:20.000000001Z' }), lines.slice(4001));
    t.same(await read(path, { since: '2030-01-01T00:00:00Z' }), []);
  });
});

t.test('rotated files are one log', async (t) => {
  const path = logPath(t);
  const { lines, records } = makeLog(6000);
  // A long line may be split by the rotation as well.
  const all = records.join('');
  const turn = all.indexOf('\n', all.length / 2) + 1;
  writeFileSync(`${path}.2`, records.slice(0, 100).join(''));
  writeFileSync(`${path}.1`, all.slice(records.slice(0, 100).join('').length, turn));
  writeFileSync(path, all.slice(turn));
  t.same(await read(path), lines);
  t.same(await read(path, { since: lines[50]?.timestamp ?? '' }), lines.slice(50));
  t.same(await read(path, { tail: 5950 }), lines.slice(-5950));
  writeFileSync(`${path}.3.gz`, '');
  t.same(await read(path), [FROM_API], 'a compressed part is for the Engine');
});

t.test('what cannot be read goes through the Engine', async (t) => {
  const path = logPath(t);
  t.same(await read(path), [FROM_API], 'no such file');
  writeFileSync(path, '');
  t.same(await read(path), []);
  rmSync(path);
  const noFile = fileHistory(() => Promise.resolve(undefined), noMask, api);
  const refused = fileHistory(() => Promise.reject(new Error('no Docker')), noMask, api);
  for (const history of [noFile, refused]) {
    t.same(await collect(history(container, { tail: null, since: null })), [FROM_API]);
  }
});
