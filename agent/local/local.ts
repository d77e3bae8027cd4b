// Local rescue: whoever is root on the host speaks to its agent over a Unix socket, control plane or not. HTTP/1.1 with
// JSON, so that curl will do where `longshore local` is not at hand.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import { LocalDesk, type LocalDeskDeps } from './desk.ts';
import type { StreamLogs } from './log-reply.ts';
import { listenLocally } from './socket.ts';
import { statusOf, type StatusDeps } from './status.ts';

export interface LocalDeps extends LocalDeskDeps, StatusDeps {
  streamLogs: StreamLogs;
  log: Logger;
}

/** A person or two, and their scripts. */
const MAX_CONNECTIONS = 32;
/** To say what is wanted; the line and its headers are all there is to read. */
const REQUEST_LIMIT_MS = 5_000;
const MAX_HEADER_BYTES = 8 * 1024;

/** An agent without its socket is better than none: what keeps it from listening is logged, and the rest goes on. */
export async function startLocal(deps: LocalDeps, scope: Scope): Promise<void> {
  const { dataDir, log, streamLogs } = deps;
  const request = { desk: new LocalDesk(deps), describeStatus: statusOf(deps), streamLogs, log };
  const limits = {
    headersTimeout: REQUEST_LIMIT_MS,
    requestTimeout: REQUEST_LIMIT_MS,
    connectionsCheckingInterval: REQUEST_LIMIT_MS, // else Node looks twice a minute, and seats are few
    maxHeaderSize: MAX_HEADER_BYTES,
  };
  const answer = async (message: IncomingMessage, response: ServerResponse) => {
    const { answerRequest } = await import('./requests.ts');
    await answerRequest(request, message, response, AbortSignal.any([scope.signal, goneSignal(response)]));
  };
  const server = createServer(limits, (message, response) => {
    answer(message, response).catch((error: unknown) => {
      // What is loaded at the first request may have been replaced by a newer version, or be half of one.
      log.error({ err: error }, 'a local request could not be answered');
      response.destroy();
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  try {
    scope.onStop('local socket', await listenLocally(server, dataDir));
  } catch (error) {
    log.error({ err: error }, 'no socket for `longshore local`');
  }
}

/** Aborts when the connection closed before the answer was complete. */
function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}
