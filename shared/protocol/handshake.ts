import type { z } from 'zod';
import { handshake } from './schema.ts';

export type Proof = z.infer<ReturnType<typeof handshake.proof>>;
export type Welcome = z.infer<ReturnType<typeof handshake.welcome>>;
