// A control plane without HTTP and without sockets: real SQLite files, the real app layer, real peers joined in memory.
// `crash` leaves the running one behind and starts another on a copy of the files as they are at that moment.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { silentLogger } from '#shared/log.ts';
import { AiQuestions, type Propose } from '../../control/agents/ai-questions.ts';
import { Dispatcher } from '../../control/agents/dispatch.ts';
import { EventEffects } from '../../control/agents/event-effects.ts';
import { ForgottenServices } from '../../control/agents/forgotten-services.ts';
import { Intake } from '../../control/agents/intake.ts';
import { LostJobs } from '../../control/agents/lost-jobs.ts';
import { ProgressLog } from '../../control/agents/progress-log.ts';
import { StoredRegistry } from '../../control/agents/registry.ts';
import { Sessions } from '../../control/agents/sessions.ts';
import { SYSTEM_CALLER } from '../../control/app/access/admin-key.ts';
import type { Caller } from '../../control/app/api/caller.ts';
import type { LiveEvent } from '../../control/app/api/live.ts';
import type { NewService } from '../../control/app/api/services.ts';
import { createApp, type AppParts } from '../../control/app/app.ts';
import type { EdgeSettings } from '../../control/app/domains/edges.ts';
import type { OpenDnsProvider } from '../../control/app/dns/provider.ts';
import type { LoginSettings } from '../../control/app/access/login.ts';
import { SelfWatch } from '../../control/app/system/self-watch.ts';
import { Troubles } from '../../control/app/system/troubles.ts';
import { findWriteFault } from '../../control/standing.ts';
import { aikitFormat } from '../../control/dialects/aikit/webhook.ts';
import { Egress, type EgressOptions } from '../../control/egress/egress.ts';
import type { HostLinks } from '../../control/app/hosts/host-links.ts';
import type { PlanLimits } from '../../control/store/customer-records.ts';
import { openStores, type Stores } from '../../control/store/stores.ts';
import { loadTemplates } from '../../control/templates/load.ts';
import { createTemplateSource } from '../../control/templates/source.ts';
import { FakeHost } from './fake-host.ts';
import { makeFolder } from './folder.ts';
import { ManualClock } from './manual-clock.ts';

export const COMPOSE = 'services:\n  web:\n    image: busybox:1\n';
export const ADMIN: Caller = SYSTEM_CALLER;

export interface WorldOptions {
  dir?: string;
  clock?: ManualClock;
  login?: LoginSettings | null;
  /** Default: public addresses only, by the system's resolver. */
  egress?: Partial<EgressOptions>;
  /** Default: there is no AI endpoint. */
  propose?: Propose;
  /** Default: no provider can be reached. */
  openDnsProvider?: OpenDnsProvider;
  /** Default: no service has a name. */
  edge?: EdgeSettings;
}

export class ControlWorld {
  readonly dir: string;
  readonly clock: ManualClock;
  readonly stores: Stores;
  readonly parts: AppParts;
  readonly app: AppParts['app'];
  readonly sessions = new Sessions(silentLogger());
  readonly registry: StoredRegistry;
  readonly intake: Intake;
  readonly dispatcher: Dispatcher;
  readonly progressLog: ProgressLog;
  readonly egress: Egress;
  readonly links: HostLinks;
  readonly troubles: Troubles;
  /** Everything the bus has carried. */
  readonly live: LiveEvent[] = [];
  /** What is behind the URLs that the control plane may fetch. */
  readonly texts = new Map<string, string>();
  /** What DNS says of names. */
  readonly addresses = new Map<string, string[]>();
  /** Names that DNS does not answer for. */
  readonly silent = new Set<string>();
  readonly #t: Test;
  readonly #options: WorldOptions;
  readonly #abort = new AbortController();

