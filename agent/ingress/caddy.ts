// The one Caddy of this host: brought up where it is missing, told its configuration, taken down. It runs on when the
// agent stops, and Docker starts it after a boot; then it knows nothing, and is told again.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import { sleep, type Clock } from '#shared/time.ts';
import type { Compose } from '../docker/compose.ts';
import type { Engine } from '../docker/engine.ts';
import { loadCaddy } from './caddy-admin.ts';
import { toCaddyStart, type CaddyPlace } from './caddy-config.ts';
import { INSIDE, toEdgeProject } from './edge-project.ts';
import { makeFolder, writeShared } from './shared-files.ts';
import { Targets } from './targets.ts';

const UP_LIMIT_MS = 120_000;
/** From its start to its socket: well under a second on a quiet machine. */
const ANSWER_TRIES = 150;
const TRY_PAUSE_MS = 200;

export interface CaddyDeps {
  engine: Pick<Engine, 'listProject' | 'removeContainer' | 'findImage' | 'pullImage'>;
  compose: Pick<Compose, 'up'>;
  /** Compose project that it is. */
  project: string;
  image: string;
  /** A folder of the agent's own. */
  dir: string;
  groupId: number;
  clock: Clock;
}

export class Caddy {
  readonly #deps: CaddyDeps;
  readonly #targets: Targets;
  /** Of the container that has it, and what it has. */
  #told = '';

  constructor(deps: CaddyDeps) {
    this.#deps = deps;
    this.#targets = new Targets(join(deps.dir, 'targets'), `unix/${INSIDE.nobody}`);
  }

  /** Where it is kept on which port it may ask. */
  get askPortFile(): string {
    return join(this.#deps.dir, 'ask-port');
  }

  get project(): string {
    return this.#deps.project;
  }

  /** Names lead to these containers from now on, without a word to Caddy; one that is new to it first. */
  pointTo(hostnames: readonly string[], dials: ReadonlyMap<string, readonly string[]>): Promise<void> {
    return this.#targets.write(hostnames, dials);
  }

  /** Where other names led; after Caddy has forgotten them. */
  forgetOthers(hostnames: readonly string[]): Promise<void> {
    return this.#targets.sweep(hostnames);
  }

  /** What it has already is not told again. Throws `image_unavailable`, `apply_failed`, `port_taken`, `unavailable`. */
  async apply(config: object, signal: AbortSignal): Promise<void> {
    const id = (await this.#findRunning()) ?? (await this.#bringUp(config, signal));
    const text = `${id} ${JSON.stringify(config)}`;
    if (text === this.#told) return;
    await this.#load(config, signal);
    this.#told = text;
  }

  /** Its certificates stay: authorities give only so many. */
  async takeDown(): Promise<void> {
    const { engine, project } = this.#deps;
    this.#told = '';
    for (const { id } of await engine.listProject(project)) await engine.removeContainer(id);
  }

  async #findRunning(): Promise<string | undefined> {
    const { engine, image, project } = this.#deps;
    const containers = await engine.listProject(project);
    return containers.find((container) => container.state === 'running' && container.image === image)?.id;
  }

  async #bringUp(config: object, signal: AbortSignal): Promise<string> {
    const { engine, compose, project, image, dir, groupId } = this.#deps;
    if (!(await engine.findImage(image))) await engine.pullImage(image, { signal });
    for (const folder of ['', 'run', 'state']) await makeFolder(join(dir, folder));
    const file = join(dir, 'compose.yaml');
    await writeShared(join(dir, 'start.json'), JSON.stringify(startOf(config)));
    await writeShared(file, toEdgeProject({ image, dir, groupId }));
    await writeFile(join(dir, '.env'), '', { mode: 0o600 });
    const files = { files: [file], envFile: join(dir, '.env'), signal, deadlineMs: UP_LIMIT_MS };
    await compose.up({ name: project, directory: dir }, { ...files, onEvent: () => undefined });
    const id = await this.#findRunning();
    if (id === undefined) throw new LongshoreError('apply_failed', { message: 'Caddy ended at its start' });
    return id;
  }

  async #load(config: object, signal: AbortSignal): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await loadCaddy(join(this.#deps.dir, 'run/admin.sock'), config);
      } catch (error) {
        const fault = toLongshoreError(error);
        if (fault.code !== 'unavailable' || tries === ANSWER_TRIES) throw readFault(fault);
        await sleep(this.#deps.clock, TRY_PAUSE_MS, signal);
      }
    }
  }
}

/** The door and the storage only: certificates are in the rest, and this lies in a file. */
const startOf = (config: object): object => {
  const { admin, storage } = config as ReturnType<typeof toCaddyStart>;
  return { admin, storage };
};

function readFault(fault: LongshoreError): LongshoreError {
  const [, port] = /listen(?:ing)? .*:(\d+): .*address already in use/.exec(fault.details ?? '') ?? [];
  if (port === undefined) return fault;
  return new LongshoreError('port_taken', {
    message: `Port ${port} is taken, and the edge needs it`,
    details: 'Stop what listens there, or give the edge other ports: --edge-http-port, --edge-https-port',
  });
}

export const placeInside = (rest: Pick<CaddyPlace, 'httpPort' | 'httpsPort' | 'askUrl'>): CaddyPlace => ({
  adminSocket: INSIDE.socket,
  nobodySocket: INSIDE.nobody,
  targetsDir: INSIDE.targets,
  stateDir: INSIDE.state,
  ...rest,
});
