// The control plane of the fleet bench: the real one, whole, with a look at its own event loop.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { WebSocketServer } from 'ws';
import { Scope } from '#shared/lifecycle.ts';
import { createLogger } from '#shared/log.ts';
import { loadIdentity } from '#shared/protocol/identity.ts';
import { systemClock } from '#shared/time.ts';
import { loadControlConfig, startControl } from '../../control/main.ts';
import { openStores } from '../../control/store/stores.ts';
import { fillHosts, fillServices } from './fill.ts';
import type { ControlOrders, Lag, Started } from './fleet-roles.ts';
import { playRole } from './roles.ts';

/** Of the timer behind the histogram; what it shows is this much more than the loop was late. */
const RESOLUTION_MS = 10;
const NS_IN_MS = 1e6;
/** A bench asks more often than a person. */
const LIMITS = ['--rate-limit', '1000000', '--rate-limit-deploy', '1000000'];

const clock = systemClock;
const log = createLogger({ level: process.env['LOG_LEVEL'] ?? 'error', name: 'control' });
const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delays.enable();
let scope = new Scope(log);

async function fill({ dataDir, keys }: { dataDir: string; keys: string[] }): Promise<null> {
  const stores = openStores(dataDir, clock);
  const hosts = await fillHosts(stores, keys);
  await fillServices(stores, hosts, hosts.length);
  await stores.close();
  return null;
}

async function start({ dataDir, port, tls, baseDomain }: ControlOrders['start'][0]): Promise<Started> {
  const names = baseDomain === null ? [] : ['--base-domain', baseDomain];
  const listen = ['--listen', `127.0.0.1:${port}`, '--data-dir', dataDir, '--tls', tls];
  scope = new Scope(log);
  const { url, tlsPin, adminKeyFile } = await startControl(
    loadControlConfig([...listen, ...LIMITS, ...names]),
    { clock, log },
    scope,
  );
  const { pin: controlPin } = loadIdentity(join(dataDir, 'control-key.pem'));
  return { url, tlsPin, controlPin, key: readFileSync(adminKeyFile, 'utf8').trim() };
}

async function stop(): Promise<null> {
  await scope.stop();
  return null;
}

const late = (ns: number): number => Math.max(0, ns / NS_IN_MS - RESOLUTION_MS);

function lag(): Promise<Lag> {
  const found = { p50Ms: late(delays.percentile(50)), p99Ms: late(delays.percentile(99)), mostMs: late(delays.max) };
  delays.reset();
  return Promise.resolve(found);
}

function settle(): Promise<null> {
  global.gc?.();
  global.gc?.();
  return Promise.resolve(null);
}

async function bareEcho(): Promise<{ url: string }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  server.on('connection', (socket) => socket.on('message', (data: Buffer) => socket.send(data.toString())));
  await once(server, 'listening');
  scope.onStop('bare echo', () => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

playRole<ControlOrders>({ fill, start, stop, lag, settle, bareEcho });
