// Where Caddy asks whether it may want a certificate: 200 for yes. On loopback only; it asks again at each handshake
// without a certificate, so answers are kept for a while.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '#shared/time.ts';

/** A name that DNS leads here now is tried at the next handshake after this. */
const NO_FOR_MS = 10_000;
const YES_FOR_MS = 10 * 60_000;
const MAX_KEPT = 10_000;

export interface AskDeps {
  /** Whether a name is of this host; asked each time, so that a new name answers at once. */
  isOurs: (hostname: string) => boolean;
  /** Whether this host may ask for a certificate under a name of its own. */
  mayIssue: (hostname: string) => Promise<boolean>;
  clock: Clock;
}

export interface AskServer {
  url: string;
  close(): Promise<void>;
}

export async function startAskServer({ isOurs, mayIssue, clock }: AskDeps): Promise<AskServer> {
  const kept = new Map<string, { isAllowed: boolean; until: number }>();
  const judge = async (hostname: string): Promise<boolean> => {
    if (!isOurs(hostname)) return false;
    const known = kept.get(hostname);
    if (known && known.until > clock.elapsed()) return known.isAllowed;
    const isAllowed = await mayIssue(hostname);
    if (kept.size >= MAX_KEPT) kept.clear();
    kept.set(hostname, { isAllowed, until: clock.elapsed() + (isAllowed ? YES_FOR_MS : NO_FOR_MS) });
    return isAllowed;
  };
  const server = createServer((request, response) => {
    judge(hostnameOf(request.url ?? '')).then(
      (isAllowed) => response.writeHead(isAllowed ? 200 : 403).end(),
      () => response.writeHead(503).end(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/ask`, close: () => closeAll(server) };
}

/** Whoever is on the host may ask here, whatever it likes; empty for what is no question. */
const hostnameOf = (url: string): string => new URLSearchParams(url.replace(/^[^?]*/, '')).get('domain') ?? '';

async function closeAll(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
