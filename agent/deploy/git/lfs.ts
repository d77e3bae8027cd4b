// Fetches what Git LFS keeps for a commit, by its API and by https alone: no program of the repository's choosing runs, and
// what its host points at is judged like the host itself. A stranger's lies on public addresses.
//
// https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
import { createHash } from 'node:crypto';
import { lookup } from 'node:dns';
import { chmod, copyFile, lstat, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { request, type Dispatcher } from 'undici';
import * as z from 'zod';
import { toCallFault } from '#shared/call-fault.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { GitSource } from '#shared/model.ts';
import { readUpTo } from '#shared/read-up-to.ts';
import { openDoor } from '../../images/doors.ts';
import { batchUrlOf, MAX_POINTER_BYTES, pointerIn, type Pointer } from './lfs-pointer.ts';
import type { Allowance } from './limits.ts';
import { authorizationOf } from './login.ts';

export interface LfsFetch {
  isStranger: boolean;
  caFile?: string | undefined;
  signal: AbortSignal;
  onLine: (line: string) => void;
  allowance: Allowance;
}

/** What servers take at once. */
const BATCH_SIZE = 100;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const MEDIA_TYPE = 'application/vnd.git-lfs+json';

const batchAnswer = z.object({
  objects: z.array(
    z.object({
      oid: z.string(),
      error: z.object({ code: z.number(), message: z.string().max(1000) }).optional(),
      actions: z
        .object({ download: z.object({ href: z.string(), header: z.record(z.string(), z.string()).optional() }) })
        .optional(),
    }),
  ),
});
type Answered = z.infer<typeof batchAnswer>['objects'][number];

/** Puts the files in the places of their pointers. Fails with `git_failed`, `repo_limit`, `egress_denied`, `egress_failed`. */
export async function fetchLfs(fetch: LfsFetch, source: GitSource, folder: string): Promise<void> {
  const wanted = await findPointers(folder);
  if (wanted.size === 0) return;
  if (!source.url.startsWith('https://')) throw new LongshoreError('git_failed', { details: NEEDS_HTTPS });
  for (const { size, paths } of wanted.values()) throwIfAny(fetch.allowance.grow(size * paths.length));
  fetch.onLine(`fetching ${wanted.size} files from Git LFS`);
  const { isStranger, caFile, signal } = fetch;
  const dispatcher = openDoor({ allowsPrivate: !isStranger, isTrusting: false, caFile, lookup });
  const asking = { source, dispatcher, signal };
  try {
    const all = [...wanted.values()];
    for (let at = 0; at < all.length; at += BATCH_SIZE) await fetchBatch(asking, all.slice(at, at + BATCH_SIZE));
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    await dispatcher.destroy();
  }
}

const NEEDS_HTTPS =
  'What Git LFS keeps is fetched by https alone: give the https:// URL, and a git_token where it is private';

interface Asking {
  source: GitSource;
  dispatcher: Dispatcher;
  signal: AbortSignal;
}

interface Wanted extends Pointer {
  /** Where it belongs. */
  paths: string[];
}

/** By what they point at: a file may stand at several places. */
async function findPointers(folder: string, found = new Map<string, Wanted>()): Promise<Map<string, Wanted>> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await findPointers(path, found);
    if (!entry.isFile() || (await lstat(path)).size > MAX_POINTER_BYTES) continue;
    const pointer = pointerIn(await readFile(path, 'utf8'));
    if (pointer) found.set(pointer.oid, { ...pointer, paths: [...(found.get(pointer.oid)?.paths ?? []), path] });
  }
  return found;
}

async function fetchBatch(asking: Asking, wanted: readonly Wanted[]): Promise<void> {
  const answers = await askFor(asking, wanted);
  for (const file of wanted) {
    const answer = answers.find(({ oid }) => oid === file.oid);
    const download = answer?.actions?.download;
    if (!download) throw lfsFault(answer?.error?.message ?? `its server does not have ${file.oid}`);
    await fetchFile(asking, file, download);
  }
}

async function askFor({ source, dispatcher, signal }: Asking, wanted: readonly Pointer[]): Promise<Answered[]> {
  const objects = wanted.map(({ oid, size }) => ({ oid, size }));
  const authorization = authorizationOf(source);
  const { statusCode, body } = await call(batchUrlOf(source), {
    dispatcher,
    signal,
    method: 'POST',
    headers: { accept: MEDIA_TYPE, 'content-type': MEDIA_TYPE, ...(authorization && { authorization }) },
    body: JSON.stringify({ operation: 'download', transfers: ['basic'], objects, hash_algo: 'sha256' }),
  });
  const answer = await readUpTo(received(body), MAX_ANSWER_BYTES);
  if (statusCode !== 200) throw lfsFault(`its server answered ${statusCode}${statusCode < 500 ? NEEDS_TOKEN : ''}`);
  const parsed = batchAnswer.safeParse(parseJson(answer.body.toString('utf8')));
  if (parsed.success) return parsed.data.objects;
  throw lfsFault('its server answered something else than files');
}

const NEEDS_TOKEN = '; the repository has none, or wants a git_token that may read it';

/** Over its pointer: what fails is thrown away with all that was fetched. */
async function fetchFile(
  { source, dispatcher, signal }: Asking,
  { oid, size, paths }: Wanted,
  { href, header = {} }: { href: string; header?: Record<string, string> | undefined },
): Promise<void> {
  const url = URL.canParse(href) ? new URL(href) : undefined;
  if (url?.protocol !== 'https:') throw lfsFault('its server points at something else than https');
  const hasOwn = Object.keys(header).some((name) => name.toLowerCase() === 'authorization');
  const login = !hasOwn && url.origin === new URL(source.url).origin ? authorizationOf(source) : undefined;
  const headers = { ...header, ...(login && { authorization: login }) };
  const { statusCode, body } = await call(url, { dispatcher, signal, method: 'GET', headers });
  if (statusCode !== 200) throw lfsFault(`its server answered ${statusCode} for ${oid}`);
  const [first = '', ...others] = paths;
  await writeChecked(first, body, { oid, size });
  for (const path of others) await copyContent(first, path);
}

/** Each place keeps the mode that git gave it. */
async function copyContent(from: string, to: string): Promise<void> {
  const { mode } = await lstat(to);
  await copyFile(from, to);
  await chmod(to, mode);
}

async function writeChecked(path: string, body: AsyncIterable<Buffer>, { oid, size }: Pointer): Promise<void> {
  const hash = createHash('sha256');
  const file = await open(path, 'w');
  try {
    let bytes = 0;
    for await (const chunk of received(body)) {
      bytes += chunk.length;
      if (bytes > size) break;
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    if (bytes !== size || hash.digest('hex') !== oid) throw lfsFault(`what its server sent is not ${oid}`);
  } finally {
    await file.close();
  }
}

/** With a connection that breaks told as such. */
async function* received(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  try {
    yield* body;
  } catch (error) {
    throw toCallFault(error);
  }
}

/** No redirects: what is asked for is where it was said to be. */
async function call(url: URL, options: Parameters<typeof request>[1] & object): ReturnType<typeof request> {
  try {
    return await request(url, options);
  } catch (error) {
    throw toCallFault(error);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function throwIfAny(fault: LongshoreError | undefined): void {
  if (fault) throw fault;
}

const lfsFault = (reason: string) => new LongshoreError('git_failed', { details: `Git LFS: ${reason}` });
