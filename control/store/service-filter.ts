// Which services a list shows, and in which order.
import { asJsonList, likeAnywhere, orderBy, selectBy, toBit, type PageRequest, type Selection } from './page.ts';
import type { ServiceRecord, Visibility } from './records.ts';

/** The columns a list may be sorted by, each with an index that ends in the id: pages never overlap. */
const SORT_COLUMNS = { name: 'name', status: 'lifecycle', created_at: 'created_at', updated_at: 'updated_at' } as const;

export interface ServiceFilter extends PageRequest {
  status?: ServiceRecord['lifecycle'] | undefined;
  customerId?: string | undefined;
  hostId?: string | undefined;
  search?: string | undefined;
  updateAvailable?: boolean | undefined;
  sort: keyof typeof SORT_COLUMNS;
  order: 'asc' | 'desc';
  visibility: Visibility;
}

export const STATUS_FILTER = 'lifecycle = :status';
export const UPDATE_FILTER = 'update_available = :updateAvailable';

export function selectServices(filter: ServiceFilter): Selection {
  const { visibility } = filter;
  return selectBy([
    [STATUS_FILTER, { status: filter.status }],
    [UPDATE_FILTER, { updateAvailable: toBit(filter.updateAvailable) ?? undefined }],
    ['customer_id = :customerId', { customerId: filter.customerId }],
    ['customer_id = :ownCustomer', { ownCustomer: visibility.customerId ?? undefined }],
    ['host_id = :hostId', { hostId: filter.hostId }],
    ['host_id IN (SELECT value FROM json_each(:hostIds))', { hostIds: asJsonList(visibility.hostIds) }],
    [`name LIKE :search ESCAPE '\\'`, { search: likeAnywhere(filter.search) }],
  ]);
}

export const orderOf = ({ sort, order }: ServiceFilter): string => orderBy(SORT_COLUMNS[sort], order);
