// What a container mounts, in the long form of a compose file's `volumes`. Pure.
import type { ComposeMap } from '#shared/compose/values.ts';
import type { RawAskedMount, RawContainer, RawMount } from './raw-container.ts';

/** Docker names an anonymous volume like this; nobody asked for that name. */
const ANONYMOUS = /^[0-9a-f]{64}$/;
/** The kernel's default for a bind. */
const PRIVATE = 'rprivate';

/** By target. `fromImage`: places where the image asks for a volume; an anonymous one there is no choice of the file. */
export function liveMounts({ Mounts: mounts, HostConfig: host }: RawContainer, fromImage: readonly string[]) {
  return (mounts ?? [])
    .filter((mount) => !(isAnonymous(mount) && fromImage.includes(mount.Destination)))
    .map((mount) => {
      const asked = host.Mounts?.find(({ Target }) => Target === mount.Destination);
      return liveMount(mount, asked, bindOptions(host.Binds ?? [], mount.Destination));
    })
    .toSorted((a, b) => (String(a['target']) < String(b['target']) ? -1 : 1));
}

const isAnonymous = ({ Type, Name }: RawMount): boolean => Type === 'volume' && ANONYMOUS.test(Name ?? '');

export const anonymousVolumes = ({ Mounts: mounts }: RawContainer): Record<string, string> =>
  Object.fromEntries((mounts ?? []).filter(isAnonymous).map(({ Destination, Name = '' }) => [Destination, Name]));

/** The third part of `source:target:ro,z`. */
const bindOptions = (binds: readonly string[], target: string): string[] =>
  binds
    .map((bind) => bind.split(':'))
    .find((parts) => parts[1] === target)?.[2]
    ?.split(',') ?? [];

function liveMount(mount: RawMount, asked: RawAskedMount | undefined, options: readonly string[]): ComposeMap {
  const { Type: type, Destination: target } = mount;
  const source = sourceOf(mount, asked);
  const more = (OPTIONS[type] ?? noOptions)({ mount, asked, options });
  const stated = Object.entries(more).filter(([, value]) => value !== undefined);
  return {
    type,
    ...(source && { source }),
    target,
    ...(mount.RW || type === 'image' ? {} : { read_only: true }),
    ...(stated.length > 0 && { [type]: Object.fromEntries(stated) }),
  };
}

function sourceOf(mount: RawMount, asked: RawAskedMount | undefined): string | undefined {
  if (mount.Type === 'volume') return isAnonymous(mount) ? undefined : mount.Name;
  return mount.Type === 'image' ? asked?.Source : mount.Source;
}

interface MountFacts {
  mount: RawMount;
  asked: RawAskedMount | undefined;
  options: readonly string[];
}

const noOptions = (): ComposeMap => ({});

const OPTIONS: Record<string, (facts: MountFacts) => ComposeMap> = {
  bind: ({ mount, options }) => ({
    propagation: mount.Propagation && mount.Propagation !== PRIVATE ? mount.Propagation : undefined,
    selinux: options.find((option) => option === 'z' || option === 'Z'),
  }),
  volume: ({ asked, options }) => ({
    nocopy: asked?.VolumeOptions?.NoCopy || options.includes('nocopy') || undefined,
    subpath: asked?.VolumeOptions?.Subpath || undefined,
  }),
  tmpfs: ({ asked }) => ({
    size: asked?.TmpfsOptions?.SizeBytes || undefined,
    mode: asked?.TmpfsOptions?.Mode || undefined,
  }),
  image: ({ asked }) => ({ subpath: asked?.ImageOptions?.Subpath || undefined }),
};
