// The decisions behind webhooks: which events, when again, when not, and what a receiver is told.
import { readFileSync } from 'node:fs';
import t from 'tap';
import type { JobKind } from '#shared/jobs.ts';
import { afterFailure, CLOSED, positionOf } from '../../control/app/webhooks/breaker.ts';
import { EVENT_TYPES, toEventTypes } from '../../control/app/webhooks/event-types.ts';
import { isPattern, matchesAny } from '../../control/app/webhooks/patterns.ts';
import { nextTryAt, readRetryAfter } from '../../control/app/webhooks/retry.ts';
import { createWebhookSecret, signedHeaders } from '../../control/app/webhooks/sign.ts';
import { outcomeOf, problemOf, toAttempt } from '../../control/app/webhooks/verdict.ts';
import type { AttemptResult } from '../../control/app/api/webhooks.ts';
import { Webhook as Verifier } from 'standardwebhooks';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

t.test('docs/webhooks.md lists every type of event as the code has it', async (t) => {
  const text = readFileSync(new URL('../../docs/webhooks.md', import.meta.url), 'utf8');
  const documented = [...text.matchAll(/^\| `(\w+\.\w+)` \| .+ \|$/gm)].map((row) => row[1]);
  t.strictSame(documented, [...EVENT_TYPES]);
});

t.test('a pattern is a type, a group or all', async (t) => {
  t.ok(EVENT_TYPES.every((type) => isPattern(type)));
  for (const pattern of ['*', 'deploy.*', 'service.*', 'host.*', 'health.*', 'backup.*', 'schedule.*'])
    t.ok(isPattern(pattern), pattern);
  for (const text of ['', 'deploy', 'deploy.', 'deploy.nothing', '*.failed', 'nothing.*', 'deploy.*.*', '.*', '**'])
    t.notOk(isPattern(text), text);
  t.ok(matchesAny(['host.*', 'deploy.failed'], 'deploy.failed'));
  t.notOk(matchesAny(['host.*', 'deploy.failed'], 'deploy.succeeded'));
  t.notOk(matchesAny([], 'deploy.succeeded'));
});

t.test('each event of the timeline is told as something', async (t) => {
  type More = { serviceId?: string | null; rolledBackTo?: number; kind?: JobKind };
  const told = (type: string, status: string, more: More = {}) => {
    const { serviceId = 'svc_1', rolledBackTo = null, kind = 'deploy' } = more;
    return toEventTypes({ type, status, serviceId }, { rolledBackTo, kind }).join(' + ');
  };
  const ofHost = { serviceId: null };
  t.strictSame(
    [
      told('deploy', 'started'),
      told('deploy', 'success'),
      told('deploy', 'failed'),
      told('deploy', 'failed', { rolledBackTo: 3 }),
      told('deploy', 'success', { rolledBackTo: 3 }),
      told('deploy', 'success', { kind: 'rollback' }),
      told('stop', 'success'),
      told('stop', 'expired'),
      told('remove', 'success'),
      told('remove', 'failed'),
      told('health', 'unhealthy'),
      told('status', 'failed'),
      told('something', 'new'),
      told('host', 'offline', ofHost),
      told('host', 'gap', ofHost),
    ],
    [
      'deploy.started',
      'deploy.succeeded',
      'deploy.failed',
      'deploy.failed + deploy.rolled_back',
      'deploy.succeeded',
      'deploy.succeeded + deploy.rolled_back',
      'service.stopped',
      'service.stop_failed',
      'service.deleted',
      'service.delete_failed',
      'health.unhealthy',
      'service.status_changed',
      'service.event',
      'host.offline',
      'host.event',
    ],
  );
});

t.test('F44: five tries, ten times as far apart each, within a day', async (t) => {
  const waits = [1, 2, 3, 4, 5].map((tries) => nextTryAt({ tries, askedAt: 0 }, 0, 0));
  t.strictSame(waits, [MINUTE, 10 * MINUTE, 2 * HOUR, 20 * HOUR + 49 * MINUTE, null]);
  const sum = waits.reduce<number>((total, wait) => total + (wait ?? 0), 0);
  t.ok(sum < DAY && sum > 22 * HOUR);
  t.equal(nextTryAt({ tries: 2, askedAt: 0 }, 0, 0.5), 9.5 * MINUTE, 'chance makes it sooner, never later');
  t.equal(nextTryAt({ tries: 1, askedAt: 0 }, DAY, 0), null, 'the day is over');
  t.equal(nextTryAt({ tries: 1, askedAt: 0 }, HOUR, 0, 3 * HOUR), 4 * HOUR, 'as the receiver asked');
  t.equal(nextTryAt({ tries: 1, askedAt: 0 }, HOUR, 0, 3 * DAY), DAY, 'as far as the day goes');
  t.equal(nextTryAt({ tries: 2, askedAt: 0 }, HOUR, 0, SECOND), HOUR + 10 * MINUTE, 'never sooner than planned');
});

