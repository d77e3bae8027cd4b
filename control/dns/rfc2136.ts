// Dynamic updates (RFC 2136) signed by a shared key, over TCP: BIND, Knot, PowerDNS and others.
//
// A name of ours has, beside its addresses, a text record that says so. Each update is one message with its condition,
// so the server decides at once for all: either the name carries our mark, or nothing has that name yet.
import { randomBytes } from 'node:crypto';
import { toAddressBytes } from '#shared/address.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { Clock } from '#shared/time.ts';
import type { DnsProvider, Rfc2136Settings, ZoneAccess } from '../app/dns/provider.ts';
import { exchange } from './exchange.ts';
import { signMessage, TSIG_ERRORS, verifyAnswer } from './tsig.ts';
import { CLASS, readAnswer, toTextData, toUpdateBytes, TYPE, type ResourceRecord, type UpdateMessage } from './wire.ts';

const NOERROR = 0;
const YXDOMAIN = 6;
const NXRRSET = 8;

/** RFC 1035 §4.1.1 and RFC 2136 §2.2. */
const RCODES: Record<number, string> = {
  1: 'it does not understand the message',
  2: 'it failed',
  4: 'it takes no dynamic updates',
  5: 'this key may not change this name',
  9: 'it does not serve this zone, or not with this key',
  10: 'the name is not in the zone',
};

export function openRfc2136(access: ZoneAccess & { settings: Rfc2136Settings }, clock: Clock): DnsProvider {
  const zone = new UpdatedZone(access, clock);
  return {
    check: (signal) => zone.check(signal),
    put: (hostname, addresses, signal) => zone.put(hostname, addresses, signal),
    remove: (hostname, signal) => zone.remove(hostname, signal),
  };
}

type Change = Pick<UpdateMessage, 'prerequisites' | 'updates'>;

class UpdatedZone {
  readonly #access: ZoneAccess & { settings: Rfc2136Settings };
  readonly #clock: Clock;

  constructor(access: ZoneAccess & { settings: Rfc2136Settings }, clock: Clock) {
    this.#access = access;
    this.#clock = clock;
  }

  /** Adds and takes away nothing: the server still looks whether the zone is its own and the key good. */
  async check(signal: AbortSignal): Promise<void> {
    requireDone(await this.#update({ prerequisites: [], updates: [] }, signal));
  }

  async put(hostname: string, addresses: readonly string[], signal: AbortSignal): Promise<void> {
    const { ttlS } = this.#access;
    const added = addresses.map((address) => toAddressRecord(hostname, address, ttlS));
    const cleared = [TYPE.A, TYPE.AAAA].map((type) => anyOf(hostname, type));
    const ours = await this.#update({ prerequisites: [this.#mark(hostname)], updates: [...cleared, ...added] }, signal);
    if (ours !== NXRRSET) return requireDone(ours);
    const updates = [this.#mark(hostname, ttlS), ...added];
    const fresh = await this.#update({ prerequisites: [unused(hostname)], updates }, signal);
    if (fresh !== YXDOMAIN) return requireDone(fresh);
    throw new LongshoreError('dns_conflict', {
      message: `"${hostname}" has DNS records that Longshore did not make`,
      details: 'Delete them, and they are replaced at the next try; or let them point to the host yourself',
    });
  }

  async remove(hostname: string, signal: AbortSignal): Promise<void> {
    const cleared = [TYPE.A, TYPE.AAAA].map((type) => anyOf(hostname, type));
    const updates = [...cleared, { ...this.#mark(hostname), class: CLASS.NONE }];
    const rcode = await this.#update({ prerequisites: [this.#mark(hostname)], updates }, signal);
    if (rcode !== NXRRSET) requireDone(rcode);
  }

  /** As a condition: the name has this text and no other (RFC 2136 §2.4.2). */
  #mark(name: string, ttl = 0): ResourceRecord {
    const text = `heritage=longshore,owner=${this.#access.owner}`;
    return { name, type: TYPE.TXT, class: CLASS.IN, ttl, data: toTextData(text) };
  }

  /** Returns the server's code. Throws `dns_refused` for a key it does not take, and for an answer it did not sign. */
  async #update(change: Change, signal: AbortSignal): Promise<number> {
    const { zone, settings, secret: secretBase64 } = this.#access;
    const key = { name: settings.keyName, algorithm: settings.algorithm, secretBase64 };
    const id = randomBytes(2).readUInt16BE();
    const { bytes, mac } = signMessage(toUpdateBytes({ id, zone, ...change }), key, this.#clock.now());
    const answer = await exchange(settings.server, bytes, signal);
    const { id: answered, rcode } = readAnswer(answer);
    if (answered !== id) throw refused('it answered another question');
    const verdict = verifyAnswer(answer, key, mac);
    if (typeof verdict === 'object') throw refused(TSIG_ERRORS[verdict.error] ?? `it says TSIG error ${verdict.error}`);
    if (verdict === 'good') return rcode;
    throw refused(
      verdict === 'unsigned' && rcode !== NOERROR ? wordsFor(rcode) : 'its answer is not signed by the key',
    );
  }
}

const wordsFor = (rcode: number): string => RCODES[rcode] ?? `it answered with code ${rcode}`;

function requireDone(rcode: number): void {
  if (rcode !== NOERROR) throw refused(wordsFor(rcode));
}

const refused = (why: string): LongshoreError =>
  new LongshoreError('dns_refused', { message: `The DNS server refused the update: ${why}` });

const NOTHING = Buffer.alloc(0);

/** As a change: all records of this type go (RFC 2136 §2.5.2). */
const anyOf = (name: string, type: number): ResourceRecord => ({
  name,
  type,
  class: CLASS.ANY,
  ttl: 0,
  data: NOTHING,
});

/** As a condition: no record of any type has the name (RFC 2136 §2.4.5). */
const unused = (name: string): ResourceRecord => ({
  name,
  type: TYPE.ANY,
  class: CLASS.NONE,
  ttl: 0,
  data: NOTHING,
});

function toAddressRecord(name: string, address: string, ttl: number): ResourceRecord {
  const data = Buffer.from(toAddressBytes(address));
  return { name, type: data.length === 4 ? TYPE.A : TYPE.AAAA, class: CLASS.IN, ttl, data };
}
