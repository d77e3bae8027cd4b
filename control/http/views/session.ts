// Sessions of people as the API shows them.
import { z } from 'zod';
import { toRfc3339 } from '#shared/time.ts';
import type { Session } from '../../app/api/sessions.ts';
import { pageOf, timestamp } from './page.ts';

const sessionFields = {
  id: z.string().meta({ example: 'ses_abc123' }),
  subject: z.string().meta({ description: "The person's id at the identity provider", example: 'f2a1c6d0' }),
  name: z.string().meta({ example: 'Ada Lovelace' }),
  email: z.string().nullable().meta({ example: 'ada@example.com' }),
  permissions: z.array(z.string()).meta({ example: ['services.read', 'services.logs'] }),
  customer_id: z.string().nullable(),
  address: z.string().meta({ description: 'Where the login came from', example: '203.0.113.7' }),
  user_agent: z.string().nullable().meta({ example: 'Mozilla/5.0' }),
  created_at: timestamp,
  last_used_at: timestamp,
  idle_expires_at: timestamp.meta({ description: 'When it ends unless it is used' }),
  expires_at: timestamp.meta({ description: 'When it ends in any case' }),
};

export const sessionView = z
  .object({ ...sessionFields, is_current: z.boolean().meta({ description: 'Whether this request came with it' }) })
  .meta({ id: 'Session' });
export const sessionPage = pageOf(sessionView);
export const currentSessionView = z
  .object({
    ...sessionFields,
    csrf_token: z.string().meta({ description: 'Goes into X-CSRF-Token of every write', example: 'b0Vv…' }),
  })
  .meta({ id: 'CurrentSession' });
export const loggedOutView = z
  .object({
    logout_url: z.string().nullable().meta({
      description: "Where the browser goes to end the session at the identity provider as well; null when there's none",
      example: 'https://id.example.com/realms/main/protocol/openid-connect/logout?client_id=longshore',
    }),
  })
  .meta({ id: 'LoggedOut' });

export const toSessionView = (session: Session, currentId: string): z.infer<typeof sessionView> => ({
  ...toFields(session),
  is_current: session.id === currentId,
});

export const toCurrentSessionView = (session: Session, csrfToken: string): z.infer<typeof currentSessionView> => ({
  ...toFields(session),
  csrf_token: csrfToken,
});

const toFields = (session: Session) => ({
  id: session.id,
  subject: session.subject,
  name: session.name,
  email: session.email,
  permissions: [...session.permissions],
  customer_id: session.customerId,
  address: session.address,
  user_agent: session.userAgent,
  created_at: toRfc3339(session.createdAt),
  last_used_at: toRfc3339(session.lastUsedAt),
  idle_expires_at: toRfc3339(session.idleEndsAt),
  expires_at: toRfc3339(session.expiresAt),
});
