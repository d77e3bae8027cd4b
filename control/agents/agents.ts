// The agent side of control: gateway, sessions, dispatcher and intake, joined to each other and to the app layer.
import { toLongshoreError } from '#shared/errors.ts';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import type { Identity } from '#shared/protocol/identity.ts';
import type { StreamReader } from '#shared/protocol/peer-types.ts';
import type { StreamParams } from '#shared/protocol/schema.ts';
import type { Clock } from '#shared/time.ts';
import type { AppParts } from '../app/app.ts';
import type { Stores } from '../store/stores.ts';
import { AiQuestions, type Propose } from './ai-questions.ts';
import { Dispatcher } from './dispatch.ts';
import { EventEffects } from './event-effects.ts';
import { ForgottenServices } from './forgotten-services.ts';
import { createGateway, type Gateway, type IdentityConflict } from './gateway.ts';
import { Intake } from './intake.ts';
import type { AgentLinks } from './links.ts';
import { LostJobs } from './lost-jobs.ts';
import { ProgressLog } from './progress-log.ts';
import { StoredRegistry } from './registry.ts';
import { relistServices } from './relist.ts';
import { Sessions } from './sessions.ts';
import { missing } from '../app/missing.ts';

export interface AgentsDeps {
  identity: Identity;
  stores: Stores;
  parts: AppParts;
  links: AgentLinks;
  /** Null: no AI endpoint is set. */
  propose: Propose;
  clock: Clock;
  log: Logger;
}

export interface Agents {
  accept: Gateway['acceptAgent'];
  /** Throws `unavailable` when there is no room for another handshake. */
  admit: (remoteAddress: string) => void;
  /** Lets nobody in any more and ends all links; safe to repeat. */
  close: () => Promise<void>;
  /** Throws `host_offline`, `not_found`. */
  openLogs: (serviceId: string, params: Omit<StreamParams<'logs'>, 'serviceId'>) => StreamReader;
  onHostUp: (serviceId: string, up: () => void) => () => void;
}

export function startAgents(deps: AgentsDeps, scope: Scope): Agents {
  const { identity, stores, parts, links, clock, log } = deps;
  const { bus, starts, ends, usage, incidents } = parts;
  const sessions = new Sessions(log);
  const lostJobs = new LostJobs(stores, starts, ends, clock);
  const progressLog = new ProgressLog(stores, clock, log);
  const forgotten = new ForgottenServices();
  const effects = new EventEffects({ stores, ends, progressLog, bus, clock });
  const questions = new AiQuestions(stores, parts.aiGrants, deps.propose);
  const intake = new Intake({
    stores,
    sessions,
    effects,
    lostJobs,
    forgotten,
    progressLog,
    bus,
    usage,
    questions,
    domains: parts.app.domains,
    clock,
    log,
  });
  const dispatcher = new Dispatcher({ stores, sessions, ends, incidents, clock, log }, scope.signal);
  const registry = new StoredRegistry({
    stores,
    lostJobs,
    forgotten,
    refusals: parts.joinRefusals,
    incidents,
    clock,
    log,
  });
  const gateway = createGateway({
    identity,
    registry,
    sessions,
    handlersFor: ({ hostId }) => intake.handlersFor(hostId),
    onIdentityConflict: (conflict) => noteConflict(deps, conflict),
    clock,
    log,
  });
  links.attach({ sessions, gateway, dispatcher, incidents });
  incidents.onSettled((hostId) => {
    gateway.unfence(hostId);
    dispatcher.nudge(hostId);
    const status = sessions.find(hostId) ? 'connected' : 'offline';
    bus.publish({ type: 'host.status', hostId, status, at: clock.now() });
  });
  sessions.onConnect((session) => {
    const { hostId } = session;
    const status = incidents.hasConflict(hostId) ? 'fenced' : 'connected';
    bus.publish({ type: 'host.status', hostId, status, at: clock.now() });
    dispatcher.nudge(hostId);
    if (stores.hosts.find(hostId)?.isToRelist)
      scope.run('list services anew', () => relistServices({ ...parts, ...deps }, session));
  });
  sessions.onDisconnect(({ hostId }) => {
    bus.publish({ type: 'host.status', hostId, status: 'offline', at: clock.now() });
  });
  scope.onStop('progress log', () => progressLog.flush());
  scope.onStop('dispatcher', () => dispatcher.idle());
  scope.onStop('gateway', () => gateway.close());
  return {
    accept: (socket, remoteAddress) => gateway.acceptAgent(socket, remoteAddress),
    admit: (remoteAddress) => gateway.requireRoom(remoteAddress),
    close: () => gateway.close(),
    openLogs: (serviceId, params) => {
      const { peer } = sessions.require(requireHostOf(stores, serviceId));
      return peer.openStream('logs', { serviceId, ...params });
    },
    onHostUp: (serviceId, up) =>
      sessions.onConnect(({ hostId }) => {
        if (stores.services.find(serviceId)?.hostId === hostId) up();
      }),
  };
}

function requireHostOf(stores: Stores, serviceId: string): string {
  const service = stores.services.find(serviceId);
  if (!service) throw missing('service', serviceId);
  return service.hostId;
}

/** Two machines with one key: the operator has to make one of them join anew. */
function noteConflict(
  { stores, parts, clock, log }: AgentsDeps,
  { hostId, bootIds, remoteAddresses }: IdentityConflict,
): void {
  const at = clock.now();
  const message = `Two live machines use this host's key: ${remoteAddresses.join(' and ')}; let one of them join anew`;
  log.warn({ hostId, remoteAddresses }, message);
  parts.bus.publish({ type: 'host.status', hostId, status: 'fenced', at });
  stores.writer
    .write((tx) => {
      // A boot that both have tells nothing about which of them joins anew.
      const machines = { bootIds: bootIds[0] === bootIds[1] ? [] : bootIds, addresses: remoteAddresses };
      const incidentId = parts.incidents.noteConflict(tx, hostId, machines, at);
      stores.events.insert({ hostId, type: 'host', status: 'identity_conflict', message, at, incidentId });
    })
    .catch((error: unknown) => log.error({ err: toLongshoreError(error), hostId }, 'could not store an event'));
}
