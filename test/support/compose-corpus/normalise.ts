// What `docker inspect` says of a project's containers, networks and volumes, without what differs between any two runs
// of the same file: pure. Everything that is taken away stands in this file; all the rest is compared.

/** As `docker inspect` prints it. */
export type Inspected = Record<string, unknown>;

export interface Project {
  containers: Inspected[];
  networks: Inspected[];
  volumes: Inspected[];
  /** Container name → what it printed. */
  output: Record<string, string>;
}

/** Made anew by every run, or paths made of such; `*` is any key. */
const REMOVED = {
  containers: [
    'Id',
    'Created',
    'ExecIDs',
    'GraphDriver',
    'ResolvConfPath',
    'HostnamePath',
    'HostsPath',
    'LogPath',
    'State.Pid',
    'State.StartedAt',
    'State.FinishedAt',
    'State.Health.Log',
    'State.Health.FailingStreak',
    'NetworkSettings.SandboxID',
    'NetworkSettings.SandboxKey',
    'NetworkSettings.EndpointID',
    'NetworkSettings.Networks.*.NetworkID',
    'NetworkSettings.Networks.*.EndpointID',
    // Which files it came from, and a digest of them that covers our own labels.
    'Config.Labels.com\\.docker\\.compose\\.config-hash',
    'Config.Labels.com\\.docker\\.compose\\.project\\.config_files',
    'Config.Labels.com\\.docker\\.compose\\.project\\.environment_file',
    'Config.Labels.longshore\\.service',
    'Config.Labels.longshore\\.content',
  ],
  networks: ['Id', 'Created', 'Containers'],
  volumes: ['CreatedAt'],
};

const OF_AN_ENDPOINT = ['Gateway', 'IPAddress', 'IPPrefixLen', 'MacAddress'].concat([
  'IPv6Gateway',
  'GlobalIPv6Address',
  'GlobalIPv6PrefixLen',
]);

/** Docker's choice, unless the file has just this one. */
const ADDRESSES = {
  containers: OF_AN_ENDPOINT.flatMap((key) => [`NetworkSettings.${key}`, `NetworkSettings.Networks.*.${key}`]),
  networks: ['IPAM.Config.*.Subnet', 'IPAM.Config.*.Gateway'],
  volumes: [],
};

/** Lists that Compose or Docker make from a map, in any order. */
const UNORDERED = [
  'Config.Env',
  'HostConfig.Binds',
  'HostConfig.Mounts',
  'HostConfig.ExtraHosts',
  'HostConfig.Ulimits',
  'Mounts',
];
/** To Docker an empty list is none. */
const NONE_IF_EMPTY = ['HostConfig.Dns', 'HostConfig.DnsOptions', 'HostConfig.DnsSearch'];
const DEPENDS_ON = 'Config.Labels.com\\.docker\\.compose\\.depends_on';

/** `text`: the compose file with its variables, which says what addresses were asked for. */
export function normalise(project: Project, text: string): Project {
  const { containers, networks, volumes, output } = named(project);
  return {
    containers: sorted(containers).map((container) => {
      const made = without(container, REMOVED.containers, ADDRESSES.containers, text);
      return inOrder(withoutChosenPorts(withoutRandomNames(made)));
    }),
    networks: sorted(networks).map((network) => without(network, REMOVED.networks, ADDRESSES.networks, text)),
    volumes: sorted(volumes).map((volume) => without(volume, REMOVED.volumes, ADDRESSES.volumes, text)),
    output,
  };
}

const sorted = (things: Inspected[]) => things.toSorted((a, b) => (String(a['Name']) < String(b['Name']) ? -1 : 1));

/** Ids of the project's own things, which also stand in host names and shared namespaces, become their names. */
function named(project: Project): Project {
  let json = JSON.stringify(project);
  for (const { Id: id, Name: name } of [...project.containers, ...project.networks]) {
    json = json.replaceAll(String(id), `<${String(name)}>`).replaceAll(String(id).slice(0, 12), `<${String(name)}>`);
  }
  return JSON.parse(json) as Project;
}

function without(thing: Inspected, removed: string[], addresses: string[], text: string): Inspected {
  const copy = structuredClone(thing);
  for (const path of removed) visit(copy, path, (parent, key) => delete parent[key]);
  for (const path of addresses) {
    visit(copy, path, (parent, key) => {
      const value = parent[key];
      if (typeof value !== 'string' || value === '' || !text.includes(value)) delete parent[key];
    });
  }
  return copy;
}

/** Calls `change` for every place that the path means. A dot within a key is written `\.`. */
function visit(root: Inspected, path: string, change: (parent: Inspected, key: string) => void): void {
  const walk = (at: unknown, [key = '', ...rest]: string[]): void => {
    if (typeof at !== 'object' || at === null) return;
    const parent = at as Inspected;
    for (const name of key === '*' ? Object.keys(parent) : [key]) {
      if (!Object.hasOwn(parent, name)) continue;
      if (rest.length > 0) walk(parent[name], rest);
      else change(parent, name);
    }
  };
  walk(
    root,
    path.split(/(?<!\\)\./).map((key) => key.replaceAll('\\.', '.')),
  );
}

/** Of anonymous volumes. */
const RANDOM_NAME = /\b[0-9a-f]{64}\b/g;

function withoutRandomNames(container: Inspected): Inspected {
  const mounts = JSON.stringify(container['Mounts'] ?? []).replaceAll(RANDOM_NAME, '<anonymous>');
  return { ...container, Mounts: JSON.parse(mounts) as unknown };
}

/** What is bound where the file leaves the choice to Docker. */
function withoutChosenPorts(container: Inspected): Inspected {
  const copy = structuredClone(container) as {
    HostConfig?: { PortBindings?: Record<string, Binding[] | null> | null };
    NetworkSettings?: { Ports?: Record<string, Binding[] | null> | null };
  };
  const asked = copy.HostConfig?.PortBindings ?? {};
  for (const [port, bound] of Object.entries(copy.NetworkSettings?.Ports ?? {})) {
    const fixed = new Set((asked[port] ?? []).map(({ HostPort }) => HostPort));
    for (const binding of bound ?? []) if (!fixed.has(binding.HostPort)) binding.HostPort = '<any>';
  }
  return copy;
}

interface Binding {
  HostIp: string;
  HostPort: string;
}

function inOrder(container: Inspected): Inspected {
  const copy = structuredClone(container);
  for (const path of UNORDERED) {
    visit(copy, path, (parent, key) => {
      const list = parent[key];
      if (Array.isArray(list)) {
        parent[key] = list.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) as unknown[];
      }
    });
  }
  for (const path of NONE_IF_EMPTY) visit(copy, path, (parent, key) => (parent[key] ??= []));
  visit(copy, DEPENDS_ON, (parent, key) => (parent[key] = String(parent[key]).split(',').toSorted()));
  return copy;
}
