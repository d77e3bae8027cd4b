// Whether a name leads to its host, by what DNS said. Pure.
import type { DnsCheck } from '../../store/domains.ts';
import { toAddressBytes, isAddress } from '#shared/address.ts';

/** `here`: all of them are the host's. One that is not would answer for a share of the visitors. */
export function judgeDns(found: readonly string[], expected: readonly string[], at: number): DnsCheck {
  const ours = new Set(expected.map(spelling));
  const state = found.length === 0 ? 'missing' : found.every((each) => ours.has(spelling(each))) ? 'here' : 'elsewhere';
  return { state, addresses: [...found], at };
}

const spelling = (address: string): string => (isAddress(address) ? toAddressBytes(address).join('.') : address);
