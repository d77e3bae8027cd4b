// What a deploy would stumble over, each thing looked at whether or not another stands in the way.
import { statfs } from 'node:fs/promises';
import { freemem } from 'node:os';
import { findLogin, serverOf } from '#shared/compose/image-name.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { PlanStep } from '#shared/jobs.ts';
import type { RegistryLogin } from '#shared/model.ts';
import type { DeployPlan } from '#shared/protocol/deploy-parts.ts';
import type { Container, ContainerSummary, Engine, EngineVersion } from '../../docker/engine.ts';
import { requireDiskSpace, requireFreePlaces, requireOwnProject } from '../check.ts';
import type { FoundImages } from '../images.ts';
import { memoryLimitOf } from '../limits.ts';
import { imageOf, replicasOf, type Rendered } from '../rendered.ts';

type Item = DeployPlan['preflight'][number];

const MIB = 1024 ** 2;

export interface PreflightFacts {
  engine: Engine;
  docker: EngineVersion;
  serviceId: string;
  /** The service's folder, which may not be there yet. */
  folder: string;
  wasApplied: boolean;
  containers: readonly Container[];
  all: readonly ContainerSummary[];
  desired: Rendered;
  steps: readonly PlanStep[];
  found: FoundImages;
  /** Images that registries are asked for. */
  pulled: readonly string[];
  logins: readonly RegistryLogin[];
}

export async function preflight(facts: PreflightFacts): Promise<Item[]> {
  const { engine, docker, serviceId, wasApplied, containers, all, desired } = facts;
  const name = { project: desired.name, serviceId, containers, wasApplied };
  const isFree = `"${desired.name}" is ${containers.length > 0 || wasApplied ? "this service's own" : 'free'}`;
  return [
    await tried('name', isFree, () => requireOwnProject(engine, name)),
    await tried('ports', 'No host port or container name is in the way', () => requireFreePlaces(desired, all)),
    await disk([facts.folder, docker.rootDir]),
    memory(facts),
    ...architectures(facts),
    ...registries(facts),
  ];
}

async function tried(check: Item['check'], fine: string, work: () => void | Promise<void>): Promise<Item> {
  try {
    await work();
    return { check, state: 'ok', message: fine };
  } catch (error) {
    if (!(error instanceof LongshoreError) || error.code === 'docker_unavailable') throw error;
    return { check, state: 'failed', message: [error.message, error.details].filter(Boolean).join(': ') };
  }
}

async function disk(folders: readonly string[]): Promise<Item> {
  const stats = await Promise.all(folders.map((folder) => statfs(folder).catch(() => undefined)));
  const free = stats.flatMap((stat) => (stat ? [stat.bavail * stat.bsize] : []));
  const fine = free.length > 0 ? `${Math.floor(Math.min(...free) / MIB)} MiB free` : 'Not known: Docker is elsewhere';
  return tried('disk', fine, () => requireDiskSpace(folders));
}

/** A limit is what containers may use, not what they will: too much of it is a warning. */
function memory({ desired, steps }: PreflightFacts): Item {
  const freeMib = Math.floor(freemem() / MIB);
  const added = steps.filter(({ action, replacement }) => {
    return action === 'create' || action === 'start' || replacement?.order === 'start_first';
  });
  const wanted = added.reduce((sum, step) => {
    const service = desired.services[step.service];
    return service ? sum + memoryLimitOf(service) * replicasOf(service) : sum;
  }, 0);
  const wantedMib = Math.ceil(wanted / MIB);
  const message = `${freeMib} MiB free, limits of what is added: ${wantedMib === 0 ? 'none' : `${wantedMib} MiB`}`;
  return { check: 'memory', state: wantedMib > freeMib ? 'warning' : 'ok', message };
}

/** Docker runs what is made for another machine where the host can emulate it, and nowhere else. */
function architectures({ desired, found, docker }: PreflightFacts): Item[] {
  const others = Object.entries(desired.services).flatMap(([name, { platform }]): Item[] => {
    const made = platform?.split('/')[1] ?? found[name]?.architecture ?? docker.architecture;
    if (made === docker.architecture || made === '') return [];
    const message = `${imageOf(desired, name)} of ${name} is for ${made}, the host is ${docker.architecture}`;
    return [{ check: 'architecture', state: 'warning', message }];
  });
  const fine = `Nothing is known to be for another machine than ${docker.architecture}`;
  return others.length > 0 ? others : [{ check: 'architecture', state: 'ok', message: fine }];
}

function registries({ pulled, logins }: PreflightFacts): Item[] {
  const byServer = new Map(pulled.map((image) => [serverOf(image), findLogin(logins, image)]));
  return [...byServer].map(([server, login]) => {
    const message = login ? `${server}: as ${login.username}` : `${server}: without a login`;
    return { check: 'registry', state: 'ok', message };
  });
}
