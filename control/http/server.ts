// The HTTP server: the order in which a request meets its checks, and how it starts and stops. Rules live in the app
// layer, words in routes/ and views/.
//
//   URL credential taken out → request id → who calls → audit → rate limit → permission → body → schema → handler
import websocket from '@fastify/websocket';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyReply, type FastifyRequest } from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { AddressInfo } from 'node:net';
import { newRequestId } from '#shared/ids.ts';
import type { Scope } from '#shared/lifecycle.ts';
import { CLOSE, MAX_FRAME_BYTES } from '#shared/protocol/limits.ts';
import type { Caller } from '../app/api/caller.ts';
import { answerErrorAt, dialectAt, mountDialects } from '../dialects/mount.ts';
import { toOurUrl } from '../dialects/aikit/own-port.ts';
import { ClientSockets } from '../realtime/client-sockets.ts';
import { Hub } from '../realtime/hub.ts';
import { auditWrites } from './audit.ts';
import { identifyCallers, requirePermissions } from './auth.ts';
import { BODY_LIMIT_BYTES, readJsonBodies } from './body.ts';
import { readCookies } from './cookies.ts';
import { takeUrlCredential } from './credentials.ts';
import { plainServer, type HttpDeps } from './deps.ts';
import { answerBrokenHttp, answerError, pathOf } from './errors.ts';
import type { Http } from './http.ts';
import { answerNotFound, collectRoutes, type Route } from './not-found.ts';
import { describeRoutes, documentOf, mountOpenApi } from './openapi/describe.ts';
import { refuseUnknownQueries } from './queries.ts';
import { limitRates, type CountRequest } from './rate-limit.ts';
import { mountAdoption } from './routes/adoption.ts';
import { mountAudit } from './routes/audit.ts';
import { mountAuth } from './routes/auth.ts';
import { mountBackupRepositories } from './routes/backup-repositories.ts';
import { mountBackups } from './routes/backups.ts';
import { mountCustomers } from './routes/customers.ts';
import { mountDeployPlans } from './routes/deploy-plans.ts';
import { mountDns } from './routes/dns.ts';
import { mountDomains } from './routes/domains.ts';
import { mountDrift } from './routes/drift.ts';
import { mountExec } from './routes/exec.ts';
import { mountGitHooks } from './routes/git-hooks.ts';
import { mountHealth } from './routes/health.ts';
import { mountHostUpgrades } from './routes/host-upgrades.ts';
import { mountMoves } from './routes/moves.ts';
import { mountHostCare } from './routes/host-care.ts';
import { mountHosts } from './routes/hosts.ts';
import { mountIncidents } from './routes/incidents.ts';
import { mountJobs } from './routes/jobs.ts';
import { mountJoinTokens } from './routes/join-tokens.ts';
import { mountLive } from './routes/live.ts';
import { mountLogSearch } from './routes/log-search.ts';
import { mountLogin } from './routes/login.ts';
import { mountPlans } from './routes/plans.ts';
import { mountMetrics } from './routes/metrics.ts';
import { mountReference } from './routes/reference.ts';
import { mountRegistries } from './routes/registries.ts';
import { mountProposals } from './routes/proposals.ts';
import { mountImages } from './routes/images.ts';
import { mountReleases } from './routes/releases.ts';
import { mountRevisions } from './routes/revisions.ts';
import { mountRollouts } from './routes/rollouts.ts';
import { mountEnablement } from './routes/enablement.ts';
import { mountServiceActions } from './routes/service-actions.ts';
import { mountServiceSets } from './routes/service-sets.ts';
import { mountServices } from './routes/services.ts';
import { mountSessions } from './routes/sessions.ts';
import { mountStats } from './routes/stats.ts';
import { mountTemplates } from './routes/templates.ts';
import { mountVariables } from './routes/variables.ts';
import { mountSchedules } from './routes/schedules.ts';
import { mountWebhooks } from './routes/webhooks.ts';
import { openSecondPort } from './second-port.ts';
import { secureAnswers } from './security-headers.ts';
import { Tickets } from './tickets.ts';

