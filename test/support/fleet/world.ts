// A control plane on this machine and hosts of a fleet that have joined it, each with a service that is worked on and one
// that must not notice.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { Api, type Answer, type Job } from '../api.ts';
import { ensureImages } from '../docker.ts';
import { eventually } from '../eventually.ts';
import { makeFolder } from '../folder.ts';
import { freePort } from '../free-port.ts';
import { Oracle } from '../oracle.ts';
import { CLI } from '../up.ts';
import { buildRelease } from '../release.ts';
import { Program } from '../stack.ts';
import { STATE_DIR, UNIT, agentOf, install, setAgent } from './agent.ts';
import { startFleet, type FleetHost } from './fleet.ts';

/** Limits out of the way: a test asks more often than a person, and means something else. */
const SETTINGS = {
  NODE_TLS_REJECT_UNAUTHORIZED: '',
  LONGSHORE_RATE_LIMIT: '1000000',
  LONGSHORE_RATE_LIMIT_DEPLOY: '1000000',
  LONGSHORE_RATE_LIMIT_ANONYMOUS: '1000000',
};
export const IMAGES = ['busybox:1', 'longshore-test/web:1'];
/** More than a return after any fault of a minute takes, also on a busy machine. */
export const BACK_MS = 120_000;

/** Replaced start-first, so that a deploy takes a while; comes back by itself. */
export const composeOf = (edition: string) => `services:
  web:
    image: longshore-test/web:1
    restart: always
    stop_grace_period: 0s
    environment: { EDITION: "${edition}", TOKEN: "\${TOKEN}" }
    healthcheck: { test: [CMD, wget, http://127.0.0.1/], interval: 1s, start_period: 5s, start_interval: 100ms }
    deploy: { update_config: { monitor: 300ms } }
`;
const CALM = `services:
  calm: { image: "busybox:1", command: [sleep, "3600"], init: true, restart: always, stop_grace_period: 0s }
`;

/** A host that has joined. */
export interface Site {
  host: FleetHost;
  id: string;
  /** The service that is worked on: its id. */
  busy: string;
  oracle: Oracle;
}

export class FleetWorld {
  readonly dir: string;
  readonly url: string;
  readonly control: Program;
  readonly hosts: FleetHost[];
  readonly sites: Site[] = [];
  #api: Api | undefined;
  #editions = 0;

  constructor(dir: string, url: string, hosts: FleetHost[], distDir: string) {
    this.dir = dir;
    this.url = url;
    this.hosts = hosts;
    const { port } = new URL(url);
    const args = [
      'control',
      '--listen',
      `0.0.0.0:${port}`,
      '--public-url',
      url,
      '--tls',
      'auto',
      '--dist-dir',
      distDir,
    ];
    this.control = new Program([CLI, ...args, '--data-dir', this.controlDir], join(dir, 'control.log'), SETTINGS);
  }

  get controlDir(): string {
    return join(this.dir, 'control');
  }

  get api(): Api {
    this.#api ??= new Api(this.url, readFileSync(join(this.controlDir, 'admin.key'), 'utf8').trim());
    return this.#api;
  }

  /** Starts control, again after an end too, and waits until it answers. */
  async startControl(): Promise<void> {
    this.control.start();
    await eventually(async () => (await fetch(`${this.url}/readyz`)).ok).catch((cause: unknown) => {
      throw new Error(`control does not start: ${this.control.output.slice(-2000)}`, { cause });
    });
  }

  /** Puts the agent on a host and deploys to it. */
  async join(host: FleetHost): Promise<Site> {
    const id = await this.enrol(host);
    const dir = join(this.dir, host.name);
    mkdirSync(dir);
    symlinkSync(this.controlDir, join(dir, 'control'));
    symlinkSync(host.path(STATE_DIR), join(dir, 'agent'));
    const subject = { api: this.api, dir, control: this.control, agent: agentOf(host), hostId: id, isReleased: true };
    const oracle = new Oracle(subject, (args) => host.run('docker', ...args));
    const secret = randomBytes(16).toString('hex');
    oracle.secret(secret);
    const source = { compose: composeOf('0'), variables: { TOKEN: secret } };
    const busy = await this.create(id, `busy-${host.name.slice(-1)}`, source);
    const calm = await this.create(id, calmOf(host));
    for (const service of [busy, calm]) oracle.acknowledged(`/api/services/${service}`);
    await oracle.remember(calmOf(host));
    const site = { host, id, busy, oracle };
    this.sites.push(site);
    return site;
  }

