// Control's half of the handshake: who is calling, and may they. Transport-free; gateway.ts owns sockets and limits.
import type { Proof } from '#shared/protocol/handshake.ts';

/** What the store knows of a host's key. */
export interface KnownHost {
  hostId: string;
  isRevoked: boolean;
}

export interface EnrolRequest {
  tokenId: string;
  /** The host's public key: SPKI DER in base64url without padding. One key has exactly one such text. */
  agentKey: string;
  remoteAddress: string;
  proof: Proof;
}

/** What the gateway needs of the store. Implemented in control/app/hosts.ts over SQLite, in memory for tests. */
export interface AgentRegistry {
  /**
   * Any token that was ever made and not yet swept, also one that is used up or expired: the proof of the secret comes
   * first, `enrol` judges the rest. `secretHash` is SHA-256 of the secret in hex.
   */
  findToken(tokenId: string): { secretHash: string } | undefined;
  findHostByKey(agentKey: string): KnownHost | undefined;
  /**
   * Makes the host, or finds it: the same (token, key) again gives the same host also when the token is used up.
   * Throws `token_invalid` when the token is expired, used up or not for this address.
   */
  enrol(request: EnrolRequest): Promise<KnownHost>;
  /** Commits that the host is here, then says what it is welcomed with. Called before any onConnect listener. */
  connected(hostId: string, proof: Proof, remoteAddress: string): Promise<{ epoch: number; nextEventSeq: number }>;
  /** Once for each `connected`, also when the socket died before the welcome went out. */
  disconnected(hostId: string): void;
}
