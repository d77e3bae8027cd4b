// Durations and moments as people type them: 90s, 10m, 2h, 1d, or an RFC 3339 time.
import { LongshoreError } from '#shared/errors.ts';

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/** Milliseconds; throws `bad_request` naming the flag. */
export function parseDuration(text: string, flag: string): number {
  const parts = /^(\d{1,6})(s|m|h|d)$/.exec(text);
  const unit = parts?.[2] as keyof typeof UNIT_MS | undefined;
  if (unit) return Number(parts?.[1]) * UNIT_MS[unit];
  throw new LongshoreError('bad_request', {
    message: `${flag} "${text}" is not a duration such as 90s, 10m, 2h or 1d`,
  });
}

export const parseSeconds = (text: string, flag: string): number => parseDuration(text, flag) / 1000;

/** An RFC 3339 time: given as one, or as how long ago. */
export function parseSince(text: string, nowMs: number): string {
  if (RFC3339.test(text) && !Number.isNaN(Date.parse(text))) return text;
  if (/^\d+[smhd]$/.test(text)) return new Date(nowMs - parseDuration(text, '--since')).toISOString();
  const example = '10m or 2026-03-29T14:30:00Z';
  throw new LongshoreError('bad_request', {
    message: `--since "${text}" is neither a duration nor a time: use ${example}`,
  });
}

/** How long ago, short: 5s, 12m, 3h, 41d. */
export function formatAge(rfc3339: string | null, nowMs: number): string | null {
  if (rfc3339 === null) return null;
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(rfc3339)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