  constructor(t: Test, options: WorldOptions = {}) {
    const { dir, clock = new ManualClock(), login = null } = options;
    this.#t = t;
    this.#options = options;
    this.dir = dir ?? makeFolder(t, 'control');
    this.clock = clock;
    this.egress = new Egress({ allowsPrivate: false, clock, ...options.egress });
    this.stores = openStores(this.dir, clock);
    this.troubles = new Troubles(clock);
    const { stores, sessions } = this;
    this.links = this.#links();
    const log = this.troubles.watch(silentLogger());
    this.parts = createApp({
      stores,
      clock,
      log,
      links: this.links,
      templates: createTemplateSource(loadTemplates(), {
        randomBytes: (n) => new Uint8Array(n),
        now: () => clock.now(),
      }),
      fetchText: (url) => this.#fetch(url),
      reservedPorts: () => [8080],
      publicUrl: () => 'https://panel.example.com',
      distDir: join(this.dir, 'dist'),
      controlPin: 'A'.repeat(43),
      readiness: () => ({ isReady: true, reason: null }),
      login,
      checkUrl: this.egress.checkUrl,
      webhookFormats: { aikit: aikitFormat },
      openDnsProvider: options.openDnsProvider ?? unreachableDns,
      resolveName: (hostname) =>
        Promise.resolve(this.silent.has(hostname) ? undefined : (this.addresses.get(hostname) ?? [])),
      edge: options.edge ?? { baseDomain: null, issuer: { kind: 'internal' } },
      self: {
        self: new SelfWatch(join(this.dir, 'control.db'), clock),
        troubles: this.troubles,
        findWriteFault: () => findWriteFault(stores, clock),
      },
    });
    const { app, bus, starts, ends, usage, incidents } = this.parts;
    this.app = app;
    bus.subscribe((event) => this.live.push(event));
    const lostJobs = new LostJobs(stores, starts, ends, clock);
    this.progressLog = new ProgressLog(stores, clock, log);
    const forgotten = new ForgottenServices();
    const effects = new EventEffects({ stores, ends, progressLog: this.progressLog, bus, clock });
    this.intake = new Intake({
      stores,
      sessions,
      effects,
      lostJobs,
      forgotten,
      progressLog: this.progressLog,
      bus,
      usage,
      domains: this.parts.app.domains,
      questions: new AiQuestions(stores, this.parts.aiGrants, options.propose ?? null),
      clock,
      log,
    });
    this.dispatcher = new Dispatcher({ stores, sessions, ends, incidents, clock, log }, this.#abort.signal);
    this.registry = new StoredRegistry({
      stores,
      lostJobs,
      forgotten,
      refusals: this.parts.joinRefusals,
      incidents,
      clock,
      log,
    });
    sessions.onConnect(({ hostId }) => this.dispatcher.nudge(hostId));
    t.teardown(() => this.close());
  }

  async #fetch(url: string): Promise<string> {
    const text = this.texts.get(url);
    if (text === undefined) throw new LongshoreError('egress_failed', { message: 'It answered 404' });
    return text;
  }

  /** A host that has joined; it does not connect by itself. */
  async join(labels: Record<string, string> = {}, hostname = 'one'): Promise<FakeHost> {
    const { id: tokenId } = await this.app.joinTokens.create(ADMIN, { labels });
    const host = new FakeHost(hostname);
    await host.enrol(this, tokenId);
    return host;
  }

  async joinAndConnect(labels: Record<string, string> = {}, hostname = 'one'): Promise<FakeHost> {
    const host = await this.join(labels, hostname);
    await host.connect(this);
    return host;
  }

  create(name: string, input: Partial<NewService> = {}, caller: Caller = ADMIN) {
    const source = { method: 'compose' as const, compose: COMPOSE };
    return this.app.services.create(caller, { name, source, ...input });
  }

  /** A service whose first deploy went well. */
  async deployed(host: FakeHost, name: string, input: Partial<NewService> = {}): Promise<string> {
    const { service, job } = await this.create(name, { hostId: host.id, ...input });
    await host.finish(job.id);
    return service.id;
  }

  /** A customer, on a plan with these limits where some are given. Returns its id. */
  async customer(name: string, limits?: Partial<PlanLimits>): Promise<string> {
    const { customers, plans } = this.app;
    const plan = limits && (await plans.create(ADMIN, { name: `plan of ${name}`, limits }));
    return (await customers.create(ADMIN, { name, planId: plan?.id })).id;
  }

  /** What kill -9 leaves. */
  crash(): ControlWorld {
    const dir = makeFolder(this.#t, 'control');
    cpSync(this.dir, dir, { recursive: true });
    return new ControlWorld(this.#t, { ...this.#options, dir, clock: this.clock });
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.parts.rollouts.close();
    await this.parts.moves.close();
    await this.parts.dnsKeeper.close();
    for (const session of this.sessions.list()) session.peer.destroy(1001, 'test over');
    await this.egress.close();
    await this.stores.close();
  }

  #links(): HostLinks {
    return {
      isConnected: (hostId) => this.sessions.find(hostId) !== undefined && !this.parts.incidents.hasConflict(hostId),
      connectedAt: (hostId) => this.sessions.find(hostId)?.connectedAt ?? null,
      connectedCount: () => this.sessions.count,
      isFenced: (hostId) => this.parts.incidents.hasConflict(hostId),
      ask: (...question) => this.sessions.ask(...question),
      openStream: (hostId, name, params) => this.sessions.require(hostId).peer.openStream(name, params),
      nudge: (hostId) => this.dispatcher.nudge(hostId),
      drop: (hostId) => this.sessions.revoke(hostId),
    };
  }
}

function unreachableDns(): never {
  throw new LongshoreError('egress_failed');
}
