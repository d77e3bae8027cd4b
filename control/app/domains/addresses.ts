// Where the world reaches a host. Pure.
import { isCallable } from '#shared/address.ts';
import type { HostWhereabouts } from '../../store/host-edges.ts';

/** What an operator set; else the public ones among those the host has. Behind a NAT there are none. */
export function addressesOf({ record, facts }: Pick<HostWhereabouts, 'record' | 'facts'>): string[] {
  if (record && record.addresses.length > 0) return record.addresses;
  return (facts?.addresses ?? []).filter((address) => isCallable(address, { allowsPrivate: false }));
}
