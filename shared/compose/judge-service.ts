// What one service asks of the kernel and of Docker: privileges, namespaces, devices.
import type { JudgeContext, Report } from './judge.ts';
import type { PolicyRules } from './rules.ts';
import { isMap, entriesOf, isOpen, isTrue, listOf, textOf, type ComposeMap } from './values.ts';

/** Keys that are refused just for being there (with anything in them), and the rule that may allow them. */
const KEYS: readonly [key: string, rule: keyof PolicyRules, message: string][] = [
  ['devices', 'devices', 'devices of the host are not allowed'],
  ['device_cgroup_rules', 'devices', 'devices of the host are not allowed'],
  ['gpus', 'devices', 'devices of the host are not allowed'],
  ['sysctls', 'sysctls', 'kernel settings are not allowed'],
  ['cgroup_parent', 'cgroupParent', 'a cgroup of the host is not allowed'],
  ['runtime', 'runtime', 'another runtime is not allowed'],
  ['use_api_socket', 'dockerSocket', 'the Docker socket is not allowed'],
];

/** Where a container may share a namespace: its own, a service of the same file, or not. */
const NAMESPACES = ['network_mode', 'pid', 'ipc', 'userns_mode', 'uts', 'cgroup'] as const;
const OWN_NAMESPACE = /^(|none|private|bridge|default|shareable|service:.+)$/;

/** Log drivers that keep the lines on this host, where they can be read. */
const LOG_DRIVERS = ['json-file', 'local', 'none', 'journald'];

export function judgeService(path: string, service: ComposeMap, context: JudgeContext, report: Report): void {
  const { rules, form } = context;
  judgeKeys(path, service, rules, report);
  for (const [key, rule, message] of KEYS) {
    const value = service[key];
    if (!rules[rule] && !isEmpty(value) && !isOpen(value, form)) report(`${path}.${key}`, rule, message);
  }
  for (const key of NAMESPACES) {
    const value = service[key];
    if (rules.hostNamespaces || isEmpty(value) || isOpen(value, form) || OWN_NAMESPACE.test(textOf(value))) continue;
    report(`${path}.${key}`, 'hostNamespaces', `"${textOf(value)}" is outside the project`);
  }
  judgePrivileges(path, service, context, report);
  judgeReservedDevices(path, service, rules, report);
  judgeBuild(path, service, rules, report);
  judgeEndpoints(path, service, rules, report);
  const driver = isMap(service['logging']) ? service['logging']['driver'] : undefined;
  if (!rules.drivers && !isEmpty(driver) && !isOpen(driver, form) && !LOG_DRIVERS.includes(textOf(driver))) {
    report(`${path}.logging.driver`, 'drivers', 'logs must stay on the host');
  }
}

function judgeKeys(path: string, service: ComposeMap, { serviceKeys }: PolicyRules, report: Report): void {
  if (serviceKeys === 'any') return;
  for (const key of Object.keys(service)) {
    if (key.startsWith('x-') || serviceKeys.includes(key) || isEmpty(service[key])) continue;
    report(`${path}.${key}`, 'serviceKeys', 'this key is not allowed');
  }
}

function judgePrivileges(path: string, service: ComposeMap, { rules, form }: JudgeContext, report: Report): void {
  if (!rules.privileged && isTrue(service['privileged'])) {
    report(`${path}.privileged`, 'privileged', 'privileged containers are not allowed');
  }
  for (const hook of ['post_start', 'pre_stop', 'pre_start']) {
    for (const [index, { privileged }] of entriesOf(service[hook])) {
      if (rules.privileged || !isTrue(privileged)) continue;
      report(`${path}.${hook}[${index}].privileged`, 'privileged', 'privileged commands are not allowed');
    }
  }
  listOf(service['cap_add']).forEach((capability, index) => {
    if (rules.capAdd === 'any' || isOpen(capability, form) || rules.capAdd.includes(plainName(capability))) return;
    report(`${path}.cap_add[${index}]`, 'capAdd', `capability "${textOf(capability)}" is not allowed`);
  });
  listOf(service['security_opt']).forEach((option, index) => {
    if (rules.securityOptions || isOpen(option, form)) return;
    if (/^no-new-privileges([:=]true)?$/.test(textOf(option))) return;
    report(`${path}.security_opt[${index}]`, 'securityOptions', 'weakens the isolation of the container');
  });
}

/** Docker takes `NET_ADMIN`, `net_admin` and `CAP_NET_ADMIN`. */
const plainName = (capability: unknown): string => textOf(capability).toUpperCase().replace(/^CAP_/, '');

function judgeReservedDevices(path: string, service: ComposeMap, { devices }: PolicyRules, report: Report): void {
  const deploy = isMap(service['deploy']) ? service['deploy'] : {};
  const resources = isMap(deploy['resources']) ? deploy['resources'] : {};
  const reservations = isMap(resources['reservations']) ? resources['reservations'] : {};
  if (devices || isEmpty(reservations['devices'])) return;
  report(`${path}.deploy.resources.reservations.devices`, 'devices', 'devices of the host are not allowed');
}

/** What stays within the build; `ssh`, `cache_to`, `network`, `entitlements` and what is to come reach the host. */
const TENANT_BUILD_KEYS = `additional_contexts args context dockerfile dockerfile_inline extra_hosts labels no_cache
  platforms provenance pull sbom secrets tags target`.split(/\s+/);

function judgeBuild(path: string, { build }: ComposeMap, { outsideBuilds }: PolicyRules, report: Report): void {
  if (outsideBuilds || !isMap(build)) return;
  for (const [key, value] of Object.entries(build)) {
    if (key.startsWith('x-') || TENANT_BUILD_KEYS.includes(key) || isEmpty(value)) continue;
    report(`${path}.build.${key}`, 'outsideBuilds', 'this key is not allowed');
  }
}

/** A network's driver takes kernel settings of a container as its options. */
function judgeEndpoints(path: string, { networks }: ComposeMap, { drivers }: PolicyRules, report: Report): void {
  for (const [name, endpoint] of isMap(networks) ? entriesOf(networks) : []) {
    if (drivers || isEmpty(endpoint['driver_opts'])) continue;
    report(`${path}.networks.${name}.driver_opts`, 'drivers', 'driver options are not allowed');
  }
}

/** Compose writes `null`, `[]`, `{}` and `false` for what is not set. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
