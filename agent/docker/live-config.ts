// How a container is set up, in the words of a compose file: what a file would have to say so that Compose makes the
// same one. Pure, from Docker's inspect of the container and of its image.
//
// What is left out is Docker's default or comes with the image. What Docker itself assigns (addresses, ids, the host
// port where none was asked for, names of anonymous volumes) is no configuration and not there. Lists whose order means
// nothing are sorted, so that two views can be compared as they are. `cgroup` is not told: its default depends on the
// host, and no inspect shows which it is.
import { isDeepStrictEqual } from 'node:util';
import type { ComposeMap } from '#shared/compose/values.ts';
import { CONFIG_HASH_LABEL, PROJECT_LABEL, toState, withoutSlash } from './container-view.ts';
import type { LiveConfig, LiveContainer } from './live-container.ts';
import { anonymousVolumes, liveMounts } from './live-mounts.ts';
import { livePorts, liveNetworks, sharedNamespaces, type NameOf } from './live-network.ts';
import { liveLimits } from './live-limits.ts';
import { ownName } from './live-names.ts';
import type { RawConfig, RawContainer, RawHealthCheck, RawHostConfig } from './raw-container.ts';

/** Labels of Docker's tools and of ours: they say who made a container, not how it is set up. */
const RESERVED_LABEL = /^(com\.docker\.|longshore\.)/;

/** `image`: undefined when it was removed by force; then what it gave counts as the container's own. */
export interface LiveFacts {
  container: RawContainer;
  image: RawConfig | undefined;
}

