// The services of this host as a schedule looks at them.
import type { JobKind } from '#shared/jobs.ts';
import type { AgentState } from '../state/open.ts';
import type { Candidate } from './aim.ts';

type Known = Pick<AgentState, 'services' | 'journal'>;

export function candidatesOf({ services, journal }: Known): Candidate[] {
  const openJobs = journal.openKinds();
  return services.ids().flatMap((id) => toCandidate(services, id, openJobs.get(id)) ?? []);
}

/** As it is now; undefined when it has gone. */
export const findCandidate = ({ services, journal }: Known, id: string): Candidate | undefined =>
  toCandidate(services, id, journal.openKinds().get(id));

function toCandidate(
  services: AgentState['services'],
  id: string,
  openJob: JobKind | undefined,
): Candidate | undefined {
  const record = services.find(id);
  if (!record) return undefined;
  const { desired, isEnabled, goodRevision, spec } = record;
  const { name, customerId, labels, method, setId } = spec;
  return {
    id,
    name,
    customerId,
    labels,
    method,
    desired,
    isEnabled,
    goodRevision,
    isSetMember: setId !== undefined,
    openJob,
  };
}
