// Which addresses may be called at a user's word. Pure. The rule is one of what is allowed, so a range that somebody
// reserves tomorrow is refused today.
import ipaddr from 'ipaddr.js';

/** Networks of one's own, which an operator may let webhooks into. Never link-local: clouds keep their metadata there. */
const OWN_NETWORKS: readonly string[] = ['private', 'loopback', 'uniqueLocal', 'carrierGradeNat'];
/** What clouds tell their machines, keys among it, at addresses that look like any other: never called. */
const METADATA: readonly string[] = ['100.100.100.200', '168.63.129.16', 'fd00:ec2::254', 'fd20:ce::254'];
/** All global IPv6 unicast so far. ipaddr.js calls `::7f00:1`, which some stacks take for 127.0.0.1, unicast as well. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');

export const isAddress = (text: string): boolean => ipaddr.isValid(text);

/** 4 or 16 bytes. `text` is an address: ask `isAddress` first. */
export const toAddressBytes = (text: string): number[] => ipaddr.parse(text).toByteArray();

export interface AddressRules {
  /** LONGSHORE_ALLOW_PRIVATE_WEBHOOKS. */
  allowsPrivate: boolean;
}

/** `text`: an IP literal without brackets; anything else is not callable. IPv4 inside IPv6 counts as the IPv4 it is. */
export function isCallable(text: string, { allowsPrivate }: AddressRules): boolean {
  if (!isAddress(text) || text.includes('%')) return false;
  const address = ipaddr.process(text);
  if (METADATA.includes(address.toString())) return false;
  const range = address.range();
  if (allowsPrivate && OWN_NETWORKS.includes(range)) return true;
  return range === 'unicast' && (!(address instanceof ipaddr.IPv6) || address.match(GLOBAL_IPV6));
}

/** Whether an address is in one of the ranges (`127.0.0.0/8`); a range that cannot be read holds none. */
export function isWithin(text: string, ranges: readonly string[]): boolean {
  if (!isAddress(text)) return false;
  const address = ipaddr.process(text);
  return ranges
    .filter((range) => ipaddr.isValidCIDR(range))
    .some((range) => {
      const [base, bits] = ipaddr.parseCIDR(range);
      return base.kind() === address.kind() && address.match([base, bits] as never);
    });
}
