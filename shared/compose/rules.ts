// What a compose file may ask for, and whether programs may be run in what it made, as data: the two built-in sections
// and the schema of the host's policy file, which may change any single rule of either. The judging is in policy.ts.
import * as z from 'zod';

export interface PolicyRules {
  /** Keys of a service that may be used; `any` is whatever Compose accepts. */
  serviceKeys: 'any' | readonly string[];
  privileged: boolean;
  /** Capabilities that may be added. */
  capAdd: 'any' | readonly string[];
  /** devices, device_cgroup_rules, gpus, reserved devices. */
  devices: boolean;
  /** pid, ipc, network, user, uts and cgroup namespaces of the host or of containers outside the project. */
  hostNamespaces: boolean;
  /** security_opt beyond `no-new-privileges`. */
  securityOptions: boolean;
  sysctls: boolean;
  cgroupParent: boolean;
  runtime: boolean;
  dockerSocket: boolean;
  /** `project`: only below the service's own folder. */
  bindMounts: 'any' | 'project';
  /** Folders of the host that may be mounted although `bindMounts` is `project`. */
  bindFolders: readonly string[];
  /** driver and driver_opts of volumes and networks, and the addresses of networks. */
  drivers: boolean;
  /** Largest tmpfs and shared memory in bytes; null is no limit, 0 none at all. */
  tmpfsBytes: number | null;
  /** Files that Compose itself reads (env_file, extends, include, configs, secrets) outside the service's folder. */
  outsideFiles: boolean;
  /** Networks and volumes of other projects: `external`, or a name that is not the project's. */
  foreignResources: boolean;
  /** container_name that does not begin with the project's name. */
  foreignContainerNames: boolean;
  /** Host ports below 1024. */
  privilegedPorts: boolean;
  /** Host ports that may not be published. */
  deniedPorts: readonly number[];
  /** Build contexts outside the folder, and remote ones. */
  outsideBuilds: boolean;
  /** Containers of one file, replicas counted; null is no limit. */
  containers: number | null;
  /** Host ports of one file; null is no limit. */
  publishedPorts: number | null;
  /** Programs may be run inside the containers: `POST /api/services/:id/exec` and terminals. */
  exec: boolean;
}

export type PolicySection = 'operator' | 'tenant';
export type PolicyFile = Readonly<Record<PolicySection, PolicyRules>>;

/** Whose files they are decides what they may: a customer's, and those that an AI deploy found, get less. */
export const sectionOf = ({ customerId, method }: { customerId: string | null; method: string }): PolicySection =>
  customerId !== null || method === 'ai' ? 'tenant' : 'operator';

/** Docker's own API without and with TLS: published by accident it is root for everybody. */
const DOCKER_API_PORTS = [2375, 2376];

/** What Compose allows: whoever may write this file has the host anyway. */
const OPERATOR: PolicyRules = {
  serviceKeys: 'any',
  privileged: true,
  capAdd: 'any',
  devices: true,
  hostNamespaces: true,
  securityOptions: true,
  sysctls: true,
  cgroupParent: true,
  runtime: true,
  dockerSocket: true,
  bindMounts: 'any',
  bindFolders: [],
  drivers: true,
  tmpfsBytes: null,
  outsideFiles: true,
  foreignResources: true,
  foreignContainerNames: true,
  privilegedPorts: true,
  deniedPorts: [],
  outsideBuilds: true,
  containers: null,
  publishedPorts: null,
  exec: true,
};

/** An allow-list: a key that Compose learns tomorrow is refused until somebody has thought about it. */
const TENANT_SERVICE_KEYS = `
  attach build cap_drop command configs container_name cpu_count cpu_percent cpu_shares cpus
  depends_on deploy dns dns_opt dns_search domainname entrypoint env_file environment expose extends
  extra_hosts healthcheck hostname image init labels links logging mem_limit mem_reservation
  memswap_limit network_mode networks pids_limit platform ports post_start pre_stop profiles
  pull_policy read_only restart scale secrets security_opt shm_size stdin_open stop_grace_period
  stop_signal tmpfs tty ulimits user group_add volumes volumes_from working_dir cgroup ipc pid
  userns_mode uts privileged cap_add devices gpus sysctls cgroup_parent runtime device_cgroup_rules`
  .trim()
  .split(/\s+/);

const TENANT: PolicyRules = {
  serviceKeys: TENANT_SERVICE_KEYS,
  privileged: false,
  capAdd: [],
  devices: false,
  hostNamespaces: false,
  securityOptions: false,
  sysctls: false,
  cgroupParent: false,
  runtime: false,
  dockerSocket: false,
  bindMounts: 'project',
  bindFolders: [],
  drivers: false,
  tmpfsBytes: 256 * 1024 * 1024, // tmpfs pages are the host's memory
  outsideFiles: false,
  foreignResources: false,
  foreignContainerNames: false,
  privilegedPorts: false,
  deniedPorts: DOCKER_API_PORTS,
  outsideBuilds: false,
  containers: 100,
  publishedPorts: 256, // Docker runs a process for each
  exec: true, // it can do nothing there that the compose file could not have asked for
};

export const DEFAULT_POLICY: PolicyFile = { operator: OPERATOR, tenant: TENANT };

/** A policy file's section: each rule is optional, an unknown one is an error (a typo must not open a host). */
const section = () =>
  z
    .strictObject({
      serviceKeys: z.union([z.literal('any'), z.array(z.string())]),
      privileged: z.boolean(),
      capAdd: z.union([z.literal('any'), z.array(z.string())]),
      devices: z.boolean(),
      hostNamespaces: z.boolean(),
      securityOptions: z.boolean(),
      sysctls: z.boolean(),
      cgroupParent: z.boolean(),
      runtime: z.boolean(),
      dockerSocket: z.boolean(),
      bindMounts: z.enum(['any', 'project']),
      bindFolders: z.array(z.string().startsWith('/')),
      drivers: z.boolean(),
      tmpfsBytes: z.number().int().nonnegative().nullable(),
      outsideFiles: z.boolean(),
      foreignResources: z.boolean(),
      foreignContainerNames: z.boolean(),
      privilegedPorts: z.boolean(),
      deniedPorts: z.array(z.number().int().min(1).max(65_535)),
      outsideBuilds: z.boolean(),
      containers: z.number().int().positive().nullable(),
      publishedPorts: z.number().int().nonnegative().nullable(),
      exec: z.boolean(),
    } satisfies Record<keyof PolicyRules, z.ZodType>)
    .partial();

/** The schema of `/etc/longshore/policy.yaml`, built when a file has to be read. */
export const policyFileSchema = () => z.strictObject({ operator: section().optional(), tenant: section().optional() });

/** The built-in rules with a file's changes laid over them. */
export function withDefaults(file: z.infer<ReturnType<typeof policyFileSchema>>): PolicyFile {
  return {
    operator: { ...OPERATOR, ...definedOnly(file.operator) },
    tenant: { ...TENANT, ...definedOnly(file.tenant) },
  };
}

function definedOnly<T extends object>(section: T | undefined): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(section ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