t.test('Retry-After is seconds or a date', async (t) => {
  const now = Date.parse('2026-11-21T10:00:00Z');
  t.equal(readRetryAfter('120', now), 120 * SECOND);
  t.equal(readRetryAfter('Sat, 21 Nov 2026 10:01:00 GMT', now), MINUTE);
  for (const nothing of [undefined, '', 'soon', '-1', 'Sat, 21 Nov 2026 09:00:00 GMT'])
    t.equal(readRetryAfter(nothing, now), 0, nothing ?? 'no header');
});

t.test('F44: the breaker opens at the fifth failure, for twice as long each time, 15 minutes at most', async (t) => {
  let state = CLOSED;
  const pauses: (number | null)[] = [];
  for (let i = 0; i < 12; i++) {
    state = afterFailure(state, 0);
    pauses.push(state.openUntil);
  }
  const seconds = pauses.map((pause) => pause && pause / SECOND);
  t.strictSame(seconds, [null, null, null, null, 30, 60, 120, 240, 480, 900, 900, 900]);
  t.equal(positionOf(CLOSED, 0), 'closed');
  t.equal(positionOf({ failures: 5, openUntil: 30 }, 29), 'open');
  t.equal(positionOf({ failures: 5, openUntil: 30 }, 30), 'half_open');
});

const reply = (status: number, headers: Record<string, string> = {}, body = ''): AttemptResult => ({
  at: 0,
  durationMs: 5,
  reply: { status, headers, body: Buffer.from(body), isCut: false },
  error: null,
});
const PENDING = { tries: 0, askedAt: 0, state: 'pending' as const };

t.test('what an attempt came to', async (t) => {
  t.equal(problemOf(reply(204)), null);
  t.match(problemOf(reply(302)), /redirects are not followed/);
  t.match(problemOf(reply(404)), /404/);
  t.equal(
    problemOf({ at: 0, durationMs: 0, reply: null, error: 'The connection was refused' }),
    'The connection was refused',
  );

  t.match(outcomeOf(PENDING, reply(200), 7, 0), { state: 'delivered', tries: 1, nextAt: null, finishedAt: 7 });
  t.match(outcomeOf(PENDING, reply(500), 7, 0), { state: 'pending', tries: 1, nextAt: MINUTE + 7, finishedAt: null });
  t.match(outcomeOf(PENDING, reply(410), 7, 0), { state: 'failed', tries: 1, nextAt: null, finishedAt: 7 });
  t.match(outcomeOf({ ...PENDING, tries: 4 }, reply(500), 7, 0), { state: 'failed', tries: 5, error: /last of 5/ });
});

t.test('what was dropped while its attempt was under way is delivered or stays dropped', async (t) => {
  const dropped = { ...PENDING, state: 'dropped' as const };
  t.match(outcomeOf(dropped, reply(200), 7, 0), { state: 'delivered' });
  t.match(outcomeOf(dropped, reply(500), 7, 0), { state: 'dropped', nextAt: null });
});

t.test('of a reply 4 KiB are kept', async (t) => {
  const attempt = toAttempt(
    { url: 'https://example.com/', headers: {} },
    reply(200, { a: 'b'.repeat(5000) }, 'x'.repeat(5000)),
  );
  t.equal(attempt.replyBody?.length, 4096);
  t.equal(attempt.isCut, true);
  t.equal(attempt.replyHeaders?.['a']?.length, 1024);
});

t.test('a message is signed with each secret that is valid', async (t) => {
  const secrets = [createWebhookSecret(), createWebhookSecret()];
  const message = { id: 'msg_1', body: '{"a":1}' };
  const headers = signedHeaders(message, secrets, Date.now());
  for (const secret of secrets) t.strictSame(new Verifier(secret).verify(message.body, headers), { a: 1 });
  t.throws(() => new Verifier(createWebhookSecret()).verify(message.body, headers));
  t.throws(() => new Verifier(secrets[0] ?? '').verify('{"a":2}', headers));
});
