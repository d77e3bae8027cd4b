// Why a service cannot go to a host. Pure: facts in, the first reason out; a running service is not touched before all of
// them are looked at.
import { LongshoreError } from '#shared/errors.ts';
import type { HostFacts } from '#shared/model.ts';
import type { ServiceRecord } from '../../store/records.ts';
import type { ServiceData } from '../hosts/data-of-service.ts';

/** Folders of the host that say the same everywhere. */
const EVERYWHERE = ['/var/run/docker.sock', '/run/docker.sock', '/etc/localtime', '/etc/timezone'];

type Place = { id: string; name: string; facts: Pick<HostFacts, 'arch'> | null };

export interface FitFacts {
  service: Pick<ServiceRecord, 'name' | 'method' | 'setId'>;
  from: Place;
  to: Place;
  /** Null: the compose file is in a repository. */
  data: ServiceData | null;
  /** Paths of the files that the service brings along, in its own folder. */
  files: readonly string[];
  hasNamesake: boolean;
}

/** Undefined: it can. */
export function findMisfit(facts: FitFacts): LongshoreError | undefined {
  const { service, from, to, hasNamesake } = facts;
  const { name } = service;
  if (from.id === to.id) return conflict(`Service "${name}" is on host "${to.name}" already`);
  if (service.setId !== null) {
    const details = `Which hosts have one is the business of set ${service.setId}.`;
    return conflict(`Service "${name}" is a member of a set: it is not moved by itself`, details);
  }
  if (service.method === 'ai') {
    const details =
      'What the AI has written for it is on its host. Deploy it there anew and restore its backup into it.';
    return new LongshoreError('not_supported', {
      message: `Service "${name}" was made by AI: it is not moved`,
      details,
    });
  }
  if (hasNamesake) {
    return new LongshoreError('name_taken', { message: `Host "${to.name}" already has a service "${name}"` });
  }
  return otherArchitecture(facts) ?? boundFolder(facts);
}

function otherArchitecture({ from, to }: FitFacts): LongshoreError | undefined {
  if (!from.facts || !to.facts || from.facts.arch === to.facts.arch) return undefined;
  const details = `"${from.name}" is ${from.facts.arch}, "${to.name}" is ${to.facts.arch}: images and data may differ.`;
  return conflict('The hosts are of different architectures', details);
}

/** A backup holds named volumes: what lies in folders would stay behind. */
function boundFolder({ service, data, files }: FitFacts): LongshoreError | undefined {
  const left = data?.folders.filter((folder) => !EVERYWHERE.includes(folder) && !isBrought(folder, files)) ?? [];
  if (left.length === 0) return undefined;
  return new LongshoreError('not_supported', {
    message: `Service "${service.name}" keeps data in folders of its host, which do not move: ${left.join(', ')}`,
    details: 'Backups hold named volumes. Put that data into one, then move the service.',
  });
}

/** A file of the service's own, or a folder of such files. */
function isBrought(folder: string, files: readonly string[]): boolean {
  if (!folder.startsWith('./')) return false;
  const path = folder.slice(2).replace(/\/$/, '');
  return files.some((file) => file === path || file.startsWith(`${path}/`));
}

const conflict = (message: string, details?: string): LongshoreError =>
  new LongshoreError('state_conflict', { message, ...(details !== undefined && { details }) });
