// The edge of this host, once control has said that there is one: until then nothing of it is loaded.
import { join } from 'node:path';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import type { Peer } from '#shared/protocol/peer-types.ts';
import type { Clock } from '#shared/time.ts';
import type { DockerParts } from '../docker-parts.ts';
import type { AgentState } from '../state/open.ts';
import type { Ingress } from './ingress.ts';

/** A handshake waits for it. */
const ASK_LIMIT_MS = 10_000;

export interface EdgeParts {
  config: { dataDir: string; edgeProject: string; edgeImage: string; edgePorts: { http: number; https: number } };
  state: AgentState;
  docker: Pick<DockerParts, 'engine' | 'compose' | 'hub'>;
  findPeer: () => Pick<Peer, 'request'> | undefined;
  clock: Clock;
  log: Logger;
}

export interface EdgeHandle {
  /** Control has said something of it. */
  touch(): void;
  /** That it takes on this host: none without an edge. */
  ports(): number[];
  /** Before containers go: nobody new is sent to them when this returns. */
  leave(containerIds: Iterable<string>): Promise<void>;
}

export function startEdge(parts: EdgeParts, scope: Scope): EdgeHandle {
  const { state, docker } = parts;
  let ingress: Promise<Ingress> | undefined;
  const find = (): Promise<Ingress> | undefined => {
    if (ingress || !state.edge.find()) return ingress;
    return (ingress = load(parts));
  };
  const touch = () => void find()?.then((part) => part.touch());
  const unsubscribe = docker.hub.subscribe('*', touch);
  scope.onStop('edge', async () => {
    unsubscribe();
    await (await ingress)?.close();
  });
  touch();
  const { http, https } = parts.config.edgePorts;
  const ports = () => (state.edge.find()?.edge === 'caddy' ? [http, https] : []);
  return { touch, ports, leave: async (containerIds) => (await find())?.leave(containerIds) };
}

async function load({ config, state, docker, findPeer, clock, log }: EdgeParts): Promise<Ingress> {
  const [{ Ingress }, { Caddy }] = await Promise.all([import('./ingress.ts'), import('./caddy.ts')]);
  const dir = join(config.dataDir, 'edge');
  const { edgeProject: project, edgeImage: image } = config;
  const caddy = new Caddy({ ...docker, project, image, dir, groupId: process.getgid?.() ?? 0, clock });
  const projectOf = (serviceId: string) => state.services.find(serviceId)?.spec.name;
  const askControl = async (hostname: string) => {
    const answer = await findPeer()
      ?.request('edge.may_issue', { hostname }, { timeoutMs: ASK_LIMIT_MS })
      .catch(() => undefined); // away, or older: what it said last counts
    return answer && (answer.isAllowed ? null : (answer.reason ?? 'The control plane does not allow it'));
  };
  return new Ingress({
    engine: docker.engine,
    projectOf,
    state,
    caddy,
    ports: config.edgePorts,
    askControl,
    clock,
    log,
  });
}
