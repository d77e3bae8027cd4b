// What a service mounts: binds, volumes, tmpfs, shared memory, other containers' volumes.
import type { JudgeContext, Report } from './judge.ts';
import { isMap, isOpen, listOf, textOf, unescaped, type ComposeMap } from './values.ts';
import { dockerSocketIsBelow, holdsOwnFiles, isInside } from './paths.ts';

const MOUNT_TYPES = ['bind', 'volume', 'tmpfs', 'image'];

export interface Mount {
  type: string;
  source: string | undefined;
  isReadOnly: boolean;
  size: unknown;
}

/** Both forms of a mount; undefined for a shape that Compose will refuse. */
export function mountOf(value: unknown): Mount | undefined {
  if (typeof value === 'string') return fromShort(value);
  if (!isMap(value) || typeof value['type'] !== 'string') return undefined;
  const tmpfs = isMap(value['tmpfs']) ? value['tmpfs'] : {};
  const source = typeof value['source'] === 'string' ? value['source'] : undefined;
  return { type: value['type'], source, isReadOnly: value['read_only'] === true, size: tmpfs['size'] };
}

/** `SOURCE:TARGET[:OPTIONS]`; a source that begins like a path is a bind. A lone target is an anonymous volume. */
function fromShort(text: string): Mount {
  const [source, target, options = ''] = text.split(':');
  if (target === undefined || source === undefined) {
    return { type: 'volume', source: undefined, isReadOnly: false, size: undefined };
  }
  const isPath = /^[./~]/.test(source) || source.includes('$');
  return { type: isPath ? 'bind' : 'volume', source, isReadOnly: options.split(',').includes('ro'), size: undefined };
}

export function judgeMounts(path: string, service: ComposeMap, context: JudgeContext, report: Report): void {
  listOf(service['volumes']).forEach((value, index) => {
    const mount = mountOf(value);
    if (mount) judgeMount(`${path}.volumes[${index}]`, mount, context, report);
  });
  listOf(service['tmpfs']).forEach((value, index) => {
    const size = [...textOf(value).matchAll(/[:,]size=([^,]+)/g)].at(-1)?.[1]; // of several the kernel takes the last
    judgeMemory(`${path}.tmpfs[${index}]`, size, context, report);
  });
  if (service['shm_size'] !== undefined) judgeMemory(`${path}.shm_size`, service['shm_size'], context, report);
  listOf(service['volumes_from']).forEach((value, index) => {
    if (context.rules.foreignResources || !textOf(value).startsWith('container:')) return;
    report(`${path}.volumes_from[${index}]`, 'foreignResources', 'belongs to another project');
  });
}

export const ownFilesMessage = (source: string): string =>
  `"${source}" holds Longshore's own files: mount a folder below it, or read-only`;

function judgeMount(path: string, mount: Mount, context: JudgeContext, report: Report): void {
  const { rules, form, projectDir, root = projectDir } = context;
  if (mount.type === 'tmpfs') return judgeMemory(path, mount.size, context, report);
  if (rules.serviceKeys !== 'any' && !MOUNT_TYPES.includes(mount.type)) {
    return report(path, 'drivers', `mounts of type "${mount.type}" are not allowed`);
  }
  if (mount.type !== 'bind' || mount.source === undefined || isOpen(mount.source, form)) return;
  const { isReadOnly } = mount;
  const source = unescaped(mount.source);
  if (!rules.dockerSocket && dockerSocketIsBelow(source)) {
    return report(path, 'dockerSocket', 'the Docker socket is not allowed');
  }
  const folders = [root, ...rules.bindFolders];
  if (rules.bindMounts === 'any') return;
  if (!folders.some((folder) => isInside(folder, source, projectDir))) {
    report(path, 'bindMounts', `"${source}" is outside the service's folder`);
  } else if (!isReadOnly && holdsOwnFiles(root, source, projectDir))
    report(path, 'bindMounts', ownFilesMessage(source));
}

/** Memory file systems grow in the host's memory: where there is a limit, a size must be stated and fit. */
function judgeMemory(path: string, size: unknown, { rules, form }: JudgeContext, report: Report): void {
  if (rules.tmpfsBytes === null || isOpen(size, form)) return;
  const bytes = bytesOf(size);
  if (bytes !== undefined && bytes <= rules.tmpfsBytes) return;
  const what = bytes === undefined ? 'needs a size' : 'is too large';
  report(path, 'tmpfsBytes', `a file system in memory ${what}; at most ${rules.tmpfsBytes} bytes`);
}

const UNITS: Record<string, number> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** `64m`, `1gb`, `1024`; undefined for anything else, which then counts as unlimited. */
function bytesOf(size: unknown): number | undefined {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i.exec(textOf(size)) ?? [];
  return digits === undefined ? undefined : Number(digits) * (UNITS[unit.toLowerCase()] ?? Number.NaN);
}
