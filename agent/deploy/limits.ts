// What the containers of a service may use together, written into its rendered compose file. Pure.
//
// A container with a limit of its own keeps it; the others share what is left in equal parts, each replica its own. A
// file that asks for more than is allowed, or leaves too little for the others, is refused with `plan_limit`.
import { textOf } from '#shared/compose/values.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { ServiceLimits } from '#shared/model.ts';
import type { Container } from '../docker/engine.ts';
import { replicasOf, type Rendered, type RenderedService } from './rendered.ts';

const MIB = 1024 ** 2;
const NANOS = 1e9;
/** Compose's own default where a file gives `cpu_quota` alone. */
const DEFAULT_PERIOD_US = 100_000;

/** A container as Docker shows it. */
type Limited = Pick<Container, 'name' | 'service' | 'cpuLimit' | 'memoryLimitBytes'>;

/** One thing that is limited, counted in whole units: Docker's nano-CPUs, bytes. */
interface Resource {
  /** The key under `deploy.resources.limits`. */
  key: 'cpus' | 'memory';
  /** What a container has by its file; 0 where it has no limit. */
  ownOf: (service: RenderedService) => number;
  /** What it must get at least by its file. */
  reservedOf: (service: RenderedService) => number;
  /** Shares are rounded down to this, and are at least this. */
  grain: number;
  least: number;
  /** What Docker holds a container to; null where it has no limit. */
  heldTo: (container: Limited) => number | null;
  toText: (units: number) => string;
  /** As Compose writes it. */
  toValue: (units: number) => number | string;
}

const CPU: Resource = {
  key: 'cpus',
  ownOf: (service) => toNanos(limitsOf(service)['cpus']) || toNanos(service['cpus']) || quotaOf(service),
  reservedOf: () => 0, // Docker has no reservation of cores outside of swarm
  grain: NANOS / 100,
  least: NANOS / 100, // Docker's own lower bound
  heldTo: ({ cpuLimit }) => cpuLimit && Math.round(cpuLimit * NANOS),
  toText: (units) => (units === NANOS ? '1 core' : `${units / NANOS} cores`),
  toValue: (units) => units / NANOS,
};

const MEMORY: Resource = {
  key: 'memory',
  ownOf: (service) => toBytes(limitsOf(service)['memory']) || toBytes(service['mem_limit']),
  reservedOf: (service) => toBytes(reservationsOf(service)['memory']) || toBytes(service['mem_reservation']),
  grain: MIB,
  least: 6 * MIB, // Docker's own lower bound
  heldTo: ({ memoryLimitBytes }) => memoryLimitBytes,
  toText: (units) => `${Math.round(units / MIB)} MiB`,
  toValue: (units) => String(units),
};

/** The file with a limit on every container; the file itself where nothing is limited. Throws `plan_limit`. */
export function limitRendered(rendered: Rendered, limits: ServiceLimits | undefined, hostCpus: number): Rendered {
  const { cpu = null, memoryMb = null } = limits ?? {};
  const cpuLimited = cpu === null ? rendered : share(rendered, CPU, Math.round(cpu * NANOS), hostCpus * NANOS);
  return memoryMb === null ? cpuLimited : share(cpuLimited, MEMORY, memoryMb * MIB, Infinity);
}

/** Throws `plan_limit` for a container that may use more than one made of the limited file. */
export function requireLimited(
  containers: readonly Limited[],
  { services }: Rendered,
  { cpu = null, memoryMb = null }: Partial<ServiceLimits> = {},
): void {
  const limited = [...(cpu === null ? [] : [CPU]), ...(memoryMb === null ? [] : [MEMORY])];
  for (const { heldTo, ownOf, key, toText } of limited) {
    const most = (service: string) => ownOf(services[service] ?? {});
    const over = containers.find((one) => (heldTo(one) ?? Infinity) > most(one.service));
    if (!over) continue;
    const has = heldTo(over);
    throw new LongshoreError('plan_limit', {
      message: `Container "${over.name}" may use ${has === null ? `any amount of ${key}` : toText(has)}; its part is ${toText(most(over.service))}`,
    });
  }
}

