// An HTTP proxy that knows CONNECT only and leads every name to this machine.
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import type { Test } from 'tap';

export interface ConnectProxy {
  url: URL;
  /** `host:port`, as asked for. */
  asked: string[];
}

/** `credentials`: `user:password` as in a URL, that it wants to see. */
export async function startConnectProxy(t: Test, credentials?: string): Promise<ConnectProxy> {
  const asked: string[] = [];
  const open = new Set<Socket>();
  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on('connect', ({ url = '', headers }: IncomingMessage, client: Socket) => {
    asked.push(url);
    const wanted = credentials && `Basic ${Buffer.from(decodeURIComponent(credentials)).toString('base64')}`;
    if (wanted !== undefined && headers['proxy-authorization'] !== wanted) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const far = connect(Number(url.split(':').at(-1)), '127.0.0.1');
    far.once('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(far).pipe(client);
    });
    for (const [one, other] of [[client, far] as const, [far, client] as const]) {
      open.add(one);
      one.on('error', () => other.destroy()).on('close', () => open.delete(one));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    open.forEach((socket) => socket.destroy());
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: new URL(`http://${credentials ? `${credentials}@` : ''}127.0.0.1:${port}`), asked };
}
