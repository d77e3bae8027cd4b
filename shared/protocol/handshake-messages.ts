// The messages of the handshake, before the peer starts; handshake.ts says what of them is signed. Append-only, like the
// rest of the protocol in schema.ts.
import * as z from 'zod';
import { base64, hostFacts, lazy, seq, wireError } from './parts.ts';

export const handshake = {
  /** agent → control, first. Nothing secret. */
  hello: lazy(() =>
    z.object({ type: z.literal('hello'), versions: z.array(z.number().int()).min(1).max(16), nonce: base64() }),
  ),
  /** control → agent: proves the pinned key over the hello. */
  challenge: lazy(() =>
    z.object({
      type: z.literal('challenge'),
      version: z.number().int(),
      controlKey: base64(),
      nonce: base64(),
      signature: base64(),
    }),
  ),
  /** agent → control: proves its own key over hello and challenge; `enrol` only the first time. */
  proof: lazy(() =>
    z.object({
      type: z.literal('proof'),
      agentKey: base64(),
      signature: base64(),
      enrol: z.object({ tokenId: z.string().max(64), mac: base64() }).optional(),
      bootId: z.string().max(64),
      instanceId: z.string().max(64),
      connection: z.number().int().positive(),
      /** Highest command committed on the host. */
      commandSeq: seq(),
      /** Range of events the outbox can still send; `first > last` when it is empty. */
      events: z.object({ first: seq(), last: seq() }),
      /** Highest epoch the host has seen. */
      epoch: seq(),
      openJobs: z.array(z.string()).max(10_000),
      services: z
        .array(
          z.object({
            serviceId: z.string(),
            revision: z.number().int().nullable(),
            /** Absent: a host that is too old to say. */
            isEnabled: z.boolean().optional(),
          }),
        )
        .max(10_000),
      facts: hostFacts(),
    }),
  ),
  /** control → agent: the link is up. */
  welcome: lazy(() =>
    z.object({
      type: z.literal('welcome'),
      hostId: z.string(),
      epoch: seq(),
      /** The next event control wants. */
      nextEventSeq: seq(),
    }),
  ),
  /** control → agent, before closing: why, and when to come back. */
  refusal: lazy(() => z.object({ type: z.literal('refusal'), error: wireError(), retryAfterS: z.number().optional() })),
} as const;
