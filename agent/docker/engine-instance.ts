// Tells one start of the engine from the next; Docker itself has no word for it. The engine makes its default network
// anew when it comes up, unless containers outlived it (live-restore), and its socket, unless systemd holds that for it.
import { stat } from 'node:fs/promises';
import type Dockerode from 'dockerode';
import { abortableNetwork, socketPathOf } from './abortable.ts';
import type { DockerodeError } from './api-faults.ts';

export async function readInstance(docker: Dockerode, abortSignal: AbortSignal): Promise<string> {
  const inspected = abortableNetwork(docker.getNetwork('bridge')).inspect({ abortSignal });
  const [{ Id: id }, socket] = await Promise.all([inspected.catch(ifNone), stat(socketPathOf(docker))]);
  return `${id} ${socket.ino} ${socket.mtimeMs}`;
}

/** An engine may be told to have no such network. */
function ifNone(error: unknown): { Id: string } {
  if ((error as DockerodeError).statusCode !== 404) throw error;
  return { Id: '' };
}
