// Requests a minute, in buckets: by address for those without a valid key and for downloads, by key, and by key for deploys. Every
// answer that was counted says so in its headers, also a refusal; the reset is a Unix time, as the documents show it.
// Where clients expect an hour the headers are of buckets of an hour, which hold as much as sixty minutes, and the minute
// counts besides: nobody gets more by asking there.
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LongshoreError } from '#shared/errors.ts';
import type { Clock } from '#shared/time.ts';
import { callerOf } from './auth.ts';
import type { RateLimits } from './deps.ts';
import { pathOf } from './errors.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Addresses, or keys, that are counted at once; the least recently seen is forgotten first. ~100 bytes each. */
const COUNTED = 20_000;
/** A host asks for three or four files of a release, and hundreds may stand behind one address. */
const DOWNLOADS = 20;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `none` for what probes and agents call: they have limits of their own. Default: `general`. */
    limit?: 'general' | 'deploy' | 'download' | 'none';
  }
}

const byKey = (request: FastifyRequest): string => callerOf(request).keyId;

export type CountRequest = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

type Limiter = ReturnType<FastifyInstance['createRateLimit']>;

/**
 * `countsByHour`: whether the clients of a path expect that. Returns what counts a request that meets no hook: one whose
 * URL cannot be read. Throws `rate_limited` like the hook.
 */
export async function limitRates(
  http: FastifyInstance,
  limits: RateLimits,
  { clock, countsByHour }: { clock: Clock; countsByHour: (path: string) => boolean },
): Promise<CountRequest> {
  await http.register(rateLimit, { global: false, cache: COUNTED });
  const minute = createBuckets(http, limits, MINUTE_MS);
  const hour = createBuckets(http, limits, HOUR_MS);
  const countIn = async (bucket: keyof typeof minute, request: FastifyRequest, reply: FastifyReply) => {
    if (!countsByHour(pathOf(request))) return requireRoom(show(await minute[bucket](request), reply, clock));
    // Both in any case: what one refuses counts in the other.
    const [ofHour, ofMinute] = [await hour[bucket](request), await minute[bucket](request)];
    requireRoom(show(ofHour, reply, clock));
    requireRoom(ofMinute);
  };
  http.addHook('onRequest', async (request, reply) => {
    const { limit = 'general' } = request.routeOptions.config;
    if (limit !== 'none') await countIn(request.caller || limit === 'download' ? limit : 'anonymous', request, reply);
  });
  return (request, reply) => countIn('anonymous', request, reply);
}

function createBuckets(http: FastifyInstance, limits: RateLimits, timeWindow: number) {
  const minutes = timeWindow / MINUTE_MS;
  const general = (request: FastifyRequest) => (callerOf(request).rateLimit ?? limits.authenticated) * minutes;
  return {
    anonymous: http.createRateLimit({ max: limits.anonymous * minutes, timeWindow }), // by address, IPv6 by its /64
    general: http.createRateLimit({ max: general, timeWindow, keyGenerator: byKey }),
    deploy: http.createRateLimit({ max: limits.deploy * minutes, timeWindow, keyGenerator: byKey }),
    download: http.createRateLimit({ max: limits.anonymous * DOWNLOADS * minutes, timeWindow }),
  };
}

type Counted = Awaited<ReturnType<Limiter>>;

function show(counted: Counted, reply: FastifyReply, clock: Clock): Counted {
  if (counted.isAllowed) return counted; // only addresses on an allow list, and we have none
  reply.header('x-ratelimit-limit', counted.max);
  reply.header('x-ratelimit-remaining', counted.remaining);
  reply.header('x-ratelimit-reset', Math.ceil((clock.now() + counted.ttl) / 1000));
  return counted;
}

function requireRoom(counted: Counted): void {
  if (counted.isAllowed || !counted.isExceeded) return;
  throw new LongshoreError('rate_limited', { retryAfter: Math.max(1, counted.ttlInSeconds) });
}
