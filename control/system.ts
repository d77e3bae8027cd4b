// The control plane from top to bottom: a list of parts, each of which cleans up after itself. `longshore control` runs
// it alone, `longshore up` beside an agent in the same process.
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import { formatJoinToken, loadIdentity, parseJoinToken } from '#shared/protocol/identity.ts';
import type { Clock } from '#shared/time.ts';
import type { Standing } from '#shared/watchdog.ts';
import { Adviser } from './ai/adviser.ts';
import { Endpoint } from './ai/endpoint.ts';
import { startAgents } from './agents/agents.ts';
import { ensureAdminKey, SYSTEM_CALLER } from './app/access/admin-key.ts';
import { settleEnvironmentKey } from './app/access/environment-key.ts';
import type { App } from './app/api/app.ts';
import { createApp } from './app/app.ts';
import { HostPresence } from './app/hosts/host-presence.ts';
import { SelfWatch } from './app/system/self-watch.ts';
import { Troubles } from './app/system/troubles.ts';
import { Retention } from './app/retention.ts';
import type { ControlConfig } from './config.ts';
import { takeLock } from './db/lock.ts';
import { aikitFormat } from './dialects/aikit/webhook.ts';
import { createDnsOpener } from './dns/open.ts';
import { Egress } from './egress/egress.ts';
import { createNameSearch } from './egress/names.ts';
import { plainServer } from './http/deps.ts';
import { startHttp } from './http/server.ts';
import { startAutoUpdate } from './jobs/auto-update.ts';
import { startWebhookDeliveries } from './jobs/deliver-webhooks.ts';
import { startDnsKeeping } from './jobs/keep-dns.ts';
import { startEdgeKeeping } from './jobs/keep-edges.ts';
import { startExpiry } from './jobs/expire.ts';
import { startReconcile } from './jobs/reconcile.ts';
import { startRollouts } from './jobs/roll-out.ts';
import { startMoves } from './jobs/move-services.ts';
import { startHostUpgrades } from './jobs/upgrade-hosts.ts';
import { startHostWatch } from './jobs/watch-hosts.ts';
import { OidcProvider } from './oidc/provider.ts';
import { LogHub } from './realtime/log-hub.ts';
import { findWriteFault, toStanding } from './standing.ts';
import { openStores } from './store/stores.ts';
import { loadTemplates } from './templates/load.ts';
import { createTemplateSource } from './templates/source.ts';
import { startTls } from './tls/tls.ts';
import { AgentLinks } from './agents/links.ts';

export interface ControlDeps {
  clock: Clock;
  log: Logger;
  /** Ready only when an agent on this machine is connected: for `up`. */
  awaitsLocalAgent?: boolean;
}

export interface ControlHandle {
  /** Where the API is, from this machine. */
  url: string;
  /** Of the key of its certificate, as curl's `--pinnedpubkey` takes it; null where TLS is off. */
  tlsPin: string | null;
  /** Where it listens: no service may publish them. */
  ports: readonly number[];
  /** Holds the first API key. */
  adminKeyFile: string;
  app: App;
  /** Looks now, which takes a small write. */
  standing: () => Promise<Standing>;
  /** For an agent on this machine; one use, one hour. */
  createLocalJoinToken(): Promise<string>;
}

