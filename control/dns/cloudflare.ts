// Cloudflare's API, version 4: https://developers.cloudflare.com/api/resources/dns/. A record's comment says that it is
// ours; what a name is to have changes in one batch, which Cloudflare makes whole or not at all.
import { isAddress, toAddressBytes } from '#shared/address.ts';
import { LongshoreError } from '#shared/errors.ts';
import * as z from 'zod';
import type { CloudflareSettings, DnsProvider, ZoneAccess } from '../app/dns/provider.ts';

const API = 'https://api.cloudflare.com/client/v4';
/** The caller's deadline is shorter. */
const CALL_LIMIT_MS = 30_000;
/** A page of 100 records has about 60 kB. */
const REPLY_LIMIT_BYTES = 1024 * 1024;
/** Of one name; no service has so many addresses. */
const MAX_RECORDS = 100;

export interface Send {
  (call: {
    url: string;
    method: 'GET' | 'POST';
    headers: Record<string, string>;
    body?: string;
    timeoutMs: number;
    maxBytes: number;
    signal: AbortSignal;
  }): Promise<{ status: number; body: Buffer }>;
}

const envelope = z.object({
  success: z.boolean(),
  errors: z.array(z.object({ code: z.number(), message: z.string() })).default([]),
  result: z.unknown(),
});
const zones = z.array(z.object({ id: z.string(), name: z.string() }));
const records = z.array(
  z.object({ id: z.string(), type: z.string(), content: z.string(), comment: z.string().nullish() }),
);
type CloudRecord = z.infer<typeof records>[number];

export function openCloudflare(access: ZoneAccess & { settings: CloudflareSettings }, send: Send): DnsProvider {
  const zone = new CloudZone(access, send);
  return {
    check: async (signal) => void (await zone.requireId(signal)),
    put: (hostname, addresses, signal) => zone.put(hostname, addresses, signal),
    remove: (hostname, signal) => zone.remove(hostname, signal),
  };
}

class CloudZone {
  readonly #access: ZoneAccess;
  readonly #send: Send;
  readonly #comment: string;
  #id: string | undefined;

  constructor(access: ZoneAccess, send: Send) {
    this.#access = access;
    this.#send = send;
    this.#comment = `heritage=longshore,owner=${access.owner}`;
  }

  async requireId(signal: AbortSignal): Promise<string> {
    const { zone } = this.#access;
    const found = this.#id ?? (await this.#call(zones, `/zones?name=${encodeURIComponent(zone)}`, signal))[0]?.id;
    if (found === undefined) throw refused(`this token reaches no zone "${zone}"`);
    this.#id = found;
    return found;
  }

  async put(hostname: string, addresses: readonly string[], signal: AbortSignal): Promise<void> {
    const there = await this.#recordsOf(hostname, signal);
    const wanted = new Map(addresses.map((address) => [textOf(address), address]));
    const stays = there.filter(({ content }) => wanted.delete(textOf(content)));
    const deletes = there.filter((record) => !stays.includes(record)).map(({ id }) => ({ id }));
    const posts = [...wanted.values()].map((content) => this.#toRecord(hostname, content));
    if (deletes.length + posts.length > 0) await this.#batch({ deletes, posts }, signal);
  }

  async remove(hostname: string, signal: AbortSignal): Promise<void> {
    const ours = (await this.#list(hostname, signal)).filter((record) => this.#isOurs(record));
    if (ours.length > 0) await this.#batch({ deletes: ours.map(({ id }) => ({ id })), posts: [] }, signal);
  }

  /** All of them ours. */
  async #recordsOf(hostname: string, signal: AbortSignal): Promise<CloudRecord[]> {
    const there = await this.#list(hostname, signal);
    if (there.every((record) => this.#isOurs(record))) return there;
    throw new LongshoreError('dns_conflict', {
      message: `"${hostname}" has DNS records that Longshore did not make`,
      details: 'Delete them, and they are replaced at the next try; or let them point to the host yourself',
    });
  }

  async #list(hostname: string, signal: AbortSignal): Promise<CloudRecord[]> {
    const query = new URLSearchParams({ name: hostname, per_page: `${MAX_RECORDS}` });
    return this.#call(records, `/zones/${await this.requireId(signal)}/dns_records?${query.toString()}`, signal);
  }

  /** Deletes come first within a batch. */
  async #batch(changes: { deletes: { id: string }[]; posts: object[] }, signal: AbortSignal): Promise<void> {
    const path = `/zones/${await this.requireId(signal)}/dns_records/batch`;
    await this.#call(z.unknown(), path, signal, JSON.stringify(changes));
  }

  #toRecord(name: string, content: string): object {
    const type = toAddressBytes(content).length === 4 ? 'A' : 'AAAA';
    return { type, name, content, ttl: this.#access.ttlS, proxied: false, comment: this.#comment };
  }

  #isOurs({ comment }: CloudRecord): boolean {
    return comment === this.#comment;
  }

  async #call<T>(schema: z.ZodType<T>, path: string, signal: AbortSignal, body?: string): Promise<T> {
    const headers = { authorization: `Bearer ${this.#access.secret}`, 'content-type': 'application/json' };
    const limits = { timeoutMs: CALL_LIMIT_MS, maxBytes: REPLY_LIMIT_BYTES, signal };
    const method = body === undefined ? 'GET' : 'POST';
    const reply = await this.#send({ url: `${API}${path}`, method, headers, ...limits, ...(body && { body }) });
    const { success, data } = envelope.safeParse(toJson(reply.body));
    if (reply.status === 429 || reply.status >= 500 || !success) {
      throw new LongshoreError('egress_failed', { message: `Cloudflare answered ${reply.status}` });
    }
    if (!data.success) throw refused(data.errors.map(({ code, message }) => `${message} (${code})`).join('; '));
    const result = schema.safeParse(data.result);
    if (result.success) return result.data;
    throw new LongshoreError('egress_failed', { message: 'Cloudflare answered something else than its API says' });
  }
}

/** An address has several spellings. */
const textOf = (content: string): string => (isAddress(content) ? toAddressBytes(content).join('.') : content);

function toJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

const refused = (why: string): LongshoreError =>
  new LongshoreError('dns_refused', { message: `Cloudflare refused: ${why}` });
