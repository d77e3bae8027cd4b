// Where Caddy asks whether it may want a certificate: 200 for yes. On loopback only; it asks again at each handshake
// without a certificate, so answers are kept for a while.
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import type { Clock } from '#shared/time.ts';
import { makeFolder } from './shared-files.ts';

/** A name that DNS leads here now is tried at the next handshake after this. */
const NO_FOR_MS = 10_000;
const YES_FOR_MS = 10 * 60_000;
const MAX_KEPT = 10_000;
const MAX_PORT = 65_535;

export interface AskDeps {
  /** Whether a name is of this host; asked each time, so that a new name answers at once. */
  isOurs: (hostname: string) => boolean;
  /** Whether this host may ask for a certificate under a name of its own. */
  mayIssue: (hostname: string) => Promise<boolean>;
  /** Keeps the port over restarts: with another one Caddy has another configuration, and opens its own anew. */
  portFile: string;
  clock: Clock;
}

export interface AskServer {
  url: string;
  close(): Promise<void>;
}

export async function startAskServer({ isOurs, mayIssue, portFile, clock }: AskDeps): Promise<AskServer> {
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
  const port = await listenAgain(server, portFile);
  return { url: `http://127.0.0.1:${port}/ask`, close: () => closeAll(server) };
}

/** On the port of before, or on any where somebody else has that by now. */
async function listenAgain(server: Server, portFile: string): Promise<number> {
  const before = Number(await readFile(portFile, 'utf8').catch(() => ''));
  const hasPort = before > 0 && before <= MAX_PORT && (await listen(server, before).catch(() => false));
  if (!hasPort) await listen(server, 0);
  const { port } = server.address() as AddressInfo;
  if (port !== before) await keep(port, portFile).catch(() => undefined); // a full disk: another one next time
  return port;
}

async function keep(port: number, portFile: string): Promise<void> {
  await makeFolder(dirname(portFile));
  await writeFile(portFile, String(port));
}

async function listen(server: Server, port: number): Promise<true> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return true;
}

/** Whoever is on the host may ask here, whatever it likes; empty for what is no question. */
const hostnameOf = (url: string): string => new URLSearchParams(url.replace(/^[^?]*/, '')).get('domain') ?? '';

async function closeAll(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
