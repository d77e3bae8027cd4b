// The far side of the client's socket: an HTTP server whose answers a test scripts, and which keeps what it was asked.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { WebSocketServer, type WebSocket } from 'ws';

export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: unknown;
}

export interface Scripted {
  status?: number;
  body?: unknown;
  /** Sends this text instead of JSON. */
  text?: string;
  /** Closes the connection without an answer. */
  drops?: boolean;
}

type Script = (asked: Asked) => Scripted | undefined;
type Live = (socket: WebSocket, asked: Asked) => void;

export interface FakeApi {
  url: string;
  asked: Asked[];
}

/** `live` gets each WebSocket; without it upgrades are refused. */
export async function startFakeApi(t: Test, script: Script, live?: Live): Promise<FakeApi> {
  const asked: Asked[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const question = await readAsked(request);
    asked.push(question);
    const { status = 200, body, text, drops } = script(question) ?? { status: 404, body: notFound };
    if (drops) {
      request.socket.destroy();
      return;
    }
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(text ?? (body === undefined ? '' : JSON.stringify(body)));
  };
  const server = createServer((request, response) => void answer(request, response));
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    if (!live) return socket.destroy();
    return sockets.handleUpgrade(request, socket, head, (ws) => {
      const question = toAsked(request, undefined);
      asked.push(question);
      live(ws, question);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const client of sockets.clients) client.terminate();
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const notFound = { error: { code: 'not_found', message: 'Not found', request_id: 'req_1' } };

async function readAsked(request: IncomingMessage): Promise<Asked> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk as string;
  return toAsked(request, text === '' ? undefined : JSON.parse(text));
}

function toAsked({ method = '', url = '/', headers }: IncomingMessage, body: unknown): Asked {
  const { pathname, searchParams } = new URL(url, 'http://x');
  return { method, path: pathname, query: searchParams, headers, body };
}
