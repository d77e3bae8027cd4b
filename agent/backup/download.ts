// A backup on its way to whoever asked for it: as restic reads it from the repository, at the pace at which it is taken.
// Other work on the repository goes on meanwhile.
import type { Readable } from 'node:stream';
import { LongshoreError } from '#shared/errors.ts';
import type { StreamWriter } from '#shared/protocol/peer-types.ts';
import type { StreamParams } from '#shared/protocol/schema.ts';
import type { Repositories } from './repositories.ts';
import type { Repository } from './repository.ts';

/** Advised by the stream (shared/protocol/peer-types.ts). */
const FRAME_BYTES = 64 * 1024;

/** `opened` once there is something to send. Throws `not_found`. */
export async function download(
  backups: Repositories,
  { serviceId, repository: where, ...wanted }: StreamParams<'backup'>,
  writer: StreamWriter,
  opened: () => void,
): Promise<void> {
  await using repository = await backups.findToRead(serviceId, where);
  const found = repository && (await find(repository, wanted));
  if (!repository || !found) throw new LongshoreError('not_found', { message: 'The host has no such backup' });
  opened();
  await repository.pour(found.id, found.path, (stdout) => send(stdout, writer), writer.signal);
}

async function find(
  repository: Repository,
  { backupId, dump }: Pick<StreamParams<'backup'>, 'backupId' | 'dump'>,
): Promise<{ id: string; path: string } | undefined> {
  if (dump === null) {
    const snapshot = await repository.findSnapshot(backupId);
    return snapshot && { id: snapshot.id, path: '/' };
  }
  const dumps = await repository.findDumps(backupId);
  const all = dumps.flatMap(({ id, paths }) => paths.map((path) => ({ id, path })));
  return all.find(({ path }) => path.startsWith(`/${dump}.`));
}

async function send(stdout: Readable, writer: StreamWriter): Promise<void> {
  for await (const chunk of stdout as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; at += FRAME_BYTES) await writer.write(chunk.subarray(at, at + FRAME_BYTES));
  }
}
