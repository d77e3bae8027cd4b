// Requests a minute, in three buckets: by address for those without a valid key, by key, and by key for deploys. Every
// answer that was counted says so in its headers, also a refusal; the reset is a Unix time, as the documents show it.
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LongshoreError } from '#shared/errors.ts';
import type { Clock } from '#shared/time.ts';
import { callerOf } from './auth.ts';
import type { RateLimits } from './deps.ts';

const WINDOW_MS = 60_000;
/** Addresses, or keys, that are counted at once; the least recently seen is forgotten first. ~100 bytes each. */
const COUNTED = 20_000;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `none` for what probes and agents call: they have limits of their own. Default: `general`. */
    limit?: 'general' | 'deploy' | 'none';
  }
}

const byKey = (request: FastifyRequest): string => callerOf(request).keyId;

export type CountRequest = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

type Limiter = ReturnType<FastifyInstance['createRateLimit']>;

/** Returns what counts a request that meets no hook: one whose URL cannot be read. Throws `rate_limited` like the hook. */
export async function limitRates(http: FastifyInstance, limits: RateLimits, clock: Clock): Promise<CountRequest> {
  await http.register(rateLimit, { global: false, cache: COUNTED });
  const bucket = (max: number | ((request: FastifyRequest) => number), keyGenerator: (r: FastifyRequest) => string) =>
    http.createRateLimit({ max, timeWindow: WINDOW_MS, keyGenerator });
  const buckets = {
    anonymous: http.createRateLimit({ max: limits.anonymous, timeWindow: WINDOW_MS }), // by address, IPv6 by its /64
    general: bucket((request) => callerOf(request).rateLimit ?? limits.authenticated, byKey),
    deploy: bucket(limits.deploy, byKey),
  };
  http.addHook('onRequest', async (request, reply) => {
    const { limit = 'general' } = request.routeOptions.config;
    if (limit === 'none') return;
    await count(request.caller ? buckets[limit] : buckets.anonymous, request, reply, clock);
  });
  return (request, reply) => count(buckets.anonymous, request, reply, clock);
}

async function count(limiter: Limiter, request: FastifyRequest, reply: FastifyReply, clock: Clock): Promise<void> {
  const counted = await limiter(request);
  if (counted.isAllowed) return; // only addresses on an allow list, and we have none
  const { max, remaining, ttl, ttlInSeconds, isExceeded } = counted;
  reply.header('x-ratelimit-limit', max);
  reply.header('x-ratelimit-remaining', remaining);
  reply.header('x-ratelimit-reset', Math.ceil((clock.now() + ttl) / 1000));
  if (isExceeded) throw new LongshoreError('rate_limited', { retryAfter: Math.max(1, ttlInSeconds) });
}
