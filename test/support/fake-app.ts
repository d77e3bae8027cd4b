// The app layer in memory, for tests of what lies in front of it: HTTP and sockets. It keeps the promises of
// control/app/api.ts that those depend on (visibility, waiting, one effect a key) and lets a test say what happens next.
import { EventEmitter } from 'node:events';
import type { App } from '../../control/app/api/app.ts';
import type { Caller } from '../../control/app/api/caller.ts';
import type { Host } from '../../control/app/api/hosts.ts';
import type { Job } from '../../control/app/api/jobs.ts';
import type { JoinToken } from '../../control/app/api/join-tokens.ts';
import type { LiveEvent } from '../../control/app/api/live.ts';
import type { NewService, Service, ServiceDetail } from '../../control/app/api/services.ts';
import type { Page, Paging } from '../../control/app/api/page.ts';
import type { TemplateDetail } from '../../control/app/api/templates.ts';
import type { Permission } from '../../control/app/access/permissions.ts';
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import { AT, DRAINED, FACTS, INCIDENT, JOB, SERVICE, toApiKey } from './fake-records.ts';

export const ADMIN_SECRET = 'lsk_admin';

/** A part of the app that no test of the bare server asks for: those run over the real app (control-server.ts). */
export const absent = (name: string): never =>
  new Proxy({} as never, {
    get: () => {
      throw new LongshoreError('not_supported', { details: `the fake app has no ${name}` });
    },
  });

const notHere = (): never => {
  throw new LongshoreError('not_supported', { details: 'the fake app does not do this' });
};

const JOIN_TOKEN: JoinToken = {
  id: 'jtk_1',
  status: 'open',
  labels: {},
  maxUses: 1,
  uses: 0,
  addressRange: null,
  createdAt: AT,
  expiresAt: AT,
  refusal: { at: AT, address: '203.0.113.7', reason: 'It has expired.' },
};

export class FakeApp implements App {
  readonly callers = new Map<string, Caller>();
  readonly entries = new Map<string, ServiceDetail>();
  readonly jobEntries = new Map<string, Job>();
  readonly hostEntries = new Map<string, Host>();
  readonly templateEntries: TemplateDetail[] = [];
  /** What `create` was given, in order. */
  readonly created: NewService[] = [];
  /** Thrown by the next write, once. */
  nextError: LongshoreError | Error | undefined;
  /** Whether jobs end within the wait. */
  isHostQuick = true;
  isReady = true;
  readonly #revoked = new EventEmitter();
  readonly #events = new EventEmitter().setMaxListeners(0);
  readonly #answers = new Map<string, { fingerprint: string; answer: Promise<{ status: number; body: unknown }> }>();

  constructor() {
    this.addKey(ADMIN_SECRET, ['*']);
    this.addHost('host_a');
  }

  addKey(secret: string, permissions: Permission[], bound: Partial<Caller> = {}): Caller {
    const caller: Caller = {
      kind: 'key',
      keyId: newId('key'),
      name: secret,
      permissions,
      customerId: null,
      hostLabels: null,
      rateLimit: null,
      ...bound,
    };
    this.callers.set(secret, caller);
    return caller;
  }

  addHost(id: string, bound: Partial<Host> = {}): Host {
    const host: Host = {
      id,
      name: id,
      labels: {},
      status: 'connected',
      facts: { ...FACTS, hostname: id },
      usage: null,
      statusSince: AT,
      factsAt: AT,
      lastSeenAt: AT,
      createdAt: AT,
      cordonedAt: null,
      drainedAt: null,
      ...bound,
    };
    this.hostEntries.set(id, host);
    return host;
  }

  addService(bound: Partial<ServiceDetail> = {}): ServiceDetail {
    const service: ServiceDetail = { ...SERVICE, id: newId('svc'), ...bound };
    this.entries.set(service.id, service);
    return service;
  }

  addJob(service: Service, bound: Partial<Job> = {}): Job {
    const job: Job = { ...JOB, id: newId('job'), serviceId: service.id, serviceName: service.name, ...bound };
    this.jobEntries.set(job.id, job);
    return job;
  }

