// TLS of the HTTP server: makes servers that show the certificate of now, and looks for a newer one, so that a renewal
// needs no restart. A new one that cannot be used is told and left alone; the old one stays.
import { X509Certificate } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import { hostname, networkInterfaces } from 'node:os';
import { rootCertificates } from 'node:tls';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import { sleep, type Clock } from '#shared/time.ts';
import { systemAuthorities } from '#shared/tls-pin.ts';
import type { ControlConfig } from '../config.ts';
import type { CreateServer } from '../http/deps.ts';
import { isVouchedFor, loadCertificate, type Certificate, type CertificateFiles } from './certificate.ts';
import { namesOf } from './names.ts';
import { ensureSelfSigned } from './self-signed.ts';

export interface Tls {
  createServer: CreateServer;
  /** Of the certificate that is shown now. */
  readonly pin: string;
  /** What a host must pin to reach this URL; undefined where a system's authorities vouch for the certificate. */
  pinFor(url: string): string | undefined;
}

export interface TlsDeps {
  clock: Clock;
  log: Logger;
  /** PEM; those that this system trusts, unless a test says otherwise. */
  authorities?: () => string[] | undefined;
}

/** Looking is two small reads. A renewal comes weeks before the end of the old one. */
const LOOK_EVERY_MS = 10_000;
/** As long as a request may take to come in. */
const HANDSHAKE_LIMIT_MS = 10_000;
/** 1.2 with forward secrecy and authenticated encryption only, 1.3 as it is: what curl and Node have had for ten years. */
const PROTOCOL = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256',
    'ECDHE+AESGCM:ECDHE+CHACHA20',
  ].join(':'),
  handshakeTimeout: HANDSHAKE_LIMIT_MS,
} as const;

/** Null where TLS is off. Throws `config_invalid` for files that cannot be used. */
export async function startTls(
  { tls, dataDir, listen, publicUrl }: Pick<ControlConfig, 'tls' | 'dataDir' | 'listen' | 'publicUrl'>,
  deps: TlsDeps,
  scope: Scope,
): Promise<Tls | null> {
  if (tls === 'off') return null;
  const names = namesOf({ listenHost: listen.host, publicUrl, hostname: hostname(), addresses: ownAddresses() });
  const files = tls === 'auto' ? await ensureSelfSigned(dataDir, names, deps.clock) : tls;
  const shown = new ShownCertificate(files, deps);
  scope.run('look for a renewed certificate', (signal) => shown.follow(signal));
  return shown;
}

/** Those of Docker's networks come and go with them, and nobody calls us there. */
const DOCKERS = /^(docker|br-|veth)/;

const ownAddresses = (): string[] =>
  Object.entries(networkInterfaces())
    .filter(([name]) => !DOCKERS.test(name))
    .flatMap(([, list = []]) => list.map(({ address }) => address));

class ShownCertificate implements Tls {
  readonly #files: CertificateFiles;
  readonly #deps: TlsDeps;
  readonly #servers = new Set<Server>();
  readonly #pins = new Map<string, string | undefined>();
  #shown: Certificate;
  /** What was last said of files that cannot be used: each fault is told once. */
  #fault = '';

  constructor(files: CertificateFiles, deps: TlsDeps) {
    this.#files = files;
    this.#deps = deps;
    this.#shown = loadCertificate(files);
  }

  get pin(): string {
    return this.#shown.pin;
  }

  createServer: CreateServer = (handler, limits) => {
    const { cert, key } = this.#shown;
    const server = createServer({ ...limits, ...PROTOCOL, cert, key }, handler);
    this.#servers.add(server);
    server.once('close', () => this.#servers.delete(server));
    return server;
  };

  pinFor(url: string): string | undefined {
    const { protocol, hostname: host } = new URL(url);
    if (protocol !== 'https:') return undefined;
    if (!this.#pins.has(host)) this.#pins.set(host, this.#isTrusted(host) ? undefined : this.#shown.pin);
    return this.#pins.get(host);
  }

  #isTrusted(host: string): boolean {
    const { authorities = systemAuthorities } = this.#deps;
    const trusted = authorities() ?? rootCertificates;
    return isVouchedFor(
      this.#shown,
      host,
      trusted.map((pem) => new X509Certificate(pem)),
    );
  }

  async follow(signal: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(this.#deps.clock, LOOK_EVERY_MS, signal);
      this.#look();
    }
  }

  #look(): void {
    try {
      const found = loadCertificate(this.#files);
      this.#fault = '';
      if (found.cert !== this.#shown.cert || found.key !== this.#shown.key) this.#show(found);
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#fault) this.#deps.log.warn({ err: error }, 'the new certificate is left alone');
      this.#fault = message;
    }
  }

  #show(found: Certificate): void {
    const { pin: pinBefore } = this.#shown;
    this.#shown = found;
    this.#pins.clear();
    const { cert, key, pin } = found;
    for (const server of this.#servers) server.setSecureContext({ ...PROTOCOL, cert, key });
    const said = { pin, ends: found.chain[0].validToDate.toISOString() };
    this.#deps.log.info(said, 'another certificate is shown from now on');
    if (pin !== pinBefore)
      this.#deps.log.warn({ pin, pinBefore }, 'it has another key: who pinned the old one stays out');
  }
}
