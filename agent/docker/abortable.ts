// dockerode takes an abort signal on every call and a query on every path; its types know of it on some only.
import type Dockerode from 'dockerode';
import type { RawDiskUsage, RawStats } from './usage-view.ts';

export type Abortable = { abortSignal: AbortSignal };

type AbortableClient = {
  ping(options: Abortable): Promise<unknown>;
  version(options: Abortable): Promise<Dockerode.DockerVersion>;
  info(options: Abortable): Promise<{ DockerRootDir: string; NCPU: number }>;
};
type AbortableImage = { inspect(options: Abortable): Promise<Dockerode.ImageInspectInfo> };
type AbortableContainer = { stats(options: Abortable & { stream: false; 'one-shot': true }): Promise<RawStats> };

type AbortableNetwork = { inspect(options: Abortable): Promise<{ Id: string }> };

export const abortable = (docker: Dockerode) => docker as unknown as AbortableClient;
export const abortableImage = (image: Dockerode.Image) => image as unknown as AbortableImage;
export const abortableContainer = (container: Dockerode.Container) => container as unknown as AbortableContainer;
export const abortableNetwork = (network: Dockerode.Network) => network as unknown as AbortableNetwork;
export const socketPathOf = ({ modem }: Dockerode): string => (modem as unknown as Modem).socketPath;

interface Modem {
  socketPath: string;
  dial(options: object, done: (error: Error | null, data: unknown) => void): void;
}

/** The library's own `df` can't ask for volumes alone, and measuring the images as well takes far longer. */
export const dialVolumeUsage = (docker: Dockerode, abortSignal: AbortSignal): Promise<RawDiskUsage> =>
  dial(docker, { path: '/system/df?', method: 'GET', options: { type: 'volume' }, abortSignal });

export const dialDiskUsage = (docker: Dockerode, abortSignal: AbortSignal): Promise<RawDiskUsage> =>
  dial(docker, { path: '/system/df', method: 'GET', abortSignal });

interface DialOptions extends Abortable {
  /** With a `?` at its end where there are options: they become its query. */
  path: string;
  method: 'GET' | 'POST';
  options?: object;
}

/** For calls whose query the library does not know. */
export function dial<T>(docker: Dockerode, options: DialOptions): Promise<T> {
  const statusCodes = { 200: true, 500: 'server error' };
  return new Promise((resolve, reject) => {
    (docker.modem as unknown as Modem).dial({ ...options, statusCodes }, (error, data) =>
      error ? reject(error) : resolve(data as T),
    );
  });
}
