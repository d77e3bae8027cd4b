// One client on /api/ws: its subscription, what it may see, the logs and figures it follows, and its queue.
import type { WebSocket } from 'ws';
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import type { App } from '../app/api/app.ts';
import type { Caller } from '../app/api/caller.ts';
import type { LiveEvent, LiveType } from '../app/api/live.ts';
import { holds, type ExactPermission } from '../app/access/permissions.ts';
import type { LogHub } from './log-hub.ts';
import { toLogSink, type Corkable } from './log-socket.ts';
import type { LogSink } from './log-viewer.ts';
import { readClientMessage, toLiveMessage, type ClientMessage } from './messages.ts';
import { Outgoing } from './outgoing.ts';
import { StatsFeed, type StatsFeedDeps } from './stats-feed.ts';
import {
  EVENT_TYPES,
  FOLLOWED_TYPES,
  isEvent,
  isFollowed,
  Subscription,
  type EventType,
  type FollowedType,
} from './subscription.ts';

/** What a client says is a line or two; more is a mistake (RFC 6455 §7.4.1: 1009). */
const MAX_MESSAGE_BYTES = 16 * 1024;
const TOO_BIG = 1009;
/** Of each type: a stream of a host, or a question every ten seconds. */
const MAX_FOLLOWED = 20;
/** Services known to be visible to this caller: saves a look-up for each line of progress. */
const MAX_REMEMBERED = 1000;

const NEEDED: Record<LiveType, ExactPermission> = {
  'deploy.progress': 'services.read',
  'service.status': 'services.read',
  'service.logs': 'services.logs',
  'service.stats': 'services.read',
  'health.changed': 'services.read',
  'backup.progress': 'backups.read',
  'host.status': 'hosts.read',
};

export interface LiveDeps extends StatsFeedDeps {
  app: Pick<App, 'services' | 'hosts' | 'stats'>;
  logs: Pick<LogHub, 'followServiceLogs'>;
}

export class LiveSession {
  readonly #caller: Caller;
  readonly #deps: LiveDeps;
  readonly #out: Outgoing;
  readonly #subscription = new Subscription();
  readonly #visible = new Set<string>();
  /** By service. */
  readonly #followed: Record<FollowedType, Map<string, { close(): void }>> = {
    'service.logs': new Map(),
    'service.stats': new Map(),
  };
  readonly #logSink: LogSink;

  constructor(socket: WebSocket, tcp: Corkable, caller: Caller, deps: LiveDeps) {
    this.#logSink = toLogSink(socket, tcp);
    this.#caller = caller;
    this.#deps = deps;
    this.#out = new Outgoing(socket);
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (socket.readyState !== socket.OPEN) return; // shut out, and not gone yet
      if (data.byteLength > MAX_MESSAGE_BYTES) socket.close(TOO_BIG, `at most ${MAX_MESSAGE_BYTES} bytes`);
      else this.#hear(isBinary ? undefined : readClientMessage(data.toString('utf8')));
    });
  }

  /** Passes on what is wanted and may be seen. */
  offer(event: LiveEvent): void {
    if (!this.#hears(event.type)) return;
    const serviceId = 'serviceId' in event ? event.serviceId : undefined;
    if (!this.#subscription.wants(event.type, serviceId)) return;
    const isVisible = event.type === 'host.status' ? this.#seesHost(event.hostId) : this.#seesService(event.serviceId);
    if (isVisible) this.#out.tell(toLiveMessage(event));
  }

  end(): void {
    for (const type of FOLLOWED_TYPES) this.#unfollow(type);
  }

  #hear(message: ClientMessage | undefined): void {
    try {
      if (!message)
        throw new LongshoreError('bad_request', {
          details: 'Send {"type":"subscribe"|"unsubscribe","types"?:[…],"service_ids"?:[…]}',
        });
      if (message.type === 'subscribe') this.#subscribe(message);
      else this.#unsubscribe(message);
      this.#out.answer({ ...message, type: `${message.type}d` });
    } catch (error) {
      this.#out.answer({ type: 'error', ...toLongshoreError(error).toWire() });
    }
  }

  /** Without types: all that the caller may hear of. */
  #subscribe({ types = EVENT_TYPES.filter((type) => this.#hears(type)), service_ids: ids }: ClientMessage): void {
    for (const id of ids ?? []) this.#deps.app.services.require(this.#caller, id);
    for (const type of types) this.#requirePermission(NEEDED[type]);
    const events = types.filter(isEvent);
    if (events.length > 0 && !this.#subscription.add(events, ids))
      throw new LongshoreError('bad_request', { details: 'Too many subscriptions: leave service_ids out' });
    for (const type of types.filter(isFollowed)) {
      if (!ids) throw new LongshoreError('bad_request', { details: `${type} needs service_ids` });
      for (const id of ids) this.#follow(type, id);
    }
  }

  #unsubscribe({ types, service_ids: ids }: ClientMessage): void {
    this.#subscription.remove(types?.filter(isEvent) ?? EVENT_TYPES, ids);
    for (const type of types?.filter(isFollowed) ?? FOLLOWED_TYPES) this.#unfollow(type, ids);
  }

  #follow(type: FollowedType, serviceId: string): void {
    const followed = this.#followed[type];
    if (followed.has(serviceId)) return;
    if (followed.size >= MAX_FOLLOWED)
      throw new LongshoreError('bad_request', { details: `At most ${MAX_FOLLOWED} services' ${type} at once` });
    const failed = (error: unknown) => {
      followed.delete(serviceId);
      this.#out.answer({ type: 'error', ...toLongshoreError(error).toWire(), service_id: serviceId });
    };
    followed.set(serviceId, this.#open(type, serviceId, failed));
  }

  #open(type: FollowedType, serviceId: string, failed: (error: unknown) => void): { close(): void } {
    if (type === 'service.logs') return this.#deps.logs.followServiceLogs(serviceId, this.#logSink, failed);
    const tell = (message: object) => this.#out.tell(message);
    return new StatsFeed(this.#deps, { caller: this.#caller, serviceId, tell, failed });
  }

  /** No ids: all of them. */
  #unfollow(type: FollowedType, ids: Iterable<string> = [...this.#followed[type].keys()]): void {
    for (const id of ids) {
      this.#followed[type].get(id)?.close();
      this.#followed[type].delete(id);
    }
  }

  #requirePermission(needed: ExactPermission): void {
    if (!holds(this.#caller.permissions, needed)) throw new LongshoreError('forbidden', { details: `Needs ${needed}` });
  }

  #hears(type: EventType): boolean {
    return holds(this.#caller.permissions, NEEDED[type]);
  }

  #seesService(id: string): boolean {
    if (isUnbound(this.#caller) || this.#visible.has(id)) return true;
    if (!isFound(() => this.#deps.app.services.require(this.#caller, id))) return false;
    // Kept, because the last news of a service come after it is gone.
    if (this.#visible.size >= MAX_REMEMBERED) this.#visible.clear();
    this.#visible.add(id);
    return true;
  }

  #seesHost(id: string): boolean {
    return isUnbound(this.#caller) || isFound(() => this.#deps.app.hosts.require(this.#caller, id));
  }
}

const isUnbound = (caller: Caller) => caller.customerId === null && caller.hostLabels === null;

function isFound(require: () => unknown): boolean {
  try {
    require();
    return true;
  } catch (error) {
    if (error instanceof LongshoreError && error.code === 'not_found') return false;
    throw error;
  }
}
