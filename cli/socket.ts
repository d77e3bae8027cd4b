// A WebSocket of the API as something to loop over: text messages until it closes. Ends quietly when the other side goes
// away; whoever loops decides whether to come back.
import { WebSocket } from 'undici';
import type { Client, RequestOptions } from './client.ts';
import { ApiError } from './failures.ts';

/** Messages that wait for the loop. Writing to a terminal or pipe blocks, so more than this means nobody reads. */
const MAX_WAITING = 100_000;

export interface MessageSocket extends AsyncIterable<string>, Disposable {
  send(message: object): void;
}

/** Resolves once it is open; throws ApiError `unavailable` when it can't be opened. */
export async function openSocket(client: Client, path: string, query: RequestOptions['query']): Promise<MessageSocket> {
  const url = client.urlOf(path, query);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  client.signal.throwIfAborted();
  const headers = { authorization: `Bearer ${client.credentials.key}` };
  const socket = new WebSocket(url, { headers, ...(client.trust && { dispatcher: client.trust }) });
  const messages = new Inbox();
  const close = () => socket.close();
  client.signal.addEventListener('abort', close, { once: true });
  socket.addEventListener('message', ({ data }) => {
    if (typeof data !== 'string') return;
    if (!messages.push(data)) socket.close(1009, 'nobody reads');
  });
  socket.addEventListener('close', () => {
    client.signal.removeEventListener('abort', close);
    messages.end();
  });
  await opened(socket, client);
  return {
    send: (message) => socket.send(JSON.stringify(message)),
    [Symbol.asyncIterator]: () => messages.read(),
    [Symbol.dispose]() {
      close();
      messages.end(); // without waiting for the other side's goodbye
    },
  };
}

function opened(socket: WebSocket, client: Client): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.addEventListener('open', () => resolve(), { once: true });
  const fail = () => {
    if (client.signal.aborted) reject(client.signal.reason as Error);
    else reject(ApiError.unreachable(client.credentials.url.origin, 'it refused the WebSocket'));
  };
  socket.addEventListener('error', fail, { once: true });
  socket.addEventListener('close', fail, { once: true });
  return promise;
}

/** What came, in order, for one reader. */
class Inbox {
  readonly #waiting: string[] = [];
  #hasEnded = false;
  #wake: (() => void) | undefined;

  push(message: string): boolean {
    if (this.#waiting.length >= MAX_WAITING) return false;
    this.#waiting.push(message);
    this.#wake?.();
    return true;
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }

  async *read(): AsyncGenerator<string> {
    for (;;) {
      yield* this.#waiting.splice(0);
      if (this.#waiting.length > 0) continue;
      if (this.#hasEnded) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }
}
