// What answers to the names of services on a host, as control wants it and the host tells of it. The rules of schema.ts
// hold here too.
import * as z from 'zod';
import { lazy, moment, wireError } from './parts.ts';

export const EDGES = ['none', 'caddy'] as const;
export type EdgeKind = (typeof EDGES)[number];

const hostname = () => z.string().max(253);

/** Where a name leads. */
export const edgeRoute = lazy(() =>
  z.object({
    /** Lower case, in the letters of DNS. */
    hostname: hostname(),
    serviceId: z.string(),
    /** Of the compose file; null: the host finds the one that answers. */
    service: z.string().max(255).nullable(),
    /** Inside the container; null: likewise. */
    port: z.number().int().min(1).max(65_535).nullable(),
    /** Answered with a permanent redirect there, path and query kept; null: with the service. */
    redirectTo: hostname().nullable(),
    /** Of `certificates`; null: one is asked for. */
    certificateId: z.string().max(64).nullable(),
  }),
);
export type EdgeRoute = z.infer<ReturnType<typeof edgeRoute>>;

/** All of it, always, in one command or in several: the latest one counts. */
export const edgeState = lazy(() =>
  z.object({
    revision: z.number().int().min(1),
    edge: z.enum(EDGES),
    issuer: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('acme'), email: z.string().nullable(), directory: z.string().nullable() }),
      /** Caddy's own authority: nobody else trusts it. */
      z.object({ kind: z.literal('internal') }),
    ]),
    routes: z.array(edgeRoute()).max(5_000),
    /** Uploaded ones, PEM. */
    certificates: z.array(
      z.object({ id: z.string().max(64), certificate: z.string().max(65_536), key: z.string().max(16_384) }),
    ),
  }),
);
export type EdgeState = z.infer<ReturnType<typeof edgeState>>;

/** Of a state that one frame does not hold: routes and certificates of all parts are one list each. In their order. */
export const edgePart = lazy(() => z.object({ index: z.number().int().min(0), of: z.number().int().min(1) }));
export type EdgePart = z.infer<ReturnType<typeof edgePart>>;

/** How it stands on the host; the latest one counts. */
export const edgeStatus = lazy(() =>
  z.object({
    /** That was put in place last; 0: none. */
    revision: z.number().int(),
    /** Why the edge does not run or does not have the latest revision. */
    fault: wireError().nullable(),
    /** What is there to be said of a name. */
    names: z.array(
      z.object({
        hostname: hostname(),
        /** Why nothing answers to it; null: something does. */
        fault: wireError().nullable(),
        certificate: z.object({
          state: z.enum(['none', 'pending', 'issued', 'failed']),
          issuer: z.string().max(256).nullable(),
          notAfter: moment().nullable(),
          error: z.string().max(1024).nullable(),
          /** It is the uploaded one that this is said of. */
          isUploaded: z.boolean().optional(),
        }),
      }),
    ),
    at: moment(),
  }),
);
export type EdgeStatus = z.infer<ReturnType<typeof edgeStatus>>;