/** Returns when the API answers. Throws `state_conflict`, `schema_too_new`, `config_invalid`. */
export async function startControl(config: ControlConfig, deps: ControlDeps, scope: Scope): Promise<ControlHandle> {
  const { clock } = deps;
  const troubles = new Troubles(clock);
  const log = troubles.watch(deps.log);
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  scope.onStop('lock', takeLock(config.dataDir));
  const stores = openStores(config.dataDir, clock);
  scope.onStop('database', () => stores.close());
  const identity = loadIdentity(join(config.dataDir, 'control-key.pem'));

  const egress = new Egress({ allowsPrivate: config.allowsPrivateWebhooks, clock });
  scope.onStop('egress', () => egress.close());

  const tls = await startTls(config, { clock, log }, scope);
  let listening: Listening | undefined;
  const reservedPorts = () => [listening?.port ?? 0, config.aikitPort].filter((port) => port > 0);
  const links = new AgentLinks();
  const parts = createApp({
    stores,
    links,
    templates: createTemplateSource(loadTemplates(), { randomBytes, now: () => clock.now() }),
    reservedPorts,
    allowsFileGit: config.allowsFileGit,
    publicUrl: () => config.publicUrl ?? reachableUrl(listening),
    distDir: config.distDir,
    controlPin: identity.pin,
    tlsPinFor: (url) => tls?.pinFor(url),
    readiness: () => readinessOf(deps, links),
    self: {
      self: new SelfWatch(join(config.dataDir, 'control.db'), clock),
      troubles,
      findWriteFault: () => findWriteFault(stores, clock),
    },
    login: config.login && { ...config.login, provider: new OidcProvider(config.login, log) },
    checkUrl: egress.checkUrl,
    fetchText: egress.fetchText,
    webhookFormats: { aikit: aikitFormat },
    openDnsProvider: createDnsOpener({ send: egress.send, clock }),
    edge: config.edge,
    resolveName: createNameSearch(),
    clock,
    log,
  });
  const { app } = parts;
  const adminKeyFile = await ensureAdminKey(stores, config.dataDir, clock);
  await settleEnvironmentKey({ stores, keys: app.keys, clock, log }, config.environmentKey);
  const ai = config.ai && new Adviser({ endpoint: new Endpoint(config.ai, clock), reservedPorts, log });
  const agents = startAgents({ identity, stores, parts, links, propose: ai && ai.propose, clock, log }, scope);
  const openLogs = agents.openLogs;
  const logs = new LogHub({ openLogs, onHostUp: agents.onHostUp, clock, log });
  const createServer = tls?.createServer ?? plainServer;
  const { port } = await startHttp(
    {
      app,
      createServer,
      acceptAgent: agents.accept,
      admitAgent: agents.admit,
      closeAgents: agents.close,
      logs,
      openLogs,
      config,
      clock,
      log,
    },
    scope,
  );
  listening = { scheme: tls ? 'https' : 'http', host: config.listen.host, port };
  const localUrl = localUrlOf(listening);
  await app.gitHooks.resume();
  startExpiry({ retention: new Retention(stores, clock), credentials: [app.keys, app.sessions], log }, scope);
  startReconcile({ links, hostsWithPending: () => stores.commands.hostsWithPending() }, scope);
  startAutoUpdate(parts.autoUpdates, log, scope);
  startRollouts(parts.rollouts, scope);
  startEdgeKeeping(parts.edgeKeeper, scope);
  startDnsKeeping(parts.dnsKeeper, scope);
  startHostUpgrades(parts.upgrades, log, scope);
  startMoves(parts.moves, scope);
  startHostWatch(new HostPresence({ stores, links, incidents: parts.incidents, clock }), log, scope);
  const onCommit = (listener: () => void) => stores.writer.onCommit(listener);
  startWebhookDeliveries({ queue: parts.deliveries, send: egress.send, onCommit, clock, log }, scope);
  const createLocalJoinToken = async () => {
    const { token } = await app.joinTokens.create(SYSTEM_CALLER, {});
    return formatJoinToken({ ...parseJoinToken(token), url: localUrl, tlsPin: tls?.pin });
  };
  const standing = async () => toStanding(localUrl, links.connectedCount(), await findWriteFault(stores, clock));
  const tlsPin = tls?.pin ?? null;
  return { url: localUrl, tlsPin, ports: reservedPorts(), adminKeyFile, app, standing, createLocalJoinToken };
}

function readinessOf({ awaitsLocalAgent = false }: ControlDeps, links: AgentLinks): ReturnType<App['readiness']> {
  const isReady = !awaitsLocalAgent || links.hasLocal();
  return { isReady, reason: isReady ? null : "this machine's agent is not connected yet" };
}

const ANY_ADDRESS = ['0.0.0.0', '::'];

const bracket = (host: string): string => (host.includes(':') ? `[${host}]` : host);

interface Listening {
  scheme: 'http' | 'https';
  host: string;
  port: number;
}

const localUrlOf = ({ scheme, host, port }: Listening): string =>
  `${scheme}://${ANY_ADDRESS.includes(host) ? '127.0.0.1' : bracket(host)}:${port}`;

/** What to tell other machines when nobody said how they reach us. */
function reachableUrl(listening: Listening | undefined): string {
  if (!listening) throw new LongshoreError('unavailable');
  if (!ANY_ADDRESS.includes(listening.host)) return localUrlOf(listening);
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outside = addresses.find(({ family, internal }) => family === 'IPv4' && !internal);
  return localUrlOf(outside ? { ...listening, host: outside.address } : listening);
}
