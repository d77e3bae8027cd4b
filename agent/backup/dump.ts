// Carries what a program inside a container prints into a repository, as it comes: nothing of it touches the host's disk.
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { LongshoreError } from '#shared/errors.ts';
import type { Engine } from '../docker/engine.ts';
import type { RunningExec } from '../docker/running-exec.ts';
import { Tail } from '../docker/child.ts';
import type { Dump } from './dump-plan.ts';
import type { Repository } from './repository.ts';

const SHOWN_LINES = 10;

export interface DumpDeps {
  engine: Pick<Engine, 'startExec'>;
  repository: Repository;
  backupId: string;
  signal: AbortSignal;
}

/** Returns how many bytes it is. Throws `backup_failed` with what the program complained of; nothing of it counts then. */
export async function takeDump(deps: DumpDeps, { file, command, service }: Dump, containerId: string): Promise<number> {
  const exec = await deps.engine.startExec(containerId, { command });
  try {
    const feed = (stdin: Writable) => pour(exec, stdin, service);
    return (await deps.repository.dump(deps.backupId, file, { signal: deps.signal, feed })).totalBytes;
  } finally {
    exec.detach();
  }
}

/** The end of the input makes it a whole dump: it comes only when the program says that all went well. */
async function pour(exec: RunningExec, stdin: Writable, service: string): Promise<void> {
  const complaints = new Tail();
  for await (const { stream, bytes } of exec.output) {
    if (stream === 'stderr') complaints.add(Buffer.from(bytes).toString('utf8').trimEnd());
    else if (!stdin.write(bytes)) await untilWritable(stdin);
  }
  const { exitCode } = await exec.inspect();
  if (exitCode !== 0) {
    const said = complaints.last(SHOWN_LINES).join('\n');
    throw new LongshoreError('backup_failed', {
      message: `Cannot dump "${service}": its program ended with ${exitCode ?? 'no code'}`,
      ...(said !== '' && { details: said }),
    });
  }
  stdin.end();
}

/** restic may be gone: then nobody reads any more, and its end says why. */
async function untilWritable(stdin: Writable): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  await Promise.race([once(stdin, 'drain', { signal }), once(stdin, 'close', { signal })])
    .catch(() => undefined)
    .finally(() => over.abort());
}
