// The door through which the control plane calls out at a user's word: an undici agent that looks at the address it is
// about to connect to. What was looked up is what is connected to, so a name that changes its mind in between gains
// nothing. No connection is kept: each call looks anew, and none is lost to a far side that closes an idle one.
import { lookup as systemLookup } from 'node:dns';
import { Agent, buildConnector } from 'undici';
import type { AddressRules } from '#shared/address.ts';
import { findDenied, guardLookup, type Lookup } from '#shared/guarded-lookup.ts';
import { createDnsLookup } from './names.ts';

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
      const denied = findDenied(options.hostname, rules);
      return denied ? done(denied, null) : connector(options, done);
    },
  });
}
