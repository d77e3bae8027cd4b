// DNS zones as the API shows them: never with a secret.
import { z } from 'zod';
import { toRfc3339 } from '#shared/time.ts';
import type { DnsName, DnsZone, DnsZoneChange, NewDnsZone } from '../../app/api/dns.ts';
import { TSIG_ALGORITHMS, type DnsSettings } from '../../app/dns/provider.ts';
import { orderField, pageOf, pagingFields, timestamp } from './page.ts';

/** Lower case, two labels at least, as names are compared. */
const DOMAIN = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** A name or an address, with a port where it is not 53. */
const SERVER = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]{1,253})(:[0-9]{1,5})?$/i;
const DNS_PORT = 53;
const MAX_PORT = 65_535;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

const server = z
  .string()
  .regex(SERVER, 'Must be a name or an address, with a port if it is not 53: ns1.example.com, [2001:db8::1]:5353')
  .refine((text) => portOf(text) <= MAX_PORT, 'There is no such port')
  .meta({ example: 'ns1.example.com' });
const keyName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,253}$/, 'Must be the name of a TSIG key')
  .meta({ example: 'longshore' });
const algorithm = z.enum(TSIG_ALGORITHMS).default('hmac-sha256');

const rfc2136View = z.object({
  provider: z.literal('rfc2136').describe('Dynamic updates: BIND, Knot, PowerDNS and others'),
  server,
  key_name: keyName,
  algorithm: z.enum(TSIG_ALGORITHMS),
});
const cloudflareView = z.object({ provider: z.literal('cloudflare') });

const accessBody = z.discriminatedUnion('provider', [
  z.strictObject({
    provider: z.literal('rfc2136'),
    server,
    key_name: keyName,
    algorithm,
    key_secret: z
      .string()
      .max(1024)
      .regex(BASE64, 'Must be base64, as tsig-keygen prints it')
      .meta({ description: 'Of the TSIG key, in base64; never shown again', writeOnly: true }),
  }),
  z.strictObject({
    provider: z.literal('cloudflare'),
    api_token: z
      .string()
      .regex(/^[\x21-\x7e]{1,500}$/, 'Must be one line without spaces')
      .meta({ description: 'May edit the DNS records of the zone; never shown again', writeOnly: true }),
  }),
]);

const ttl = z.number().int().min(30).max(86_400).describe('Seconds that others may keep an answer');

export const dnsZoneView = z
  .object({
    id: z.string().meta({ example: 'zone_abc123' }),
    name: z.string().meta({ example: 'apps.example.com' }),
    access: z.discriminatedUnion('provider', [rfc2136View, cloudflareView]),
    ttl: z.number().int(),
    names: z.number().int().describe('Names of services that Longshore keeps in it'),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'DnsZone', description: 'A zone whose records Longshore writes. Its secret is never shown.' });
export const dnsZonePage = pageOf(dnsZoneView);

export const newDnsZoneBody = z.strictObject({
  name: z
    .string()
    .transform((text) => text.toLowerCase().replace(/\.$/, ''))
    .pipe(z.string().regex(DOMAIN, 'Must be a domain: apps.example.com'))
    .meta({ example: 'apps.example.com' }),
  access: accessBody,
  ttl: ttl.default(300),
});

export const dnsZoneChangeBody = z.strictObject({
  access: accessBody
    .optional()
    .describe('All of it, with the secret: a secret goes to no other server than it came for'),
  ttl: ttl.optional(),
});

export const dnsZoneRemoval = z.strictObject({
  keep_records: z.enum(['true', 'false']).default('false').describe('Leave in DNS what Longshore wrote there'),
});

const STATES = ['pending', 'present', 'removing'] as const;

export const dnsZoneQuery = z.strictObject({
  ...pagingFields,
  sort: z.enum(['name', 'created_at']).default('name'),
  order: orderField,
});

export const dnsNameQuery = z.strictObject({
  ...pagingFields,
  state: z.enum(STATES).optional().describe('Only those in this state'),
  sort: z.enum(['hostname', 'updated_at']).default('hostname'),
  order: orderField,
});
export const dnsNamePage = pageOf(
  z
    .object({
      hostname: z.string().meta({ example: 'blog.apps.example.com' }),
      service_id: z.string(),
      host_id: z.string(),
      addresses: z.array(z.string()).meta({ example: ['203.0.113.7'] }),
      state: z.enum(STATES),
      tries: z.number().int().describe('That failed in a row'),
      next_try_at: timestamp.nullable().describe('Null: there is nothing to do'),
      error: z.object({ code: z.string(), message: z.string(), details: z.string().optional() }).nullable(),
      updated_at: timestamp,
    })
    .meta({ id: 'DnsName', description: 'A name of a service, as it is to be in DNS' }),
);

type AccessBody = z.infer<typeof accessBody>;

function fromAccess(body: AccessBody): { settings: DnsSettings; secret: string } {
  if (body.provider === 'cloudflare') return { settings: { provider: 'cloudflare' }, secret: body.api_token };
  const { provider, key_name, key_secret } = body;
  const host = body.server.replace(/:[0-9]+$/, '').replaceAll(/[[\]]/g, '');
  const settings = {
    provider,
    server: { host, port: portOf(body.server) },
    keyName: key_name,
    algorithm: body.algorithm,
  };
  return { settings, secret: key_secret };
}

const portOf = (text: string): number => Number(/(?<=[\]a-z0-9]):([0-9]+)$/i.exec(text)?.[1] ?? DNS_PORT);

export const fromNewDnsZone = ({ name, access, ttl: ttlS }: z.infer<typeof newDnsZoneBody>): NewDnsZone => ({
  name,
  ttlS,
  ...fromAccess(access),
});

export const fromDnsZoneChange = ({ access, ttl: ttlS }: z.infer<typeof dnsZoneChangeBody>): DnsZoneChange => ({
  access: access && fromAccess(access),
  ttlS,
});

function toAccess(settings: DnsSettings): z.infer<typeof dnsZoneView>['access'] {
  if (settings.provider === 'cloudflare') return settings;
  const { host, port } = settings.server;
  const text = host.includes(':') ? `[${host}]` : host;
  return {
    provider: settings.provider,
    server: port === DNS_PORT ? text : `${text}:${port}`,
    key_name: settings.keyName,
    algorithm: settings.algorithm,
  };
}

export const toDnsZoneView = (zone: DnsZone): z.infer<typeof dnsZoneView> => ({
  id: zone.id,
  name: zone.name,
  access: toAccess(zone.settings),
  ttl: zone.ttlS,
  names: zone.names,
  created_at: toRfc3339(zone.createdAt),
  updated_at: toRfc3339(zone.updatedAt),
});

export const toDnsNameView = ({ error, ...name }: DnsName): z.infer<typeof dnsNamePage>['data'][number] => ({
  hostname: name.hostname,
  service_id: name.serviceId,
  host_id: name.hostId,
  addresses: name.addresses,
  state: name.state,
  tries: name.tries,
  next_try_at: name.dueAt === null ? null : toRfc3339(name.dueAt),
  error: error && { code: error.code, message: error.message, ...(error.details && { details: error.details }) },
  updated_at: toRfc3339(name.updatedAt),
});
