// The socket itself. Whoever may open it is as mighty as the agent, so its folder lets in nobody but root and the user
// that the agent runs as; the mode of the socket says the same once more. There is no way to have it on a port.
import { chmodSync, closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { LOCAL_SOCKET, localFolderOf } from '#shared/local.ts';

/**
 * Listens below the data folder, in place of what a killed agent left there: the lock on the folder says that no other
 * agent lives in it. Returns what ends it and takes the socket away.
 */
export async function listenLocally(server: Server, dataDir: string): Promise<() => Promise<void>> {
  const folder = localFolderOf(dataDir);
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700); // also one that was there: before the socket is, which for a moment is open to all
  const path = join(folder, LOCAL_SOCKET);
  rmSync(path, { force: true });
  const fd = openSync(folder, 'r');
  try {
    server.listen(pathBelow(fd));
    await once(server, 'listening');
    chmodSync(path, 0o600);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return () => close(server, fd);
}

/** A socket's path has room for 107 bytes, and data folders may lie deep. */
const pathBelow = (fd: number): string => `/proc/self/fd/${fd}/${LOCAL_SOCKET}`;

/** Node takes the socket away as it closes, by the path that it was given: the folder stays open until then. */
async function close(server: Server, fd: number): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
  closeSync(fd);
}
