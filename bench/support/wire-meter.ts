// A relay on the way from an agent to its control plane that counts what passes, as TCP carries it.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface WireMeter {
  url: string;
  /** Bytes so far, of all connections: from the agent, to the agent. */
  readonly passed: { up: number; down: number };
  close(): void;
}

export async function startWireMeter(controlPort: number): Promise<WireMeter> {
  const passed = { up: 0, down: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((agent) => {
    const control = connect(controlPort, '127.0.0.1');
    for (const [from, to] of [
      [agent, control],
      [control, agent],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => sockets.delete(from));
      from.pipe(to);
    }
    agent.on('data', ({ length }: Buffer) => (passed.up += length));
    control.on('data', ({ length }: Buffer) => (passed.down += length));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { url: `http://127.0.0.1:${port}`, passed, close };
}
