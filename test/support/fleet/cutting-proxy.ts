// An HTTP proxy (CONNECT) on this machine for hosts of a fleet, which breaks tunnels off on demand.
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import type { Test } from 'tap';

export interface CuttingProxy {
  port: number;
  tunnels(): number;
  /** The next tunnel through which so many bytes have come ends there. */
  cutAfter(bytes: number): void;
}

export async function startCuttingProxy(t: Test): Promise<CuttingProxy> {
  const open = new Set<Socket>();
  let tunnels = 0;
  let cutAt = Infinity;
  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on('connect', ({ url = '' }, client: Socket) => {
    const { hostname, port } = new URL(`http://${url}`);
    const far = connect(Number(port || 80), hostname, () => {
      tunnels += 1;
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      client.pipe(far);
      far.pipe(counted()).pipe(client);
    });
    const end = () => [client, far].forEach((socket) => socket.destroy());
    const counted = () =>
      counter(
        () => cutAt,
        () => {
          cutAt = Infinity;
          end();
        },
      );
    for (const socket of [client, far]) {
      open.add(socket);
      socket
        .on('error', end)
        .on('close', end)
        .on('close', () => open.delete(socket));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  t.teardown(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { port, tunnels: () => tunnels, cutAfter: (bytes) => (cutAt = bytes) };
}

function counter(limit: () => number, reached: () => void): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > limit()) reached();
      else done(null, chunk);
    },
  });
}