/** For the whole request to come in; a client that drips bytes does not hold a socket longer. */
const REQUEST_LIMIT_MS = 30_000;
/** Above the idle time-out of common proxies (60 s), so that they close first and no request meets a closed socket. */
const KEEP_ALIVE_MS = 72_000;
/** For answers under way when we stop; a request that waits for a host is cut, its job goes on. */
const STOP_GRACE_MS = 2_000;
const MAX_LOGGED_PATH = 500;
/** Connections that wait to be taken, where the system allows so many: past Node's 511 a panel's own get lost in a storm. */
const BACKLOG = 4096;

const SOCKET_LIMITS = { requestTimeout: REQUEST_LIMIT_MS, keepAliveTimeout: KEEP_ALIVE_MS };

/** What Fastify would log knows nothing of TLS. */
const listenTextResolver = (address: string): string => `listens at ${new URL(address).host}`;

/** Listens; returns once it answers. The scope's stop closes sockets with 1012 and lets answers under way finish. */
export async function startHttp(deps: HttpDeps, scope: Scope): Promise<{ port: number }> {
  const { http, stop } = await buildHttp(deps);
  scope.onStop('http', stop);
  await openAikitPort(http, deps, scope);
  await http.listen({ ...deps.config.listen, backlog: BACKLOG, listenTextResolver });
  return { port: (http.server.address() as AddressInfo).port };
}

/** Before the first port: who is told that we answer finds both. */
async function openAikitPort(
  http: Http,
  { config, clock, createServer = plainServer }: HttpDeps,
  scope: Scope,
): Promise<void> {
  const { aikitPort: port = 0 } = config;
  if (port === 0) return;
  const listen = { host: config.listen.host, port };
  const options = { createServer, listen, toUrl: toOurUrl, limits: SOCKET_LIMITS, graceMs: STOP_GRACE_MS, clock };
  const { close } = await openSecondPort(http, options);
  scope.onStop('http of AIKit', close);
}

interface BuiltHttp {
  http: Http;
  /** What is mounted of our own API and of the dialects, for whoever checks it. */
  routes: Route[];
  dialectRoutes: Route[];
  stop: () => Promise<void>;
}

/** The server with its routes, not yet listening. */
export async function buildHttp(deps: HttpDeps): Promise<BuiltHttp> {
  const { app, clock, config } = deps;
  let countBadUrl = uncounted;
  const http = createHttp(deps, (request, reply) => countBadUrl(request, reply));
  const mounted = collectRoutes(http);
  refuseUnknownQueries(http, isOwn);
  const tickets = new Tickets(clock);
  const isLive = ({ kind, keyId }: Caller) => (kind === 'session' ? app.sessions : app.keys).isLive(keyId);
  const sockets = new ClientSockets(clock, isLive);
  const hub = new Hub(deps);
  const unwatch = [...[app.keys, app.sessions].flatMap((it) => [tickets.watch(it), sockets.watch(it)]), hub.listen()];

  await takeSockets(http, deps);
  await secureAnswers(http, config);
  stampAnswers(http, deps);
  await readCookies(http);
  identifyCallers(http, app, tickets);
  auditWrites(http, app.audit);
  countBadUrl = await limitRates(http, config.rateLimits, { clock, countsByHour });
  requirePermissions(http, config.publicUrl);
  readJsonBodies(http);
  await describeRoutes(http, config.publicUrl);

  mountHealth(http, app);
  mountReleases(http, app);
  mountServices(http, app);
  mountServiceActions(http, app);
  mountEnablement(http, app);
  mountServiceSets(http, app);
  mountRollouts(http, app);
  mountDeployPlans(http, app);
  mountRevisions(http, app);
  mountDrift(http, app);
  mountDns(http, app);
  mountDomains(http, app);
  mountImages(http, app);
  mountProposals(http, app);
  mountGitHooks(http, app);
  mountJobs(http, app);
  mountBackups(http, app);
  mountHosts(http, app);
  mountHostCare(http, app);
  mountIncidents(http, app);
  mountHostUpgrades(http, app);
  mountMoves(http, app);
  mountJoinTokens(http, app);
  mountStats(http, app);
  mountMetrics(http, app);
  mountLogSearch(http, app);
  mountAdoption(http, app);
  mountCustomers(http, app);
  mountPlans(http, app);
  mountRegistries(http, app);
  mountBackupRepositories(http, app);
  mountAuth(http, app, tickets);
  mountLogin(http, app);
  mountSessions(http, app);
  mountAudit(http, app);
  mountTemplates(http, app);
  mountVariables(http, app);
  mountSchedules(http, app);
  mountWebhooks(http, app);
  mountLive(http, deps, sockets, hub);
  mountExec(http, deps, sockets);
  const describe = documentOf(http);
  mountOpenApi(http, describe);
  mountReference(http, describe);
  await mountDialects(http, deps, mounted);
  const routes = mounted.filter(({ path }) => isOwn(path));
  answerNotFound(http, routes);
  await http.ready();

  const stop = async () => {
    unwatch.forEach((end) => end());
    const cancel = clock.after(STOP_GRACE_MS, () => http.server.closeAllConnections());
    await http.close();
    cancel();
  };
  return { http, routes, dialectRoutes: mounted.filter(({ path }) => !isOwn(path)), stop };
}

