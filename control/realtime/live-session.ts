// One client on /api/ws: its subscription, what it may see, the logs it follows, and its queue.
import type { WebSocket } from 'ws';
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import type { App } from '../app/api/app.ts';
import type { Caller } from '../app/api/caller.ts';
import type { LiveEvent } from '../app/api/live.ts';
import { holds, type ExactPermission } from '../app/access/permissions.ts';
import type { LogHub } from './log-hub.ts';
import { toLogSink, type Corkable } from './log-socket.ts';
import type { LogSink } from './log-viewer.ts';
import { readClientMessage, toLiveMessage, type ClientMessage } from './messages.ts';
import { Outgoing } from './outgoing.ts';
import { EVENT_TYPES, Subscription, type EventType } from './subscription.ts';

/** What a client says is a line or two; more is a mistake (RFC 6455 §7.4.1: 1009). */
const MAX_MESSAGE_BYTES = 16 * 1024;
const TOO_BIG = 1009;
/** Each follows a stream of its host. */
const MAX_FOLLOWED_LOGS = 20;
/** Services known to be visible to this caller: saves a look-up for each line of progress. */
const MAX_REMEMBERED = 1000;

const NEEDED: Record<EventType, ExactPermission> = {
  'deploy.progress': 'services.read',
  'service.status': 'services.read',
  'health.changed': 'services.read',
  'backup.progress': 'backups.read',
  'host.status': 'hosts.read',
};

export interface LiveDeps {
  app: Pick<App, 'services' | 'hosts'>;
  logs: Pick<LogHub, 'followServiceLogs'>;
}

export class LiveSession {
  readonly #caller: Caller;
  readonly #deps: LiveDeps;
  readonly #out: Outgoing;
  readonly #subscription = new Subscription();
  readonly #visible = new Set<string>();
  readonly #logs = new Map<string, { close(): void }>();
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
    for (const log of this.#logs.values()) log.close();
    this.#logs.clear();
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
    for (const type of types) this.#requirePermission(type === 'service.logs' ? 'services.logs' : NEEDED[type]);
    const events = types.filter((type) => type !== 'service.logs');
    if (events.length > 0 && !this.#subscription.add(events, ids))
      throw new LongshoreError('bad_request', { details: 'Too many subscriptions: leave service_ids out' });
    if (events.length === types.length) return;
    if (!ids) throw new LongshoreError('bad_request', { details: 'service.logs needs service_ids' });
    for (const id of ids) this.#follow(id);
  }

  #unsubscribe({ types, service_ids: ids }: ClientMessage): void {
    this.#subscription.remove(types?.filter((type) => type !== 'service.logs') ?? EVENT_TYPES, ids);
    if (types && !types.includes('service.logs')) return;
    for (const id of ids ?? [...this.#logs.keys()]) {
      this.#logs.get(id)?.close();
      this.#logs.delete(id);
    }
  }

  #follow(serviceId: string): void {
    if (this.#logs.has(serviceId)) return;
    if (this.#logs.size >= MAX_FOLLOWED_LOGS)
      throw new LongshoreError('bad_request', { details: `At most ${MAX_FOLLOWED_LOGS} services' logs at once` });
    const log = this.#deps.logs.followServiceLogs(serviceId, this.#logSink, (error) => {
      this.#logs.delete(serviceId);
      this.#out.answer({ type: 'error', ...toLongshoreError(error).toWire(), service_id: serviceId });
    });
    this.#logs.set(serviceId, log);
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
