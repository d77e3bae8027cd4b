// Incidents as the app layer offers them: what one fault did to hosts.
import type { IncidentHost, IncidentKind, IncidentRecord } from '../../store/incidents.ts';
export { INCIDENT_KINDS } from '../../store/incidents.ts';
import type { Caller } from './caller.ts';
import type { Order, Page, Paging } from './page.ts';

/** Counts are of the hosts that the caller sees. */
export interface Incident
  extends Pick<IncidentRecord, 'id' | 'kind' | 'startedAt' | 'endedAt' | 'hostCount' | 'awayCount'> {
  message: string;
}

export interface IncidentDetail extends Incident {
  /** The first 1 000 by name. */
  hosts: IncidentHost[];
}

export interface IncidentQuery extends Paging {
  status?: 'open' | 'resolved' | undefined;
  kind?: IncidentKind | undefined;
  order?: Order | undefined;
}

export interface Incidents {
  /** The newest first unless asked otherwise. */
  list(caller: Caller, query: IncidentQuery): Page<Incident>;
  require(caller: Caller, id: string): IncidentDetail;
}
