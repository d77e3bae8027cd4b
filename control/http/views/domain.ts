// Names of services, and edges of hosts, as the API shows them.
import { z } from 'zod';
import { isAddress } from '#shared/address.ts';
import { EDGES } from '#shared/protocol/edge-parts.ts';
import { toRfc3339 } from '#shared/time.ts';
import type { WireError } from '#shared/errors.ts';
import type { Domain, DomainAim, Edge, EdgeChange, NewDomain } from '../../app/api/domains.ts';
import { readHostname } from '../../app/domains/hostname.ts';
import { orderField, pageOf, pagingFields, timestamp } from './page.ts';

const faultView = z.object({ code: z.string(), message: z.string(), details: z.string().optional() }).nullable();

const hostname = z
  .string()
  .max(300)
  .transform((text, context) => {
    const name = readHostname(text);
    if (name !== undefined) return name;
    context.addIssue({ code: 'custom', message: 'Must be a name such as shop.example.com' });
    return z.NEVER;
  })
  .meta({ example: 'shop.example.com' });

const target = z
  .string()
  .regex(/^[a-zA-Z0-9._-]{1,255}$/, 'Must be a service of the compose file')
  .nullable()
  .optional()
  .describe('Service of the compose file; null: the one that answers');
const port = z.number().int().min(1).max(65_535).nullable().optional();
const redirectTo = hostname.nullable().optional().describe('Answer with a permanent redirect to this name');

export const newDomainBody = z.strictObject({ hostname, service: target, port, redirect_to: redirectTo });
export const domainChangeBody = z.strictObject({ service: target, port, redirect_to: redirectTo });

/** A chain of four with long names has 8 kB. */
const MAX_CERTIFICATE = 16_384;
/** RSA of 8192 bits has 6.4 kB. */
const MAX_KEY = 8_192;
export const certificateBody = z.strictObject({
  certificate: z.string().min(1).max(MAX_CERTIFICATE).describe("PEM: the site's certificate, then its chain"),
  key: z
    .string()
    .min(1)
    .max(MAX_KEY)
    .meta({ description: 'PEM, without a password; never shown again', writeOnly: true }),
});

export const domainParams = z.object({ id: z.string(), domain_id: z.string() });
export const domainQuery = z.strictObject({
  ...pagingFields,
  sort: z.enum(['hostname', 'created_at']).default('created_at'),
  order: orderField,
});

export const domainView = z
  .object({
    id: z.string().meta({ example: 'dom_abc123' }),
    hostname: z.string().meta({ example: 'shop.example.com' }),
    url: z.string().meta({ example: 'https://shop.example.com' }),
    kind: z.enum(['default', 'custom']).describe('Default: below the base domain, which the service has by itself'),
    service: z.string().nullable(),
    port: z.number().int().nullable(),
    redirect_to: z.string().nullable(),
    dns: z
      .object({
        state: z.enum(['here', 'elsewhere', 'missing']).describe('Where DNS leads the name'),
        addresses: z.array(z.string()),
        checked_at: timestamp,
      })
      .nullable()
      .describe('Null: nobody has looked'),
    expected_addresses: z
      .array(z.string())
      .describe('Where DNS has to lead it')
      .meta({ example: ['203.0.113.7'] }),
    certificate: z.object({
      source: z.enum(['uploaded', 'acme', 'internal']),
      state: z.enum(['none', 'pending', 'issued', 'failed']),
      issuer: z.string().nullable(),
      expires_at: timestamp.nullable(),
      error: z.string().nullable(),
    }),
    error: faultView.describe('Why nothing answers to the name'),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Domain', description: 'A name of a service.' });
export const domainPage = pageOf(domainView);

const ownEdge = z.object({
  edge: z.enum(EDGES).nullable(),
  base_domain: z.string().nullable(),
  addresses: z.array(z.string()),
});

export const edgeView = z
  .object({
    host_id: z.string().meta({ example: 'host_jkl012' }),
    edge: z.enum(EDGES),
    base_domain: z.string().nullable().meta({ example: 'apps.example.com' }),
    addresses: z
      .array(z.string())
      .describe('Where the world reaches the host')
      .meta({ example: ['203.0.113.7'] }),
    own: ownEdge.describe("As this host is set; null: as the control plane's settings say"),
    issuer: z.enum(['acme', 'internal']),
    wanted_revision: z.number().int(),
    status: z.object({ revision: z.number().int(), error: faultView, at: timestamp }).nullable(),
  })
  .meta({ id: 'HostEdge', description: 'What answers to the names of services on a host.' });

export const edgeChangeBody = z.strictObject({
  edge: z.enum(EDGES).nullable().optional(),
  base_domain: hostname.nullable().optional(),
  addresses: z
    .array(z.string().max(64).refine(isAddress, 'Must be an IP address'))
    .max(16)
    .optional()
    .meta({ example: ['203.0.113.7'], description: 'Where the world reaches it' }),
});

const toFault = (fault: WireError | null): z.infer<typeof faultView> =>
  fault && { code: fault.code, message: fault.message, ...(fault.details && { details: fault.details }) };

const fromAim = ({ service, port: givenPort, redirect_to }: z.infer<typeof domainChangeBody>): DomainAim => ({
  target: service,
  port: givenPort,
  redirectTo: redirect_to,
});

export const fromNewDomain = ({ hostname: name, ...aim }: z.infer<typeof newDomainBody>): NewDomain => ({
  hostname: name,
  ...fromAim(aim),
});
export const fromDomainChange = fromAim;

export const fromEdgeChange = ({ base_domain, ...change }: z.infer<typeof edgeChangeBody>): EdgeChange => ({
  ...change,
  baseDomain: base_domain,
});

export const toDomainView = (domain: Domain): z.infer<typeof domainView> => ({
  id: domain.id,
  hostname: domain.hostname,
  url: `https://${domain.hostname}`,
  kind: domain.kind,
  service: domain.target,
  port: domain.port,
  redirect_to: domain.redirectTo,
  dns: domain.dns && {
    state: domain.dns.state,
    addresses: domain.dns.addresses,
    checked_at: toRfc3339(domain.dns.at),
  },
  expected_addresses: domain.expectedAddresses,
  certificate: {
    source: domain.certificate.source,
    state: domain.certificate.state,
    issuer: domain.certificate.issuer,
    expires_at: domain.certificate.notAfter === null ? null : toRfc3339(domain.certificate.notAfter),
    error: domain.certificate.error,
  },
  error: toFault(domain.fault),
  created_at: toRfc3339(domain.createdAt),
  updated_at: toRfc3339(domain.updatedAt),
});

export const toEdgeView = ({
  hostId,
  baseDomain,
  own,
  wantedRevision,
  status,
  ...edge
}: Edge): z.infer<typeof edgeView> => ({
  host_id: hostId,
  edge: edge.edge,
  base_domain: baseDomain,
  addresses: edge.addresses,
  own: { edge: own.edge, base_domain: own.baseDomain, addresses: own.addresses },
  issuer: edge.issuer,
  wanted_revision: wantedRevision,
  status: status && { revision: status.revision, error: toFault(status.fault), at: toRfc3339(status.at) },
});