  publish(event: LiveEvent): void {
    this.bus.publish(event);
  }

  readonly services: App['services'] = {
    create: async (caller, input) => {
      this.#failNext();
      if ([...this.entries.values()].some(({ name }) => name === input.name)) throw new LongshoreError('name_taken');
      this.created.push(input);
      const { source } = input;
      const service = this.addService({
        name: input.name,
        lifecycle: 'deploying',
        customerId: input.customerId ?? caller.customerId,
        method: source.method,
        templateId: source.method === 'template' ? source.templateId : null,
        report: null,
      });
      return { service, job: this.addJob(service, { kind: 'deploy', state: 'queued' }) };
    },
    list: (caller, query) => {
      const all = [...this.entries.values()].filter((service) => sees(caller, service));
      const wanted = all.filter(({ lifecycle, name }) => {
        return (!query.status || lifecycle === query.status) && name.includes(query.search ?? '');
      });
      const sorted = wanted.toSorted((a, b) => a.name.localeCompare(b.name) * (query.order === 'asc' ? 1 : -1));
      return pageOf(sorted, query);
    },
    all: async (caller) => [...this.entries.values()].filter((service) => sees(caller, service)),
    named: (caller, name) =>
      [...this.entries.values()].filter((service) => service.name === name && sees(caller, service)),
    find: (caller, id) => [...this.entries.values()].find((service) => service.id === id && sees(caller, service)),
    require: (caller, id) => this.#require(caller, id),
    detail: (caller, id) => this.#require(caller, id),
    act: async (caller, id, kind, waitMs) => {
      this.#failNext();
      const service = this.#require(caller, id);
      const isDone = this.isHostQuick && waitMs > 0;
      if (isDone) service.lifecycle = kind === 'stop' ? 'stopped' : 'running';
      return { service, job: this.addJob(service, { kind, state: isDone ? 'succeeded' : 'running' }), isDone };
    },
    setEnabled: async (caller, id, isEnabled) => {
      this.#failNext();
      const service = this.#require(caller, id);
      service.isEnabled = isEnabled;
      return service;
    },
    update: async (caller, id, change) => {
      this.#failNext();
      const service = this.#require(caller, id);
      const { displayName = service.displayName } = change;
      Object.assign(service, { displayName });
      const isDeployed = change.variables !== undefined || change.compose !== undefined;
      return { service, jobId: isDeployed ? this.addJob(service, { kind: 'deploy', state: 'queued' }).id : null };
    },
    redeploy: async (caller, id) => {
      this.#failNext();
      const service = this.#require(caller, id);
      service.lifecycle = 'deploying';
      return { service, job: this.addJob(service, { kind: 'redeploy', state: 'queued' }) };
    },
    remove: async (caller, id, waitMs) => {
      this.#failNext();
      const service = this.#require(caller, id);
      const isDone = this.isHostQuick && waitMs > 0;
      if (isDone) this.entries.delete(id);
      return { job: this.addJob(service, { kind: 'remove' }), isDone };
    },
    events: (caller, id, query) => {
      const service = this.#require(caller, id);
      const event = {
        id: 'evt_1',
        serviceId: service.id,
        hostId: service.hostId,
        jobId: null,
        scheduleId: null,
        type: 'deploy',
        status: 'success',
        end: null,
        incidentId: null,
      };
      return pageOf([{ ...event, message: 'Deployed from template uptime-kuma', at: AT }], query);
    },
  };

  readonly jobs: App['jobs'] = {
    list: (_caller, query) => pageOf([...this.jobEntries.values()], query),
    detail: (_caller, id) => ({
      ...this.#requireJob(id),
      steps: [{ step: 'pull', state: 'done', message: null, startedAt: AT, finishedAt: AT }],
    }),
    log: (_caller, id) => {
      this.#requireJob(id);
      return [{ at: AT, step: 'pull', message: '\r\n{"level":"fatal"}\u001b]52;c;x\u0007\u0000<script>' }];
    },
    cancel: async (_caller, id) => {
      this.#failNext();
      const job = this.#requireJob(id);
      job.state = 'cancelled';
      return job;
    },
    wait: async (id) => this.#requireJob(id),
  };

