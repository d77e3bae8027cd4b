// Why nothing can be done on a host now. Pure.
import { LongshoreError } from '#shared/errors.ts';
import type { Host } from '../api/hosts.ts';

/** Null: it is connected, and its Docker answers as far as the host has told. */
export function findOutage({ name, status, facts }: Pick<Host, 'name' | 'status' | 'facts'>): LongshoreError | null {
  if (status !== 'connected') return new LongshoreError('host_offline', { message: `Host "${name}" is not connected` });
  if (!facts?.dockerAwaySince) return null;
  return new LongshoreError('docker_unavailable', { message: `Docker does not answer on host "${name}"` });
}
