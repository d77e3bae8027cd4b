// Join tokens as the API shows them.
import { z } from 'zod';
import { toRfc3339 } from '#shared/time.ts';
import type { JoinToken, MadeJoinToken, NewJoinToken } from '../../app/api/join-tokens.ts';
import type { Host } from '../../app/api/hosts.ts';
import { hostLabelsOf, hostLabelValue } from './host-labels.ts';
import { orderField, pageOf, pagingFields, timestamp } from './page.ts';

export const joinTokenQuery = z.strictObject({
  ...pagingFields,
  sort: z.literal('created_at').default('created_at'),
  order: orderField,
});

export const newJoinTokenBody = z
  .strictObject({
    labels: hostLabelsOf(hostLabelValue).optional(),
    uses: z.number().int().min(1).max(1000).optional().describe('How many hosts may join with it; 1 by default'),
    expires_in_s: z.number().int().min(1).max(86_400).optional().describe('Seconds it is good for; 3600 by default'),
    address_range: z
      .union([z.cidrv4(), z.cidrv6()], 'Must be an address range such as 203.0.113.0/24')
      .optional()
      .describe('Addresses that hosts may join from, as the control plane sees them'),
  })
  .nullish();

const line = '(curl -fsSL https://panel.example.com/install.sh || echo exit 1) | sudo sh -s -- agent --token lsj_…';

export const madeJoinTokenView = z
  .object({
    id: z.string().meta({ example: 'jtk_abc123' }),
    token: z.string().meta({ example: 'lsj_…' }),
    expires_at: timestamp,
    url: z.string().meta({ description: 'Where the host will call', example: 'https://panel.example.com' }),
    tls_pin: z.string().nullable().meta({
      description: "The key it will find there, as curl's `--pinnedpubkey` takes it; null: authorities vouch for it",
      example: null,
    }),
    command: z.string().meta({ description: 'The line to run on the host', example: line }),
    cloud_init: z.string().meta({ description: 'User data for cloud-init', example: '#cloud-config\nruncmd: …' }),
    ansible: z.string().meta({ description: 'A task for Ansible', example: '- name: …' }),
  })
  .meta({ id: 'NewJoinToken', description: 'The token, which the lines hold as well, is shown once.' });

const joinToken = z.object({
  id: z.string().meta({ example: 'jtk_abc123' }),
  status: z.enum(['open', 'used_up', 'expired']),
  labels: z.record(z.string(), z.string()),
  max_uses: z.number().int(),
  uses: z.number().int().meta({ description: 'Hosts that joined by it' }),
  address_range: z.string().nullable().meta({ example: '203.0.113.0/24' }),
  created_at: timestamp,
  expires_at: timestamp,
  refusal: z
    .object({
      timestamp,
      address: z.string().meta({ example: '203.0.113.7' }),
      reason: z.string().meta({ example: 'It is not for this address.' }),
    })
    .nullable()
    .meta({ description: 'Why it let nobody in when it was tried last; null when it was not refused lately' }),
});
export const joinTokenView = joinToken.meta({ id: 'JoinToken' });
export const joinTokenPage = pageOf(joinTokenView);
export const joinTokenWithHostsView = joinToken
  .extend({ hosts: z.array(z.object({ id: z.string(), name: z.string(), status: z.string() })) })
  .meta({ id: 'JoinTokenWithHosts', description: 'With the hosts that came in by it.' });

export const fromNewJoinTokenBody = (body: z.infer<typeof newJoinTokenBody>): NewJoinToken => ({
  labels: body?.labels,
  uses: body?.uses,
  expiresInS: body?.expires_in_s,
  addressRange: body?.address_range,
});

export const toMadeJoinTokenView = (made: MadeJoinToken): z.infer<typeof madeJoinTokenView> => ({
  id: made.id,
  token: made.token,
  expires_at: toRfc3339(made.expiresAt),
  url: made.url,
  tls_pin: made.tlsPin,
  command: made.command,
  cloud_init: made.cloudInit,
  ansible: made.ansible,
});

export const toJoinTokenView = ({ refusal, ...token }: JoinToken): z.infer<typeof joinTokenView> => ({
  id: token.id,
  status: token.status,
  labels: token.labels,
  max_uses: token.maxUses,
  uses: token.uses,
  address_range: token.addressRange,
  created_at: toRfc3339(token.createdAt),
  expires_at: toRfc3339(token.expiresAt),
  refusal: refusal && { timestamp: toRfc3339(refusal.at), address: refusal.address, reason: refusal.reason },
});

export const toJoinTokenWithHostsView = (
  token: JoinToken & { hosts: Host[] },
): z.infer<typeof joinTokenWithHostsView> => ({
  ...toJoinTokenView(token),
  hosts: token.hosts.map(({ id, name, status }) => ({ id, name, status })),
});
