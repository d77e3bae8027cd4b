// Newer images of a service, and when it takes them by itself, as the API shows and takes them.
import { z } from 'zod';
import { WEEKDAYS, type AutoUpdate } from '#shared/auto-update.ts';
import { IMAGE_STATES, type ImageCheck } from '#shared/image-updates.ts';
import { toRfc3339 } from '#shared/time.ts';
import { isTimeZone } from '#shared/zoned-time.ts';
import { timestamp } from './page.ts';

const digest = z.string().nullable().meta({ example: 'sha256:8a5a1f2d' });

const updateView = z
  .object({
    service: z.string().meta({ description: 'Its service in the compose file', example: 'web' }),
    image: z.string().meta({ example: 'nginx:1.28' }),
    state: z
      .enum(IMAGE_STATES)
      .meta({ description: '`fixed`: named by digest, or built on the host', example: 'newer' }),
    current_digest: digest,
    newest_digest: digest.meta({ description: 'What the name stands for at its registry; null: not known' }),
    reason: z.string().nullable().meta({ description: 'Why it is unknown', example: null }),
  })
  .meta({ id: 'ImageUpdate' });

export const updateAvailable = z
  .boolean()
  .nullable()
  .meta({ description: 'Whether a registry has a newer image; null: not known', example: false });

export const updatesFields = {
  updates: z.array(updateView).meta({ description: 'Each image, as its host last found it', example: [] }),
  updates_checked_at: timestamp.nullable(),
};

export const toUpdates = (updates: { images: ImageCheck[]; checkedAt: number } | null) => ({
  updates: (updates?.images ?? []).map((check) => ({
    service: check.service,
    image: check.image,
    state: check.state,
    current_digest: check.currentDigest,
    newest_digest: check.newestDigest,
    reason: check.reason,
  })),
  updates_checked_at: updates ? toRfc3339(updates.checkedAt) : null,
});

export const checkedUpdatesView = z
  .object({ id: z.string().meta({ example: 'svc_abc123' }), update_available: updateAvailable, ...updatesFields })
  .meta({ id: 'CheckedUpdates' });

/** Below it nothing gets done; a day is all there is of it. */
const [MIN_MINUTES, MAX_MINUTES] = [15, 24 * 60];

export const autoUpdateBody = z
  .strictObject({
    window: z.strictObject({
      days: z
        .array(z.enum(WEEKDAYS))
        .min(1)
        .max(WEEKDAYS.length)
        .optional()
        .meta({ description: 'On which it opens; absent: every day', example: ['sat', 'sun'] }),
      start: z
        .string()
        .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'Use a time of day such as 02:00')
        .meta({ example: '02:00' }),
      duration_minutes: z.number().int().min(MIN_MINUTES).max(MAX_MINUTES).meta({ example: 240 }),
      time_zone: z
        .string()
        .max(64)
        .refine(isTimeZone, 'Use a name such as Europe/Berlin')
        .meta({ example: 'Europe/Berlin' }),
    }),
  })
  .meta({
    id: 'AutoUpdate',
    description: 'Newer images are deployed while the window is open; those that fail are put back and not tried again',
  });

export const fromAutoUpdateBody = ({ window }: z.infer<typeof autoUpdateBody>): AutoUpdate => ({
  window: {
    ...(window.days && { days: window.days }),
    start: window.start,
    durationMinutes: window.duration_minutes,
    timeZone: window.time_zone,
  },
});

export const toAutoUpdateView = ({ window }: AutoUpdate): z.infer<typeof autoUpdateBody> => ({
  window: {
    ...(window.days && { days: window.days }),
    start: window.start,
    duration_minutes: window.durationMinutes,
    time_zone: window.timeZone,
  },
});
