// How a container is reached and what it shares with others, in the words of a compose file. Pure.
import type { ComposeMap } from '#shared/compose/values.ts';
import { withoutSlash } from './container-view.ts';
import { isGivenAlias } from './live-names.ts';
import type { RawConfig, RawContainer, RawEndpoint, RawHostConfig } from './raw-container.ts';

/** Compose service of another container of the project; undefined for a stranger. */
export type NameOf = (containerId: string) => string | undefined;

/** A container that was given no network of its own. */
const DEFAULT_BRIDGE = new Set(['default', 'bridge', '']);

export function livePorts({ HostConfig: host, Config: config }: RawContainer, image: RawConfig) {
  const bindings = Object.entries(host.PortBindings ?? {});
  const ports = bindings.flatMap(([key, list]) => (list ?? []).map((binding) => livePort(key, binding)));
  const published = new Set(bindings.map(([key]) => key));
  const exposed = Object.keys(config.ExposedPorts ?? {}).filter(
    (key) => !published.has(key) && image.ExposedPorts?.[key] === undefined,
  );
  return {
    ports: ports.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    expose: exposed.map((key) => key.replace(/\/tcp$/, '')).toSorted(),
  };
}

/** Without `published` where Docker chooses the port of the host. */
function livePort(
  key: string,
  { HostIp: address, HostPort: port }: { HostIp?: string; HostPort?: string },
): ComposeMap {
  const [target, protocol] = key.split('/');
  return {
    target: Number(target),
    protocol,
    ...(port && port !== '0' && { published: port }),
    ...(address && { host_ip: address }),
  };
}

/** Either a mode, or networks by Docker's names with the aliases that were asked for. */
export function liveNetworks(container: RawContainer): ComposeMap {
  const { HostConfig: host, NetworkSettings: settings } = container;
  const mode = host.NetworkMode ?? '';
  if (mode === 'host' || mode === 'none') return { network_mode: mode };
  const attached = Object.entries(settings.Networks ?? {}).filter(([name]) => !DEFAULT_BRIDGE.has(name));
  if (mode.startsWith('container:')) return {};
  const networks = Object.fromEntries(
    attached
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, endpoint]) => [name, liveEndpoint(endpoint, container)]),
  );
  return DEFAULT_BRIDGE.has(mode) ? { network_mode: 'bridge', networks } : { networks };
}

function liveEndpoint({ Aliases, IPAMConfig: ipam, DriverOpts, GwPriority }: RawEndpoint, container: RawContainer) {
  const aliases = (Aliases ?? []).filter((alias) => !isGivenAlias(container, alias)).toSorted();
  return {
    ...(aliases.length > 0 && { aliases: [...new Set(aliases)] }),
    ...(ipam?.IPv4Address && { ipv4_address: ipam.IPv4Address }),
    ...(ipam?.IPv6Address && { ipv6_address: ipam.IPv6Address }),
    ...(ipam?.LinkLocalIPs?.length && { link_local_ips: ipam.LinkLocalIPs }),
    ...(Object.keys(DriverOpts ?? {}).length > 0 && { driver_opts: DriverOpts }),
    ...(GwPriority && { gw_priority: GwPriority }),
  };
}

export const sharedNamespaces = (host: RawHostConfig, nameOf: NameOf): ComposeMap => ({
  ...(host.NetworkMode?.startsWith('container:') && { network_mode: sharedWith(host.NetworkMode, nameOf) }),
  ipc: host.IpcMode === 'private' ? undefined : sharedWith(host.IpcMode, nameOf),
  pid: sharedWith(host.PidMode, nameOf),
  extra_hosts: (host.ExtraHosts ?? []).toSorted(),
  external_links: (host.Links ?? []).map((link) => linkOf(link)).toSorted(),
  dns: host.Dns,
  dns_search: host.DnsSearch,
  dns_opt: host.DnsOptions,
});

/** Docker keeps the id of the other container; a file names its service. */
function sharedWith(mode: string | undefined, nameOf: NameOf): string | undefined {
  const id = /^container:(.+)$/.exec(mode ?? '')?.[1];
  const service = id === undefined ? undefined : nameOf(id);
  return service ? `service:${service}` : mode;
}

/** `/db:/web/database` → `db:database`. */
function linkOf(link: string): string {
  const [other = '', alias = ''] = link.split(':');
  return `${withoutSlash(other)}:${alias.split('/').at(-1) ?? ''}`;
}
