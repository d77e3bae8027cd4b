// Looks at the addresses of a name before anybody connects to them: what was looked up is what is connected to, so a
// name that changes its mind in between gains nothing.
import type { LookupAddress, LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isAddress, isCallable, type AddressRules } from './address.ts';
import { LongshoreError } from './errors.ts';

/** Lists all addresses of a name. */
export type Lookup = (
  name: string,
  options: LookupOptions & { all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** For a host that is an IP literal, with or without the brackets of IPv6: net.connect asks no resolver for one. */
export function findDenied(hostname: string, rules: AddressRules): LongshoreError | undefined {
  const host = hostname.replace(/^\[|\]$/g, '');
  return isAddress(host) && !isCallable(host, rules) ? denied(host) : undefined;
}

/** Fails with `egress_denied` for a name without an address that may be called. */
export function guardLookup(lookup: Lookup, rules: AddressRules): LookupFunction {
  return (name, options, done) =>
    lookup(name, { ...options, all: true }, (error, addresses) => {
      if (error) return done(error, []);
      const [first, ...rest] = addresses.filter(({ address }) => isCallable(address, rules));
      if (!first) return done(denied(name), []);
      return options.all ? done(null, [first, ...rest]) : done(null, first.address, first.family);
    });
}

const denied = (host: string): LongshoreError =>
  new LongshoreError('egress_denied', { message: `Cannot call "${host}": it has no public address` });
