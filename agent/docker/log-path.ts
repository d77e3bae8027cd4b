// Where the Engine keeps a container's log: one inspect over the socket.
import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import type { FindLogFile } from './log-file.ts';

/** dockerd answers in a millisecond; past this the API is not going to be faster for the log itself either. */
const LIMIT_MS = 5000;

interface Inspected {
  LogPath?: string;
  Config?: { Tty?: boolean };
  HostConfig?: { LogConfig?: { Type?: string } };
}

/** Rejects when the Engine does not answer. */
export const findLogFileBy =
  (socketPath: string): FindLogFile =>
  async (containerId) => {
    const found = await inspect(socketPath, containerId);
    if (found.HostConfig?.LogConfig?.Type !== 'json-file' || !found.LogPath) return undefined;
    return { path: found.LogPath, isTty: found.Config?.Tty === true };
  };

function inspect(socketPath: string, containerId: string): Promise<Inspected> {
  const path = `/containers/${encodeURIComponent(containerId)}/json`;
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, timeout: LIMIT_MS }, (answer) => {
      json(answer).then((body) => resolve(body as Inspected), reject);
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', reject);
    asked.end();
  });
}
