// Which services are where: for what asks many hosts at once and needs no more of a service than its name.
import type { Database } from '../db/database.ts';
import { asJsonList, selectBy } from './page.ts';
import type { Visibility } from './records.ts';

export interface ServicePlace {
  id: string;
  name: string;
  hostId: string;
  hostName: string;
}

export interface PlaceFilter {
  /** Id or name; a name may be taken once on each host. */
  service?: string | undefined;
  /** Id or name. */
  host?: string | undefined;
  visibility: Visibility;
}

export class ServicePlaces {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** By host, then by name. */
  list({ service, host, visibility }: PlaceFilter): ServicePlace[] {
    const { where, params } = selectBy([
      ['(services.id = :service OR services.name = :service)', { service }],
      ['(hosts.id = :host OR hosts.name = :host)', { host }],
      ['services.customer_id = :customer', { customer: visibility.customerId ?? undefined }],
      ['services.host_id IN (SELECT value FROM json_each(:hostIds))', { hostIds: asJsonList(visibility.hostIds) }],
    ]);
    return this.#db.all<ServicePlace>(
      `SELECT services.id, services.name, hosts.id AS hostId, hosts.name AS hostName
       FROM services JOIN hosts ON hosts.id = services.host_id ${where}
       ORDER BY hosts.name, hosts.id, services.name`,
      params,
    );
  }
}
