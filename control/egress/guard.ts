// The door through which the control plane calls out at a user's word: an undici agent that looks at the address it is
// about to connect to. What was looked up is what is connected to, so a name that changes its mind in between gains
// nothing. No connection is kept: each call looks anew, and none is lost to a far side that closes an idle one.
import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Agent, buildConnector } from 'undici';
import { LongshoreError } from '#shared/errors.ts';
import { isAddress, isCallable, type AddressRules } from '#shared/address.ts';
import { createDnsLookup, type Lookup } from './names.ts';
import { hostOf } from './url.ts';

export interface GuardOptions extends AddressRules {
  connectMs: number;
  /** Default: DNS; the system's resolver, which knows names of one's own as well, where private networks are allowed. */
  lookup?: Lookup | undefined;
}

/** Connections fail with `egress_denied` unless their address may be called. */
export function createGuard({ connectMs, lookup, ...rules }: GuardOptions): Agent {
  const resolve = lookup ?? (rules.allowsPrivate ? systemLookup : createDnsLookup());
  const connector = buildConnector({ timeout: connectMs, lookup: guardLookup(resolve, rules), allowH2: false });
  return new Agent({
    pipelining: 0,
    connect(options, done) {
      const host = hostOf(options);
      // net.connect asks no resolver for an IP literal.
      if (isAddress(host) && !isCallable(host, rules)) return done(denied(host), null);
      return connector(options, done);
    },
  });
}

function guardLookup(lookup: Lookup, rules: AddressRules): LookupFunction {
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
