// Control and an agent's programs in containers, joined in memory: the real app and HTTP, the real part of the agent, and
// containers that only pretend.
import type { Test } from 'tap';
import { Execs } from '../../agent/exec/execs.ts';
import { SERVICE_LABEL } from '../../agent/docker/engine.ts';
import { DEFAULT_POLICY, type PolicyFile } from '#shared/compose/rules.ts';
import { silentLogger } from '#shared/log.ts';
import { systemClock } from '#shared/time.ts';
import { ADMIN } from './control-world.ts';
import { specFor } from './deploy-host.ts';
import { eventually } from './eventually.ts';
import type { FakeExec } from './fake-exec.ts';
import { FakeEngine } from './fake-engine.ts';
import type { FakeHost } from './fake-host.ts';
import type { TestSocket } from './http-server.ts';
import { startRealHttp, type RealHttp } from './real-http.ts';

export const SECRET = 'hunter2-hunter2';

export interface ExecWorldOptions {
  policy?: PolicyFile;
  /** Name of the customer whose service it is; default: the operator's. */
  customer?: string;
  http?: Parameters<typeof startRealHttp>[1];
}

export class ExecWorld {
  readonly real: RealHttp;
  readonly host: FakeHost;
  readonly engine: FakeEngine;
  readonly execs: Execs;
  readonly serviceId: string;

  constructor(real: RealHttp, host: FakeHost, engine: FakeEngine, execs: Execs, serviceId: string) {
    this.real = real;
    this.host = host;
    this.engine = engine;
    this.execs = execs;
    this.serviceId = serviceId;
  }

  get path(): string {
    return `/api/services/${this.serviceId}/exec`;
  }

  post(body: object, headers: Record<string, string> = {}, key = this.real.key) {
    return this.real.http.call('POST', this.path, { body, key, headers });
  }

  /** A socket that has said what to run. */
  async start(message: object = { command: ['sleep'] }): Promise<TestSocket> {
    const socket = this.real.http.socket(this.path, { key: this.real.key });
    await socket.opened;
    socket.say({ type: 'exec.start', ...message });
    return socket;
  }

  /** One more in the service's Compose project, which `owner` has. */
  addContainer(service: string, owner = specFor('shop').id): void {
    const labels = { [SERVICE_LABEL]: owner };
    this.engine.addContainer({ name: `shop-${service}-1`, project: 'shop', service, state: 'running', labels });
  }

  /** The program that was started last, once there are so many. */
  program(count = 1): Promise<FakeExec> {
    return eventually(() => this.engine.execs[count - 1] as FakeExec, { until: (exec) => exec !== undefined });
  }

  /** Rows of the audit log about execs, the oldest first. */
  rows() {
    const page = this.real.world.app.audit.list(ADMIN, { page: 1, perPage: 100, order: 'asc' });
    return page.items.filter(({ action }) => action.startsWith('services.exec'));
  }
}

/** A service "shop" with one container, whose host has `policy`. */
export async function startExecWorld(t: Test, options: ExecWorldOptions = {}): Promise<ExecWorld> {
  const { policy = DEFAULT_POLICY, customer } = options;
  const real = await startRealHttp(t, options.http);
  const { world } = real;
  const engine = new FakeEngine();
  const customerId = customer === undefined ? null : await world.customer(customer);
  const spec = specFor('shop', { customerId });
  const services = {
    find: (id: string) => (id === serviceId ? { spec } : undefined),
    secretsVersion: 1,
    secretsOf: () => [SECRET],
  };
  const execs = new Execs({ engine, services, policy, clock: systemClock, log: silentLogger() });
  const host = await world.join();
  host.answers = { 'exec.input': async ({ execId, ...rest }) => execs.input(execId, rest).then(() => ({})) };
  host.streams = { exec: (request, writer, opened) => execs.stream(request, writer, opened) };
  await host.connect(world);
  const serviceId: string = await world.deployed(host, 'shop', customerId === null ? {} : { customerId });
  t.teardown(() => execs.close());
  const exec = new ExecWorld(real, host, engine, execs, serviceId);
  exec.addContainer('web');
  return exec;
}
