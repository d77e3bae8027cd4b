// Another port of the same server, for clients that expect paths where ours are others'. Whatever comes in there goes the
// way of every request, hooks and limits included, under the path it has at the first port.
import type { ServerOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import type { Clock } from '#shared/time.ts';
import { plainServer, type CreateServer } from './deps.ts';
import { answerBrokenHttp } from './errors.ts';
import type { Http } from './http.ts';

export interface SecondPort {
  /** As of the first port. */
  createServer?: CreateServer;
  listen: { host: string; port: number };
  /** From the path that was asked for to the one at the first port. */
  toUrl: (url: string) => string;
  limits: Pick<ServerOptions, 'requestTimeout' | 'keepAliveTimeout'>;
  /** For answers under way when it closes. */
  graceMs: number;
  clock: Clock;
}

/** Returns when it answers: its port, and what closes it. Rejects with `EADDRINUSE` and the like. */
export async function openSecondPort(
  http: Http,
  { createServer = plainServer, listen, toUrl, limits, graceMs, clock }: SecondPort,
): Promise<{ port: number; close: () => Promise<void> }> {
  await http.ready();
  const server = createServer((request, response) => {
    request.url = toUrl(request.url ?? '/');
    http.routing(request, response);
  }, limits);
  server.on('clientError', answerBrokenHttp);
  server.listen(listen);
  await once(server, 'listening');
  const close = async () => {
    const cancel = clock.after(graceMs, () => server.closeAllConnections());
    const closed = once(server, 'close');
    server.close();
    server.closeIdleConnections();
    await closed;
    cancel();
  };
  return { port: (server.address() as AddressInfo).port, close };
}