  readonly hosts: App['hosts'] = {
    list: (_caller, query) => pageOf([...this.hostEntries.values()], query),
    require: (_caller, id) => {
      const host = this.hostEntries.get(id);
      if (!host) throw new LongshoreError('not_found');
      return host;
    },
    events: (_caller, _id, query) => pageOf([], query),
    findFacts: (_caller, id) => this.hostEntries.get(id)?.facts ?? null,
    revoke: async (caller, id) => {
      this.hosts.require(caller, id).status = 'revoked';
    },
  };

  readonly hostCare: App['hostCare'] = {
    change: async (caller, id, { name }) =>
      Object.assign(this.hosts.require(caller, id), name !== undefined && { name }),
    cordon: async (caller, id) => Object.assign(this.hosts.require(caller, id), { cordonedAt: AT }),
    uncordon: async (caller, id) => Object.assign(this.hosts.require(caller, id), { cordonedAt: null }),
    drain: async (caller, id) => ({ host: this.hosts.require(caller, id), services: [DRAINED] }),
    undrain: async (caller, id) => ({ host: this.hosts.require(caller, id), services: [{ ...DRAINED }] }),
    remove: async (caller, id) => {
      this.hostEntries.delete(this.hosts.require(caller, id).id);
    },
  };

  readonly incidents: App['incidents'] = {
    list: (_caller, query) => pageOf([INCIDENT], query),
    require: () => ({ ...INCIDENT, hosts: [{ hostId: 'host_1', name: 'web-1', lostAt: AT, backAt: null }] }),
  };

  readonly joinTokens: App['joinTokens'] = {
    create: async () => ({
      id: 'jtk_1',
      token: 'lsj_secret',
      expiresAt: AT,
      url: 'https://panel.example.com',
      tlsPin: null,
      command: '(curl … || echo exit 1) | sudo sh',
      cloudInit: '#cloud-config\n',
      ansible: '- name: …\n',
    }),
    list: (_caller, query) => pageOf([JOIN_TOKEN], query),
    require: () => ({ ...JOIN_TOKEN, hosts: [...this.hostEntries.values()] }),
    end: async () => {},
  };