/** All containers of a project together: who shares a namespace with another of them says so by its service. */
export function toLiveContainers(facts: readonly LiveFacts[]): LiveContainer[] {
  const services = new Map(
    facts.map(({ container }) => [container.Id, container.Config.Labels?.['com.docker.compose.service']]),
  );
  const nameOf: NameOf = (id) => services.get(id);
  return facts.map((one) => toLiveContainer(one, nameOf)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function toLiveContainer({ container, image = {} }: LiveFacts, nameOf: NameOf): LiveContainer {
  const labels = trustedLabels(container.Config.Labels ?? {}, image.Labels ?? {});
  const compose = (name: string) => labels[`com.docker.compose.${name}`] ?? '';
  return {
    id: container.Id,
    name: withoutSlash(container.Name),
    project: labels[PROJECT_LABEL] ?? '',
    service: compose('service'),
    number: Number(compose('container-number')) || 0,
    isOneOff: compose('oneoff') === 'True',
    state: toState(container.State.Status),
    imageId: container.Image,
    labels,
    config: toLiveConfig(container, image, nameOf),
    anonymousVolumes: anonymousVolumes(container),
  };
}

type Labels = Readonly<Record<string, string>>;

/** Compose's hash vouches for the file that made a container; an image that brings one would vouch for any file. */
function trustedLabels(own: Labels, given: Labels): Labels {
  const { [CONFIG_HASH_LABEL]: hash, ...others } = own;
  return hash === given[CONFIG_HASH_LABEL] ? others : own;
}

function toLiveConfig(container: RawContainer, image: RawConfig, nameOf: NameOf): LiveConfig {
  const { HostConfig: host } = container;
  const stated = {
    container_name: ownName(container),
    ...liveProcess(container, image),
    labels: ownLabels(container.Config.Labels ?? {}, image.Labels ?? {}),
    ...livePorts(container, image),
    volumes: liveMounts(container, Object.keys(image.Volumes ?? {})),
    tmpfs: Object.entries(host.Tmpfs ?? {}).map(([path, options]) => (options ? `${path}:${options}` : path)),
    ...liveNetworks(container),
    ...sharedNamespaces(host, nameOf),
    restart: restartOf(host),
    healthcheck: liveHealthCheck(container.Config.Healthcheck ?? {}, image.Healthcheck ?? {}),
    ...livePrivileges(host),
    ...liveLimits(host),
    logging: loggingOf(host),
  };
  return { image: container.Config.Image, ...withoutDefaults(stated) };
}

/** Nothing, no, zero and empty are what a container has that was asked for nothing. */
const withoutDefaults = (stated: ComposeMap): ComposeMap =>
  Object.fromEntries(Object.entries(stated).filter(([, value]) => !isEmpty(value)));

function isEmpty(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return !value && value !== false;
  return Object.keys(value).length === 0;
}

const unlessFromImage = (own: string | undefined, given: string | undefined) => (own === given ? undefined : own);

function liveProcess({ Id, Config: config, HostConfig: host }: RawContainer, image: RawConfig): ComposeMap {
  const graceS = config.StopTimeout;
  return {
    ...liveCommand(config, image),
    environment: ownEnvironment(config.Env ?? [], image.Env ?? []),
    user: unlessFromImage(config.User, image.User),
    working_dir: unlessFromImage(config.WorkingDir, image.WorkingDir),
    hostname: hasOthersName(host) || Id.startsWith(config.Hostname ?? '') ? undefined : config.Hostname,
    domainname: config.Domainname,
    tty: config.Tty || undefined,
    stdin_open: config.OpenStdin || undefined,
    init: host.Init ?? undefined,
    stop_signal: unlessFromImage(config.StopSignal, image.StopSignal),
    stop_grace_period: typeof graceS === 'number' ? `${graceS}s` : undefined,
  };
}

/** Who lives in the host's network, or in another container's, has that one's host name. */
const hasOthersName = ({ NetworkMode: mode = '' }: RawHostConfig): boolean => /^(host$|container:)/.test(mode);

/** An entrypoint of its own takes the image's command away: then also the same command is the container's own. */
function liveCommand({ Cmd: cmd, Entrypoint: entrypoint }: RawConfig, image: RawConfig): ComposeMap {
  const hasOwnEntrypoint = !isSameList(entrypoint, image.Entrypoint);
  const hasOwnCommand = hasOwnEntrypoint ? (cmd ?? []).length > 0 : !isSameList(cmd, image.Cmd);
  // An emptied one has to be said in a form that does not count as left out.
  return {
    ...(hasOwnEntrypoint && { entrypoint: orNone(entrypoint) }),
    ...(hasOwnCommand && { command: orNone(cmd) }),
  };
}

const isSameList = (own: unknown, given: unknown) => isDeepStrictEqual(own ?? [], given ?? []);
const orNone = (words: string[] | null | undefined) => (words && words.length > 0 ? words : ['']);

/** `NAME` without a value takes the name away that the image gives: null, as in a compose file. */
function ownEnvironment(own: readonly string[], given: readonly string[]): Record<string, string | null> {
  const pairs = own
    .filter((text) => !given.includes(text))
    .map((text): [string, string | null] => {
      const at = text.indexOf('=');
      return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
    });
  return byKey(pairs);
}

function ownLabels(own: Labels, given: Labels) {
  return byKey(Object.entries(own).filter(([key, value]) => !RESERVED_LABEL.test(key) && given[key] !== value));
}

const byKey = <T>(pairs: readonly [string, T][]): Record<string, T> =>
  Object.fromEntries(pairs.toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** Docker fills in from the image what a container's own check leaves open. */
function liveHealthCheck(own: RawHealthCheck, given: RawHealthCheck): ComposeMap | undefined {
  if (own.Test?.[0] === 'NONE') return given.Test?.[0] === 'NONE' ? undefined : { disable: true };
  const time = (key: 'Interval' | 'Timeout' | 'StartPeriod' | 'StartInterval') =>
    own[key] && own[key] !== given[key] ? duration(own[key]) : undefined;
  return withoutDefaults({
    test: isDeepStrictEqual(own.Test ?? [], given.Test ?? []) ? undefined : own.Test,
    interval: time('Interval'),
    timeout: time('Timeout'),
    start_period: time('StartPeriod'),
    start_interval: time('StartInterval'),
    retries: own.Retries === given.Retries ? undefined : own.Retries || undefined,
  });
}

const duration = (nanos: number): string => {
  if (nanos % 1e9 === 0) return `${nanos / 1e9}s`;
  return nanos % 1e6 === 0 ? `${nanos / 1e6}ms` : `${nanos}ns`;
};

function restartOf({ RestartPolicy: policy }: RawHostConfig): string | undefined {
  const name = policy?.Name;
  if (!name || name === 'no') return undefined;
  return policy.MaximumRetryCount ? `${name}:${policy.MaximumRetryCount}` : name;
}

/** A daemon may have another default, which an inspect cannot tell from a choice; then every container says so. */
function loggingOf({ LogConfig: log }: RawHostConfig): ComposeMap | undefined {
  const options = log?.Config ?? {};
  if (!log?.Type || (log.Type === 'json-file' && isEmpty(options))) return undefined;
  return { driver: log.Type, ...withoutDefaults({ options }) };
}

function livePrivileges(host: RawHostConfig): ComposeMap {
  const { Privileged: isPrivileged } = host;
  const capabilities = (names: string[] | null | undefined) => sorted(names?.map((name) => name.replace(/^CAP_/, '')));
  return {
    privileged: isPrivileged || undefined,
    read_only: host.ReadonlyRootfs || undefined,
    cap_add: capabilities(host.CapAdd),
    cap_drop: capabilities(host.CapDrop),
    // Docker's own addition to a privileged container.
    security_opt: sorted(host.SecurityOpt?.filter((option) => !(isPrivileged && option === 'label=disable'))),
    group_add: sorted(host.GroupAdd),
    devices: sorted(
      host.Devices?.map(({ PathOnHost, PathInContainer, CgroupPermissions }) =>
        [PathOnHost, PathInContainer, CgroupPermissions].join(':'),
      ),
    ),
    device_cgroup_rules: sorted(host.DeviceCgroupRules),
    gpus: host.DeviceRequests?.map(({ Driver, Count, DeviceIDs, Capabilities, Options }) =>
      withoutDefaults({
        driver: Driver,
        count: Count,
        device_ids: DeviceIDs,
        capabilities: Capabilities?.flat(),
        options: Options,
      }),
    ),
    sysctls: host.Sysctls,
    runtime: host.Runtime === 'runc' ? undefined : host.Runtime,
    userns_mode: host.UsernsMode,
    uts: host.UTSMode,
    cgroup_parent: host.CgroupParent,
    annotations: host.Annotations,
    storage_opt: host.StorageOpt,
  };
}

const sorted = (list: readonly string[] | null | undefined): string[] => (list ?? []).toSorted();
