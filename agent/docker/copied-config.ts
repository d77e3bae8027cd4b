// Pure: what Docker is told to make a container anew from another image. What the container has only because its image
// said so is left out, so that the new image says it; everything else stays as it was asked for.
import { isDeepStrictEqual } from 'node:util';
import { anonymousVolumes } from './live-mounts.ts';
import type { RawAskedMount, RawConfig, RawContainer, RawEndpoint } from './raw-container.ts';

export interface CopyOf {
  container: RawContainer;
  /** Of the image it runs; empty when that is gone: then all it has is taken for asked for. */
  image: RawConfig;
  /** What it is made from now, and that image's id. */
  reference: string;
  imageId: string;
}

/** Compose looks there whether a container runs the image of its file. */
const COMPOSE_IMAGE_LABEL = 'com.docker.compose.image';
/** Docker's default for a host name, and an alias that it adds by itself. */
const SHORT_ID_CHARS = 12;

export const toCopy = ({ container, image, reference, imageId }: CopyOf) => ({
  ...ownConfig(container, image),
  Image: reference,
  Labels: ownLabels(container, image, imageId),
  HostConfig: ownHostConfig(container),
  NetworkingConfig: { EndpointsConfig: ownEndpoints(container) },
});

function ownConfig({ Id, Config: config, HostConfig: host }: RawContainer, image: RawConfig): Partial<RawConfig> {
  const { Hostname: hostname, Labels: _l, ...rest } = config;
  const hasOwnEntrypoint = !isDeepStrictEqual(config.Entrypoint ?? null, image.Entrypoint ?? null);
  const sameAsImage = (['User', 'WorkingDir', 'StopSignal', 'Healthcheck', 'Entrypoint', 'Cmd'] as const)
    // An entry point of one's own takes the image's command away: what stands there was asked for.
    .filter((name) => !(name === 'Cmd' && hasOwnEntrypoint))
    .filter((name) => isDeepStrictEqual(config[name] ?? null, image[name] ?? null));
  const isNamed = hostname !== undefined && hostname !== Id.slice(0, SHORT_ID_CHARS) && hasOwnName(host.NetworkMode);
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([name]) => !sameAsImage.some((same) => same === name))),
    ...(isNamed && { Hostname: hostname }),
    Env: (config.Env ?? []).filter((line) => !(image.Env ?? []).includes(line)),
    ExposedPorts: without(config.ExposedPorts, image.ExposedPorts),
    Volumes: without(config.Volumes, image.Volumes),
  };
}

/** One that lives in another's network has no host name of its own. */
const hasOwnName = (mode = ''): boolean => !/^(host$|container:)/.test(mode);

function ownLabels({ Config: { Labels: labels } }: RawContainer, image: RawConfig, imageId: string) {
  const own = Object.entries(labels ?? {}).filter(([name, value]) => image.Labels?.[name] !== value);
  return Object.fromEntries(own.map(([name, value]) => [name, name === COMPOSE_IMAGE_LABEL ? imageId : value]));
}

/** Anonymous volumes are named, or the new container would get empty ones. */
function ownHostConfig(container: RawContainer) {
  const { HostConfig: host } = container;
  const volumes = anonymousVolumes(container);
  const asked = (host.Mounts ?? []).map((mount): RawAskedMount => {
    const name = mount.Type === 'volume' && !mount.Source ? volumes[mount.Target] : undefined;
    return name === undefined ? mount : { ...mount, Source: name };
  });
  const taken = [...asked.map(({ Target }) => Target), ...(host.Binds ?? []).map((bind) => bind.split(':')[1])];
  const rest = Object.entries(volumes).filter(([target]) => !taken.includes(target));
  return {
    ...host,
    Mounts: asked,
    Binds: [...(host.Binds ?? []), ...rest.map(([target, name]) => `${name}:${target}`)],
    Links: (host.Links ?? []).map(toLink),
  };
}

/** Docker shows `/db:/web/alias` and takes `db:alias`. */
function toLink(link: string): string {
  const [target = '', alias = ''] = link.split(':');
  return `${target.replace(/^\//, '')}:${alias.split('/').at(-1)}`;
}

function ownEndpoints({ Id, HostConfig: host, NetworkSettings: { Networks: networks } }: RawContainer) {
  if (!hasOwnName(host.NetworkMode) || host.NetworkMode === 'none') return {};
  const own = ({ Aliases, IPAMConfig, DriverOpts, GwPriority }: RawEndpoint): RawEndpoint => ({
    Aliases: (Aliases ?? []).filter((alias) => alias !== Id.slice(0, SHORT_ID_CHARS)),
    IPAMConfig,
    DriverOpts,
    ...(GwPriority !== undefined && { GwPriority }),
  });
  return Object.fromEntries(Object.entries(networks ?? {}).map(([name, endpoint]) => [name, own(endpoint)]));
}

const without = (all: Record<string, unknown> | null | undefined, image: Record<string, unknown> | null | undefined) =>
  Object.fromEntries(Object.entries(all ?? {}).filter(([name]) => !Object.hasOwn(image ?? {}, name)));
