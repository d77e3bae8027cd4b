// `search`: a word in the log of one container, from asking the agent to its last word, against `docker logs | grep`.
// Both read the same file, which this writes as dockerd does: Docker itself would take minutes to write it.
// usage: MB=1024 ROUNDS=3 node bench/search.ts   (root: it writes and reads Docker's files)
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { silentLogger } from '#shared/log.ts';
import { decodeSearchNews, type SearchEnd, type SearchRequest } from '#shared/protocol/search-parts.ts';
import { systemClock } from '#shared/time.ts';
import { createDockerEngine } from '../agent/docker/docker-engine.ts';
import { findLogFileBy } from '../agent/docker/log-path.ts';
import { Searches } from '../agent/search/searches.ts';
import { docker, ensureImages, removeProject, uniqueName } from '../test/support/docker.ts';
import { percentile, printTable, round, timeMs } from './support/report.ts';

const MB = Number(process.env['MB'] ?? 1024);
const ROUNDS = Number(process.env['ROUNDS'] ?? 3);
const SOCKET = process.env['DOCKER_SOCKET'] ?? '/var/run/docker.sock';
/** 100 bytes with the newline, like an access log. */
const TEXT = 'GET /api/v1/orders/4711?expand=customer,lines HTTP/1.1 200 1532 "-" agent/2.4 rt=0.012 id=7f3a9c0d1';
const NEEDLE = 'upstream timed out';
/** In the whole log: fewer than a search gives, so that it has to see everything. */
const MATCHES = 200;
const LIMIT = 1000;
const BLOCK_LINES = 10_000;
const LINE_BYTES = TEXT.length + 1;

const project = uniqueName('bench-search');

/** A container that has ended, with a log of so many lines. */
async function makeLog(lines: number): Promise<string> {
  await ensureImages();
  const label = `com.docker.compose.project=${project}`;
  const id = await docker(['run', '-d', '--name', `${project}-web-1`, '--label', label, 'busybox:1', 'true']);
  await docker(['wait', id]);
  const path = await docker(['inspect', '--format', '{{.LogPath}}', id]);
  const file = await open(path, 'a');
  const every = Math.floor(lines / MATCHES);
  const startMs = Date.now() - lines;
  for (let at = 0; at < lines; at += BLOCK_LINES) {
    const count = Math.min(BLOCK_LINES, lines - at);
    await file.write(Array.from({ length: count }, (_, i) => record(at + i, startMs + at + i, every)).join(''));
  }
  await file.close();
  return id;
}

function record(line: number, ms: number, every: number): string {
  const text = line % every === every - 1 ? TEXT.replace('"-" agent/2.4', NEEDLE) : TEXT;
  const time = `${new Date(ms).toISOString().slice(0, -1)}000001Z`;
  return `${JSON.stringify({ log: `${text}\n`, stream: 'stdout', time })}\n`;
}

/** Docker's way; counts what it finds. */
async function grep(container: string, ...flags: string[]): Promise<number> {
  const logs = spawn('docker', ['logs', container], { stdio: ['ignore', 'pipe', 'ignore'] });
  const found = spawn('grep', ['-c', ...flags], { stdio: [logs.stdout, 'pipe', 'inherit'] });
  const [counted] = (await once(found.stdout, 'data')) as [Buffer];
  return Number(counted.toString());
}

const engine = createDockerEngine({ socketPath: SOCKET });
const searches = new Searches({
  socketPath: SOCKET,
  engine,
  services: { find: () => ({ spec: { name: project } }), secretsOf: () => [] },
  listKept: async () => [],
  findLogFile: findLogFileBy(SOCKET),
  clock: systemClock,
  log: silentLogger(),
});

/** The agent's way; counts what it finds. */
async function search(query: Partial<SearchRequest>): Promise<number> {
  const request: SearchRequest = {
    serviceIds: ['svc_bench'],
    query: NEEDLE,
    isRegex: false,
    ignoresCase: false,
    since: null,
    until: null,
    limit: LIMIT,
    timeoutMs: 10 * 60_000, // a figure, not a caller that waits
    ...query,
  };
  let count = 0;
  let end: SearchEnd | undefined;
  const write = async (frame: Uint8Array) => {
    const news = decodeSearchNews(frame);
    if (news.kind === 'found') count += news.matches.length;
    else end = news;
  };
  await searches.stream(request, { write, signal: new AbortController().signal }, () => undefined);
  if (end?.stopped !== null) throw new RangeError(`the search ended by ${end?.stopped}`);
  return count;
}

async function measure(work: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < ROUNDS; n++) {
    times.push(
      await timeMs(async () => {
        const count = await work();
        if (count !== MATCHES) throw new RangeError(`${count} matches instead of ${MATCHES}`);
      }),
    );
  }
  return percentile(times, 0.5);
}

try {
  const lines = Math.floor((MB * 1024 * 1024) / LINE_BYTES);
  const container = await makeLog(lines);
  const regex = 'upstream (timed|cut) out';
  const cases: [string, () => Promise<number>, () => Promise<number>][] = [
    ['literal', () => grep(container, '-F', NEEDLE), () => search({})],
    ['ignoring case', () => grep(container, '-iF', NEEDLE.toUpperCase()), () => search({ ignoresCase: true })],
    ['regular expression', () => grep(container, '-E', regex), () => search({ query: regex, isRegex: true })],
  ];
  const rows = [];
  for (const [what, theirs, ours] of cases) {
    const peerMs = await measure(theirs);
    const ownMs = await measure(ours);
    rows.push({
      search: what,
      'docker logs \\| grep, s': round(peerMs / 1000, 2),
      'Longshore, s': round(ownMs / 1000, 2),
      ratio: `${round(peerMs / ownMs)}×`,
    });
  }
  printTable(`search: ${MB} MB of logs in lines of ${LINE_BYTES} bytes, ${MATCHES} matches, median of ${ROUNDS}`, rows);
} finally {
  await removeProject(project);
}
