// Runtipi's docker-compose.json as a compose file: the same things under camelCase names, ports and volumes in a form
// of their own.
import * as z from 'zod';
import type { ComposeMap } from '#shared/compose/values.ts';
import { unreadable } from './conversion.ts';
import type { Stack } from './stack.ts';

const text = z.coerce.string();
const portSchema = z.object({
  hostPort: text,
  containerPort: z.coerce.number().int(),
  tcp: z.boolean().default(true),
  udp: z.boolean().default(false),
  interface: text.optional(),
});
const serviceSchema = z.looseObject({
  name: text,
  image: text,
  isMain: z.boolean().default(false),
  internalPort: z.coerce.number().int().min(1).max(65_535).optional(),
  addPorts: z.array(portSchema).default([]),
  environment: z.union([z.array(z.object({ key: text, value: text })), z.record(z.string(), text)]).default([]),
  volumes: z.array(z.object({ hostPath: text, containerPath: text, readOnly: z.boolean().default(false) })).default([]),
  dependsOn: z.union([z.array(text), z.record(z.string(), z.unknown())]).optional(),
  healthCheck: z
    .object({
      test: z.union([text, z.array(text)]),
      interval: text.optional(),
      timeout: text.optional(),
      retries: z.number().optional(),
      startPeriod: text.optional(),
      startInterval: text.optional(),
    })
    .optional(),
});
type Service = z.infer<typeof serviceSchema>;
const stackSchema = z.looseObject({ services: z.array(serviceSchema).min(1) });

/** Keys that mean what they mean in Compose. */
const SAME: Record<string, string> = {
  command: 'command',
  entrypoint: 'entrypoint',
  user: 'user',
  hostname: 'hostname',
  capAdd: 'cap_add',
  capDrop: 'cap_drop',
  privileged: 'privileged',
  networkMode: 'network_mode',
  shmSize: 'shm_size',
  ulimits: 'ulimits',
  workingDir: 'working_dir',
  tty: 'tty',
  stdinOpen: 'stdin_open',
  stopSignal: 'stop_signal',
  stopGracePeriod: 'stop_grace_period',
  securityOpt: 'security_opt',
  devices: 'devices',
  extraHosts: 'extra_hosts',
  pid: 'pid',
  deploy: 'deploy',
  logging: 'logging',
  sysctls: 'sysctls',
  dns: 'dns',
  readOnly: 'read_only',
  tmpfs: 'tmpfs',
};
const CONVERTED = Object.keys(serviceSchema.shape);

export function fromDynamicCompose(json: unknown, stack: Stack): ComposeMap {
  const parsed = stackSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw unreadable(`docker-compose.json: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const services = parsed.data.services.map((service) => [service.name, toService(service, stack)] as const);
  return { services: Object.fromEntries(services) };
}

function toService(service: Service, stack: Stack): ComposeMap {
  const { name, image, dependsOn, healthCheck, environment } = service;
  const same = Object.entries(SAME).flatMap(([theirs, ours]) =>
    service[theirs] === undefined ? [] : [[ours, service[theirs]]],
  );
  const lost = Object.keys(service).filter((key) => !CONVERTED.includes(key) && !(key in SAME));
  if (lost.length > 0) stack.lost.push(`${lost.join(', ')} of ${name}: there is no such key here`);
  const pairs = Array.isArray(environment)
    ? environment.map(({ key, value }) => [key, value])
    : Object.entries(environment);
  const ports = toPorts(service, stack);
  const volumes = service.volumes.map(
    ({ hostPath, containerPath, readOnly }) => `${hostPath}:${containerPath}${readOnly ? ':ro' : ''}`,
  );
  return {
    image,
    restart: 'unless-stopped',
    ...Object.fromEntries(same),
    ...(pairs.length > 0 && { environment: Object.fromEntries(pairs) as object }),
    ...(ports.length > 0 && { ports }),
    ...(volumes.length > 0 && { volumes }),
    ...(dependsOn !== undefined && { depends_on: dependsOn }),
    ...(healthCheck && { healthcheck: toHealthCheck(healthCheck) }),
  };
}

function toPorts({ name, isMain, internalPort, addPorts }: Service, { form, ports }: Stack): unknown[] {
  const added = addPorts.flatMap(({ hostPort, containerPort, tcp, udp, interface: address }) =>
    [tcp && 'tcp', udp && 'udp']
      .filter((protocol) => protocol !== false)
      .map((protocol) => ({
        target: containerPort,
        published: hostPort,
        protocol,
        ...(address !== undefined && { host_ip: address }),
      })),
  );
  if (!isMain || internalPort === undefined) return added;
  form.addPort('APP_PORT', 'Port of the host');
  ports.push({ service: name, container: internalPort, protocol: 'http', var: 'APP_PORT' });
  return [{ target: internalPort, published: '${APP_PORT}' }, ...added];
}

const toHealthCheck = ({ startPeriod, startInterval, ...same }: NonNullable<Service['healthCheck']>): ComposeMap => ({
  ...same,
  ...(startPeriod !== undefined && { start_period: startPeriod }),
  ...(startInterval !== undefined && { start_interval: startInterval }),
});
