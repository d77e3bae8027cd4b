// Connections to servers that a user has named, registries above all: which certificates count, and which addresses may be
// reached.
import { readdirSync, readFileSync } from 'node:fs';
import { lookup as systemLookup } from 'node:dns';
import { join } from 'node:path';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { Agent, buildConnector } from 'undici';
import type { AddressRules } from '#shared/address.ts';
import { findDenied, guardLookup, type Lookup } from '#shared/guarded-lookup.ts';

export interface DoorRules extends AddressRules {
  /** Takes any certificate. */
  isTrusting: boolean;
  /** Where Docker keeps the certificates of single registries: `certs.d`. */
  certificates?: string | undefined;
  /** One more to vouch for servers. */
  caFile?: string | undefined;
  /** Default: the system's resolver, as Docker uses it. */
  lookup?: Lookup | undefined;
}

const CONNECT_LIMIT_MS = 5_000;

/** For one question; the caller destroys it. Connections fail with `egress_denied` for an address that is refused. */
export function openDoor({ isTrusting, certificates, caFile, lookup = systemLookup, ...rules }: DoorRules): Agent {
  const common = { timeout: CONNECT_LIMIT_MS, lookup: guardLookup(lookup, rules), allowH2: false };
  return new Agent({
    pipelining: 0,
    connect(options, done) {
      const denied = findDenied(options.hostname, rules);
      if (denied) return done(denied, null);
      const own = certificates === undefined ? undefined : join(certificates, options.host ?? '');
      const secureContext = options.protocol === 'https:' ? contextFor(own, caFile) : undefined;
      const connector = buildConnector({
        ...common,
        rejectUnauthorized: !isTrusting,
        ...(secureContext && { secureContext }),
      });
      return connector(options, done);
    },
  });
}

/** Whom Node trusts, whom the system trusts, and whom Docker's settings name for this very registry. */
function contextFor(folder: string | undefined, caFile: string | undefined): SecureContext {
  const own = [
    ...(folder === undefined ? [] : ownCertificates(folder)),
    ...(caFile === undefined ? [] : [readFileSync(caFile)]),
  ];
  return own.length === 0 ? (usualContext ??= trusting([])) : trusting(own);
}

/** Where nothing is added: made once, because reading hundreds of certificates holds everything up for about 30 ms. */
let usualContext: SecureContext | undefined;

const trusting = (more: readonly Buffer[]): SecureContext =>
  createSecureContext({ ca: [...getCACertificates('bundled'), ...getCACertificates('system'), ...more] });

/** Nothing where there is no such folder, which is the common case, or none we may read. */
function ownCertificates(folder: string): Buffer[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.crt'));
    return names.map((name) => readFileSync(join(folder, name)));
  } catch {
    return [];
  }
}
