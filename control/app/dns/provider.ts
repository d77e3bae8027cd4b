// What the app layer asks of whoever serves a zone; control/dns/ has the implementations, one file each.

export const DNS_PROVIDERS = ['rfc2136', 'cloudflare'] as const;
export type DnsProviderKind = (typeof DNS_PROVIDERS)[number];

/** RFC 8945 §6 that are not discouraged. BIND makes the first by default. */
export const TSIG_ALGORITHMS = ['hmac-sha256', 'hmac-sha384', 'hmac-sha512'] as const;
export type TsigAlgorithm = (typeof TSIG_ALGORITHMS)[number];

export interface Rfc2136Settings {
  provider: 'rfc2136';
  server: { host: string; port: number };
  keyName: string;
  algorithm: TsigAlgorithm;
}

export interface CloudflareSettings {
  provider: 'cloudflare';
}

/** How a zone is reached, without its secret: the TSIG secret in base64, or an API token. */
export type DnsSettings = Rfc2136Settings | CloudflareSettings;

/** The signal ends a call; the caller has the deadline. All are safe to repeat. */
export interface DnsProvider {
  /** Throws what `put` throws where zone or credentials are not what the provider expects. Changes nothing. */
  check(signal: AbortSignal): Promise<void>;
  /**
   * Makes the name have exactly these addresses, marked as ours. Throws `dns_conflict` where it has records that we did
   * not make, `dns_refused` for a zone or credentials that are wrong, `egress_failed` and `timed_out` for the network.
   */
  put(hostname: string, addresses: readonly string[], signal: AbortSignal): Promise<void>;
  /** Takes away what `put` made. A name without records, or with somebody else's, stays as it is. */
  remove(hostname: string, signal: AbortSignal): Promise<void>;
}

export interface ZoneAccess {
  /** Without a dot at the end. */
  zone: string;
  settings: DnsSettings;
  secret: string;
  /** Seconds that others may keep an answer. */
  ttlS: number;
  /** Says of records whose they are: two control planes may share a zone. */
  owner: string;
}

export type OpenDnsProvider = (access: ZoneAccess) => DnsProvider;