  /** Resolves with the id of the host, which is connected. */
  async enrol(host: FleetHost): Promise<string> {
    // Control is stopped here more often than anywhere else: tries must not get far apart.
    await setAgent(host, { LONGSHORE_RECONNECT_MAX: '4' });
    await install(this.api, host);
    const path = `/api/hosts?search=${host.name}`;
    return (await this.api.get<{ data: { id: string }[] }>(path)).body.data[0]?.id ?? '';
  }

  /** A service that nobody changes, up and running; resolves with its id. */
  async create(hostId: string, name: string, source: object = { compose: CALM }): Promise<string> {
    const body = { name, host_id: hostId, deploy_method: 'compose', ...source };
    const { body: made } = await this.api.post<{ id: string; deploy_job_id: string }>('/api/services', body);
    await this.untilSucceeded(made.deploy_job_id);
    return made.id;
  }

  /** Deploys something else of the busy service; resolves with the id of the job, which has begun at most. */
  async change(site: Site): Promise<string> {
    return (await this.prepareChange(site)()).body.deploy_job_id;
  }

  /** Likewise, to be called as often as a client tries. */
  prepareChange(site: Site): () => Promise<Answer<{ deploy_job_id: string }>> {
    const edition = String(++this.#editions);
    const key = { 'idempotency-key': `${site.host.name}-${edition}` };
    return () => this.api.call('PATCH', `/api/services/${site.busy}`, { compose: composeOf(edition) }, key);
  }

  site(number: number): Site {
    const site = this.sites.find(({ host }) => host === this.hosts[number]);
    if (!site) throw new Error(`host ${number} has not joined`);
    return site;
  }

  leave(site: Site): void {
    this.sites.splice(this.sites.indexOf(site), 1);
  }

  /** A host that has not joined. */
  get spare(): FleetHost {
    return this.hosts.at(-1) as FleetHost;
  }

  async untilSucceeded(jobId: string): Promise<Job> {
    const job = await this.api.jobEnd(jobId, BACK_MS);
    if (job.state !== 'succeeded') throw new Error(`a deploy ended as ${JSON.stringify(job)}`);
    return job;
  }

  /** Until control shows the host so. */
  async untilHostIs({ id, host }: Pick<Site, 'id' | 'host'>, status: string): Promise<void> {
    const fetchStatus = async () => (await this.api.get(`/api/hosts/${id}`)).body['status'];
    await eventually(fetchStatus, { until: (shown) => shown === status, timeoutMs: BACK_MS }).catch(
      async (cause: unknown) => {
        throw new Error(`${host.name} is not ${status}: ${await journalOf(host)}`, { cause });
      },
    );
  }

  /** What happened to a host, the latest first. */
  async told({ id }: Pick<Site, 'id'>): Promise<{ status: string; message: string }[]> {
    const path = `/api/hosts/${id}/events?per_page=100`;
    return (await this.api.get<{ data: { status: string; message: string }[] }>(path)).body.data;
  }
}

/** The project that no scenario touches. */
export const calmOf = ({ name }: FleetHost): string => `calm-${name.slice(-1)}`;

/** Ids of its containers that run. */
export const calmIds = async (host: FleetHost): Promise<string> =>
  host.run('docker', 'ps', '-q', '--no-trunc', '--filter', `label=com.docker.compose.project=${calmOf(host)}`);

const journalOf = (host: FleetHost): Promise<string> =>
  host.run('journalctl', '-u', UNIT, '-n', '40', '--no-pager', '-o', 'cat').catch(String);

/**
 * Control and `count` hosts that have joined it, and `spare` ones that have not; all gone when the test ends. `distDir`: what
 * control offers to hosts, in place of the release of this tree.
 */
export async function startFleetWorld(
  t: Test,
  { count, spare, distDir }: { count: number; spare: number; distDir?: string },
): Promise<FleetWorld> {
  const [{ hosts, gateway }, dist] = await Promise.all([
    ensureImages().then(() => startFleet(t, { count: count + spare, images: IMAGES })),
    distDir ?? buildRelease().then(({ dir }) => dir),
  ]);
  // For this process, whose calls come from the machine of control; hosts pin its key.
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  const world = new FleetWorld(makeFolder(t, 'fleet'), `https://${gateway}:${await freePort()}`, hosts, dist);
  t.teardown(() => world.control.end('SIGKILL'));
  await world.startControl();
  await Promise.all(hosts.slice(0, count).map((host) => world.join(host)));
  return world;
}
