// What lets a caller in, be it an API key or a session.
import type { Caller } from './caller.ts';

export interface Credentials {
  /** Undefined for a secret that is missing, malformed, unknown, revoked or expired, after the same work. */
  identify(secret: string): Caller | undefined;
  /** Whether it would still be let in. */
  isLive(id: string): boolean;
  /** Called with the id when it is revoked or expires: the sockets it opened must go. */
  onRevoked(listener: (id: string) => void): () => void;
}
