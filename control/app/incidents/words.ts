// What an incident is, in words. Pure.
import { count } from '#shared/count.ts';
import type { IncidentRecord } from '../../store/incidents.ts';

type Told = Pick<IncidentRecord, 'kind' | 'hostCount' | 'awayCount' | 'addresses' | 'endedAt'>;

export function describeIncident({ kind, hostCount, awayCount, addresses, endedAt }: Told): string {
  if (kind === 'host.identity_conflict') {
    const machines = addresses.length > 0 ? `: ${addresses.join(' and ')}` : '';
    return endedAt === null
      ? `Two live machines use one host's key${machines}; neither is given work until one of them has joined anew`
      : `Two live machines used one host's key${machines}`;
  }
  const lost = `${count(hostCount, 'host')} went away together`;
  if (endedAt !== null) return `${lost}; all are back or gone for good`;
  return awayCount === hostCount ? `${lost}; what runs there runs on` : `${lost}; ${awayCount} are still away`;
}
