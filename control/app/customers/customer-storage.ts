// What the volumes of a customer's services use, by the last measurement of each.
import type { Stores } from '../../store/stores.ts';
import type { UsageBoard } from '../services/usage-board.ts';

/** In MB of 1024² bytes, as Docker counts memory; null before anything was measured. */
export type StorageOf = (customerId: string) => number | null;

const MB = 1024 * 1024;

export function createStorageOf(stores: Pick<Stores, 'services'>, usage: Pick<UsageBoard, 'find'>): StorageOf {
  return (customerId) => {
    const measured = stores.services.idsOfCustomer(customerId).flatMap((id) => usage.find(id)?.storageBytes ?? []);
    return measured.length === 0 ? null : measured.reduce((sum, bytes) => sum + bytes, 0) / MB;
  };
}
