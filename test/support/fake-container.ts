// Containers of the Docker in memory: as they are made, and as they are described.
import { randomBytes } from 'node:crypto';
import type { Container } from '../../agent/docker/engine.ts';
import type { LiveConfig, LiveContainer } from '../../agent/docker/live-container.ts';

/** As `docker create` leaves it, unless `given` says otherwise. */
export function createdContainer(given: Partial<Container> & { name: string }): Container {
  return {
    id: randomBytes(32).toString('hex'),
    service: '',
    image: 'busybox:1',
    imageId: 'sha256:none',
    state: 'created',
    health: 'unknown',
    exitCode: null,
    startedAt: 0,
    ports: [],
    project: '',
    labels: {},
    isAdopted: false,
    hasOwnNetwork: true,
    address: null,
    joins: [],
    removesItself: false,
    hasHealthCheck: false,
    restartPolicy: 'no',
    restartCount: 0,
    oomKilled: false,
    finishedAt: 0,
    probeOutput: '',
    failingStreak: 0,
    probedAt: 0,
    pid: 0,
    cpuLimit: null,
    memoryLimitBytes: null,
    ...given,
  };
}

/** `own`: how it is set up beyond what `Container` tells. */
export function toLive(
  { id, name, project, service, state, image, imageId, labels, ...container }: Container,
  own: Partial<LiveConfig> | undefined,
): LiveContainer {
  const { restartPolicy: restart, cpuLimit: cpus, memoryLimitBytes: limit } = container;
  const limits = { ...(cpus !== null && { cpus }), ...(limit !== null && { mem_limit: limit }) };
  const config = { image, ...(restart !== 'no' && { restart }), ...limits, ...own };
  return {
    id,
    name,
    project,
    service,
    number: 0,
    isOneOff: false,
    state,
    imageId,
    labels,
    config,
    anonymousVolumes: {},
  };
}