/** `most`: a container can't be given more than the host has. */
function share(rendered: Rendered, resource: Resource, allowed: number, most: number): Rendered {
  const services = Object.entries(rendered.services);
  const own = services.filter(([, service]) => resource.ownOf(service) > 0);
  const asked = own.reduce((sum, [, service]) => sum + resource.ownOf(service) * replicasOf(service), 0);
  if (asked > allowed) throw asksTooMuch(own, resource, asked, allowed);
  const others = services.filter(([, service]) => resource.ownOf(service) === 0);
  if (others.length === 0) return rendered;
  const parts = Math.max(
    1,
    others.reduce((sum, [, service]) => sum + replicasOf(service), 0),
  );
  const part = Math.min(most, Math.floor((allowed - asked) / parts / resource.grain) * resource.grain);
  const short = others.find(([, service]) => replicasOf(service) > 0 && part < neededBy(service, resource));
  if (short) throw leavesTooLittle(short, resource, part, allowed);
  const limited = others.map(([name, service]) => {
    const units = Math.max(part, neededBy(service, resource)); // more than its part only where nothing of it runs
    return [name, withLimit(service, resource.key, resource.toValue(units))];
  });
  return { ...rendered, services: { ...rendered.services, ...(Object.fromEntries(limited) as Rendered['services']) } };
}

const neededBy = (service: RenderedService, { least, reservedOf }: Resource): number =>
  Math.max(least, reservedOf(service));

function withLimit(service: RenderedService, key: Resource['key'], value: number | string): RenderedService {
  // A period without a quota limits nothing, and Docker refuses it beside a number of cores.
  const { cpu_period: period, ...rest } = service;
  const kept = key === 'cpus' || period === undefined ? rest : service;
  const resources = resourcesOf(service);
  const limits = { ...limitsOf(service), [key]: value };
  return { ...kept, deploy: { ...service.deploy, resources: { ...resources, limits } } };
}

function asksTooMuch(own: [string, RenderedService][], resource: Resource, asked: number, allowed: number) {
  const fields = own.map(([name, service]) => {
    const replicas = replicasOf(service);
    const times = replicas === 1 ? '' : ` for each of ${replicas} replicas`;
    return [fieldOf(name, resource), `asks for ${resource.toText(resource.ownOf(service))}${times}`];
  });
  return new LongshoreError('plan_limit', {
    message: `The containers ask for ${resource.toText(asked)}; the service may use ${resource.toText(allowed)}`,
    fields: Object.fromEntries(fields) as Record<string, string>,
  });
}

function leavesTooLittle(
  [name, service]: [string, RenderedService],
  resource: Resource,
  part: number,
  allowed: number,
) {
  const { toText } = resource;
  const message = `Of the ${toText(allowed)} that the service may use, ${toText(Math.max(0, part))} are left for "${name}"`;
  return new LongshoreError('plan_limit', {
    message,
    fields: { [fieldOf(name, resource)]: `needs at least ${toText(neededBy(service, resource))}` },
  });
}

const fieldOf = (name: string, { key }: Resource): string => `services.${name}.deploy.resources.limits.${key}`;

const resourcesOf = ({ deploy }: RenderedService) => deploy?.resources ?? {};
const limitsOf = (service: RenderedService) => resourcesOf(service).limits ?? {};
const reservationsOf = (service: RenderedService) => resourcesOf(service).reservations ?? {};

/** What one of its containers may use by the file; 0 where it has no limit. */
export const memoryLimitOf = (service: RenderedService): number => MEMORY.ownOf(service);

const toNanos = (cores: unknown): number => Math.round(toNumber(cores) * NANOS);
const toBytes = (bytes: unknown): number => toNumber(bytes);
const toNumber = (value: unknown): number => Number(textOf(value)) || 0;

function quotaOf(service: RenderedService): number {
  const quota = Math.max(0, toNumber(service['cpu_quota']));
  return Math.round((quota / (toNumber(service['cpu_period']) || DEFAULT_PERIOD_US)) * NANOS);
}
