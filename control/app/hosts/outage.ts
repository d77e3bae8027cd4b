// Whether anything can be done on a host now, and why not. Pure.
import { LongshoreError } from '#shared/errors.ts';
import type { Host } from '../api/hosts.ts';

type Standing = Pick<Host, 'name' | 'status' | 'facts'>;

/** It is connected, and its Docker answers as far as the host has told. */
export const isReachable = ({ status, facts }: Standing): boolean => status === 'connected' && !facts?.dockerAwaySince;

/** Null: it is reachable. */
export function findOutage(host: Standing): LongshoreError | null {
  if (isReachable(host)) return null;
  const { name, status } = host;
  return status === 'connected'
    ? new LongshoreError('docker_unavailable', { message: `Docker does not answer on host "${name}"` })
    : new LongshoreError('host_offline', { message: `Host "${name}" is not connected` });
}
