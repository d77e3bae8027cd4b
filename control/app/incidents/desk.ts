// Incidents as callers see them: those of hosts that they see, with no word about others.
import type { IncidentRecord } from '../../store/incidents.ts';
import type { Visibility } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { Incident, IncidentDetail, IncidentQuery, Incidents } from '../api/incidents.ts';
import type { Page } from '../api/page.ts';
import { missing } from '../missing.ts';
import { describeIncident } from './words.ts';

/** Bounds the answer; the counts say how many there are. */
const MAX_HOSTS = 1000;

export interface IncidentDeskDeps {
  stores: Stores;
  access: Access;
}

export class IncidentDesk implements Incidents {
  readonly #deps: IncidentDeskDeps;

  constructor(deps: IncidentDeskDeps) {
    this.#deps = deps;
  }

  list(caller: Caller, { status, page, perPage, ...query }: IncidentQuery): Page<Incident> {
    const isOpen = status === undefined ? undefined : status === 'open';
    const filter = { ...query, isOpen, page, perPage, hostIds: this.#hostsOf(caller) };
    const { items, total } = this.#deps.stores.incidents.list(filter);
    return { items: items.map(toIncident), total, page, perPage };
  }

  require(caller: Caller, id: string): IncidentDetail {
    const { incidents } = this.#deps.stores;
    const hostIds = this.#hostsOf(caller);
    const incident = incidents.find(id, hostIds);
    if (!incident || incident.hostCount === 0) throw missing('incident', id);
    return { ...toIncident(incident), hosts: incidents.hosts(id, hostIds, MAX_HOSTS) };
  }

  /** Like what happened to a host, it says what happened to the services of anybody. */
  #hostsOf(caller: Caller): Visibility['hostIds'] {
    const { access } = this.#deps;
    access.requireOperator(caller, 'see what happened to hosts');
    return access.visibility(caller).hostIds;
  }
}

const toIncident = (incident: IncidentRecord): Incident => {
  const { id, kind, startedAt, endedAt, hostCount, awayCount } = incident;
  return { id, kind, startedAt, endedAt, hostCount, awayCount, message: describeIncident(incident) };
};