  readonly keys: App['keys'] = {
    identify: (secret) => this.callers.get(secret),
    list: (_caller, query) => pageOf([...this.callers.values()].map(toApiKey), query),
    create: async (_caller, input) => {
      const caller = this.addKey(`lsk_${newId('key')}`, input.permissions, { name: input.name });
      return { key: toApiKey(caller), secret: `lsk_${caller.keyId}` };
    },
    revoke: async (_caller, id) => {
      const secret = [...this.callers].find(([, { keyId }]) => keyId === id)?.[0];
      if (secret === undefined) throw new LongshoreError('not_found');
      this.callers.delete(secret);
      this.#revoked.emit('revoked', id);
    },
    require: (_caller, id) => {
      const caller = [...this.callers.values()].find(({ keyId }) => keyId === id);
      if (!caller) throw new LongshoreError('not_found');
      return toApiKey(caller);
    },
    isLive: (id) => [...this.callers.values()].some(({ keyId }) => keyId === id),
    onRevoked: (listener) => listen(this.#revoked, 'revoked', listener),
  };

  /** Nobody has logged in: sessions are tested over the real app. */
  readonly sessions: App['sessions'] = {
    identify: () => undefined,
    isLive: () => false,
    onRevoked: () => () => {},
    current: () => {
      throw new LongshoreError('unauthorized');
    },
    list: (_caller, query) => pageOf([], query),
    revoke: async () => {
      throw new LongshoreError('not_found');
    },
  };

  /** Keeps nothing: test/control/audit.test.ts runs over the real app. */
  readonly audit: App['audit'] = {
    during: (_act, work) => work(),
    describe: () => {},
    finish: async () => {},
    append: () => {},
    list: (_caller, query) => pageOf([], query),
  };

  readonly stats: App['stats'] = absent('stats');
  readonly hostUpgrades: App['hostUpgrades'] = absent('upgrades of hosts');
  readonly moves: App['moves'] = absent('moves');
  readonly logSearch: App['logSearch'] = absent('logSearch');
  readonly releases: App['releases'] = absent('releases');
  readonly metrics: App['metrics'] = absent('metrics');
  readonly adoption: App['adoption'] = absent('adoption');
  readonly backups: App['backups'] = absent('backups');
  readonly backupRepositories: App['backupRepositories'] = absent('backup repositories');
  readonly backupDownloads: App['backupDownloads'] = absent('backup downloads');
  readonly backupSettings: App['backupSettings'] = absent('backup settings');
  readonly containers: App['containers'] = absent('containers');
  readonly revisions: App['revisions'] = absent('revisions');
  readonly drift: App['drift'] = absent('drift');
  readonly exec: App['exec'] = absent('exec');
  readonly proposals: App['proposals'] = absent('proposals');
  readonly images: App['images'] = absent('images');
  readonly gitHooks: App['gitHooks'] = absent('gitHooks');
  readonly deployKeys: App['deployKeys'] = absent('deployKeys');
  readonly deployPlans: App['deployPlans'] = absent('deployPlans');
  readonly sets: App['sets'] = absent('sets');
  readonly login: App['login'] = absent('login');
  readonly registries: App['registries'] = absent('registries');
  readonly customers: App['customers'] = absent('customers');
  readonly variables: App['variables'] = absent('variables');
  readonly plans: App['plans'] = absent('plans');

  /** Own templates and imports: test/control/templates.test.ts runs over the real app. */
  readonly templates: App['templates'] = {
    list: (_caller, query) => pageOf(this.templateEntries, query),
    require: (_caller, id) => {
      const template = this.templateEntries.find((it) => it.id === id);
      if (!template) throw new LongshoreError('not_found');
      return template;
    },
    source: notHere,
    create: notHere,
    replace: notHere,
    remove: notHere,
    import: notHere,
  };

  readonly bus: App['bus'] = {
    publish: (event) => void this.#events.emit('event', event),
    subscribe: (listener) => listen(this.#events, 'event', listener),
  };

  readonly domains: App['domains'] = absent('domains');
  readonly hostEdges: App['hostEdges'] = absent('edges of hosts');
  readonly dnsZones: App['dnsZones'] = absent('DNS zones');
  readonly webhooks: App['webhooks'] = absent('webhooks');
  readonly schedules: App['schedules'] = absent('schedules');
  readonly system: App['system'] = absent('system services');

  readonly idempotency: App['idempotency'] = {
    once: async (caller, key, fingerprint, work) => {
      const name = `${caller.keyId} ${key}`;
      const known = this.#answers.get(name);
      if (known && known.fingerprint !== fingerprint) throw new LongshoreError('idempotency_mismatch');
      if (known) return { ...(await known.answer), isReplay: true };
      const answer = work();
      this.#answers.set(name, { fingerprint, answer });
      return { ...(await answer), isReplay: false };
    },
  };

  readiness() {
    return { isReady: this.isReady, reason: this.isReady ? null : 'The local agent is not connected' };
  }

  #require(caller: Caller, id: string): ServiceDetail {
    const service = this.entries.get(id);
    if (!service || !sees(caller, service)) throw new LongshoreError('not_found', { message: 'Service not found' });
    return service;
  }

  #requireJob(id: string): Job {
    const job = this.jobEntries.get(id);
    if (!job) throw new LongshoreError('not_found');
    return job;
  }

  #failNext(): void {
    const error = this.nextError;
    this.nextError = undefined;
    if (error) throw error;
  }
}

const sees = (caller: Caller, service: Service) =>
  caller.customerId === null || caller.customerId === service.customerId;

function pageOf<T>(all: readonly T[], { page, perPage }: Paging): Page<T> {
  return { items: all.slice((page - 1) * perPage, page * perPage), total: all.length, page, perPage };
}

function listen(emitter: EventEmitter, name: string, listener: (...args: never[]) => void): () => void {
  const added = listener as (...args: unknown[]) => void;
  emitter.on(name, added);
  return () => void emitter.off(name, added);
}
