// What a service needs when Docker has come up anew: its containers fell, and its restart policies brought back what
// they say. Pure.
import type { ContainerState } from '#shared/model.ts';
import type { ServiceRecord } from '../state/services.ts';
import { knownOf, NEW_RECORD } from './record.ts';

export interface FallenService {
  record: Pick<ServiceRecord, 'desired' | 'isEnabled' | 'goodRevision' | 'forgetRevision' | 'healing'>;
  containers: readonly { id: string; service: string; state: ContainerState; exitCode: number | null }[];
  /** Compose services that had done their work. */
  finished: readonly string[];
  /** A job will see to it. */
  isBusy: boolean;
}

/** What ran comes back; what its user stopped stays stopped, also where its restart policy says `always`. */
export function neededAfterStart({ record, containers, finished, isBusy }: FallenService): 'start' | 'stop' | null {
  if (isBusy || record.goodRevision === null || record.forgetRevision !== null) return null;
  if (record.desired === 'stopped') return containers.some(isUp) ? 'stop' : null;
  if (!record.isEnabled) return null;
  const isDone = ({ service, exitCode }: FallenService['containers'][number]) =>
    exitCode === 0 && finished.includes(service);
  const isGivenUp = ({ id }: { id: string }) => knownOf(record.healing ?? NEW_RECORD, id).gaveUp !== null;
  return containers.some((one) => isDown(one) && !isDone(one) && !isGivenUp(one)) ? 'start' : null;
}

const isUp = ({ state }: { state: ContainerState }) =>
  state === 'running' || state === 'restarting' || state === 'paused';
const isDown = ({ state }: { state: ContainerState }) => state === 'exited' || state === 'dead';
