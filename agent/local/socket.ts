// The socket itself. Whoever may open it is as mighty as the agent, so its folder lets in nobody but root and the user
// that the agent runs as; the mode of the socket says the same once more. There is no way to have it on a port.
import { chmodSync, closeSync, constants, fchmodSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { LOCAL_SOCKET, localFolderOf } from '#shared/local.ts';

const FOLDER_MODE = 0o700;
/** Not by a link: the rights of what it leads to are not ours to change. */
const A_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Listens below the data folder, in place of what a killed agent left there: the lock on the folder says that no other
 * agent lives in it. Returns what ends it and takes the socket away.
 */
export async function listenLocally(server: Server, dataDir: string): Promise<() => Promise<void>> {
  const folder = localFolderOf(dataDir);
  mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
  const fd = openSync(folder, A_FOLDER); // from here on this one, whatever is put into its place
  try {
    fchmodSync(fd, FOLDER_MODE); // also one that was there: before the socket is, which for a moment is open to all
    const path = pathBelow(fd);
    rmSync(path, { force: true });
    server.listen(path);
    await once(server, 'listening');
    chmodSync(path, 0o600);
  } catch (error) {
    server.close();
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