const countsByHour = (path: string): boolean => dialectAt(path)?.countsByHour ?? false;

/** Not a dialect's. */
const isOwn = (path: string): boolean => dialectAt(path) === undefined;

const uncounted: CountRequest = () => Promise.resolve();

function createHttp({ config, log, createServer = plainServer }: HttpDeps, countBadUrl: CountRequest): Http {
  const logger: FastifyBaseLogger = log;
  const http = Fastify({
    loggerInstance: logger,
    childLoggerFactory: () => logger, // one for each request costs, and what we log names its request itself
    logController: new LogController({ disableRequestLogging: true }), // stampAnswers logs, with the path only
    trustProxy: config.trustedProxy.length > 0 ? config.trustedProxy : false,
    bodyLimit: BODY_LIMIT_BYTES,
    serverFactory: (handler) => createServer(handler, SOCKET_LIMITS),
    return503OnClosing: false, // a request on a kept connection is still answered, with Connection: close
    routerOptions: { maxParamLength: 200 },
    genReqId: toRequestId,
    rewriteUrl: takeUrlCredential,
    frameworkErrors: (error, request, reply) => void answerBadUrl(error, request as FastifyRequest, reply, countBadUrl),
    clientErrorHandler: answerBrokenHttp,
  }).withTypeProvider<ZodTypeProvider>();
  http.setValidatorCompiler(validatorCompiler);
  // Views are checked by their types and by tests; parsing each answer again would cost more than making it.
  http.setSerializerCompiler(() => (view) => JSON.stringify(view));
  http.setErrorHandler(answerError);
  return http;
}

/** Such a request meets no hook: it is counted here, or a flood of them would be free. */
async function answerBadUrl(error: unknown, request: FastifyRequest, reply: FastifyReply, count: CountRequest) {
  let fault = error;
  try {
    await count(request, reply);
  } catch (limited) {
    fault = limited;
  }
  await answerErrorAt(pathOf(request))(fault, request, reply);
}

/** A caller's own id is kept when it is short and plain, so that its log and ours can be laid side by side. */
function toRequestId({ headers }: { headers: Record<string, string | string[] | undefined> }): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : newRequestId();
}

/** Headers of every answer, and a line in the log: writes at info, reads at debug, never a query string. */
function stampAnswers(http: Http, { log }: HttpDeps): void {
  http.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id).header('cache-control', 'no-store');
    done();
  });
  http.addHook('onResponse', (request, reply, done) => {
    const level = request.method === 'GET' || request.method === 'HEAD' ? 'debug' : 'info';
    if (!log.isLevelEnabled(level)) return done();
    log[level](
      {
        request_id: request.id,
        method: request.method,
        path: pathOf(request).slice(0, MAX_LOGGED_PATH),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        key_id: request.caller?.keyId,
        address: request.ip,
      },
      'answered',
    );
    done();
  });
}

async function takeSockets(http: Http, { clock, log, closeAgents }: HttpDeps): Promise<void> {
  await http.register(websocket, {
    options: { maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false },
    errorHandler: (error, socket) => {
      log.debug({ err: error }, 'a WebSocket failed');
      socket.terminate();
    },
    // Agents as well as clients: both come back by themselves after 1012.
    preClose: async () => {
      http.server.removeAllListeners('upgrade');
      await closeAgents?.(); // before their sockets are closed as those of clients are
      const open = [...http.websocketServer.clients];
      const closed = open.map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())));
      for (const socket of open) socket.close(CLOSE.restart, 'restarting');
      const cancel = clock.after(STOP_GRACE_MS / 2, () => open.forEach((socket) => socket.terminate()));
      await Promise.all(closed);
      cancel();
    },
  });
}
