// Control's half of the handshake: who is calling, and may they. Transport-free; gateway.ts owns sockets and limits.
import { LongshoreError } from '#shared/errors.ts';
import type { Exchange } from '#shared/protocol/exchange.ts';
import {
  createChallenge,
  isSignedBy,
  negotiateVersion,
  provesSecret,
  readMessage,
  transcriptOf,
  type Proof,
} from '#shared/protocol/handshake.ts';
import { canonicalKey, type Identity } from '#shared/protocol/identity.ts';
import type { Clock } from '#shared/time.ts';
import type { Caller } from './sessions.ts';

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

/** What the gateway needs of the store. Implemented in control/app/hosts/hosts.ts over SQLite, in memory for tests. */
export interface AgentRegistry {
  /**
   * Any token that was ever made and not yet swept, also one that is used up or expired: the proof of the secret comes
   * first, `enrol` judges the rest. `secretHash` is SHA-256 of the secret in hex.
   */
  findToken(tokenId: string): { secretHash: string } | undefined;
  findHostByKey(agentKey: string): KnownHost | undefined;
  /**
   * Makes the host, or finds it: the same (token, key) again gives the same host also when the token is used up.
   * Throws `token_invalid` when the token is expired, used up or not for this address. For the key of a revoked host
   * the token it joined with stays worthless (`revoked`); a newer one may bring it back.
   */
  enrol(request: EnrolRequest): Promise<KnownHost>;
  /** Commits that the host is here, then says what it is welcomed with. Called before any onConnect listener. */
  connected(hostId: string, proof: Proof, remoteAddress: string): Promise<{ epoch: number; nextEventSeq: number }>;
  /** Once for each `connected`, also when the socket died before the welcome went out. */
  disconnected(hostId: string): void;
}

export interface HandshakeDeps {
  identity: Identity;
  registry: AgentRegistry;
  clock: Clock;
  /** Other than this build's in tests of the version rules. */
  versions: readonly number[];
}

/**
 * Proves control to the caller and the caller to control, enrols a new host. Throws `protocol_violation`,
 * `unsupported`, `handshake_failed`, `token_invalid`, `revoked`, `timed_out` or what the socket closed with.
 */
export async function authenticate(exchange: Exchange, remoteAddress: string, deps: HandshakeDeps): Promise<Caller> {
  const helloText = await exchange.next();
  const version = requireVersion(readMessage('hello', helloText).versions, deps.versions);
  const challengeText = exchange.send(createChallenge(deps.identity, helloText, version));
  const proof = readMessage('proof', await exchange.next());
  const transcript = transcriptOf(helloText, challengeText);
  const agentKey = await requireSignature(proof, transcript);
  const host = await identify({ agentKey, proof, transcript, remoteAddress }, deps.registry);
  if (host.isRevoked) throw new LongshoreError('revoked');
  return { hostId: host.hostId, agentKey, proof, remoteAddress, connectedAt: deps.clock.now() };
}

function requireVersion(theirs: readonly number[], ours: readonly number[]): number {
  const version = negotiateVersion(theirs, ours);
  if (version !== undefined) return version;
  const isAgentOld = Math.max(...theirs) < Math.min(...ours);
  throw new LongshoreError('unsupported', {
    message: `No protocol version in common: the agent speaks ${theirs.join(', ')}, the control plane ${ours.join(', ')}`,
    details: isAgentOld ? 'Upgrade the agent on this host' : 'Upgrade the control plane',
  });
}

/** The same words whatever is wrong: a caller that guesses learns nothing. */
async function requireSignature(proof: Proof, transcript: Buffer): Promise<string> {
  const agentKey = canonicalKey(proof.agentKey);
  if (agentKey && (await isSignedBy(agentKey, transcript, proof.signature))) return agentKey;
  throw new LongshoreError('handshake_failed');
}

interface Claim {
  agentKey: string;
  proof: Proof;
  transcript: Buffer;
  remoteAddress: string;
}

/** A host that is in already needs no token: it may repeat an old one because the first welcome got lost. */
async function identify(
  { agentKey, proof, transcript, remoteAddress }: Claim,
  registry: AgentRegistry,
): Promise<KnownHost> {
  const known = registry.findHostByKey(agentKey);
  if (known && !(known.isRevoked && proof.enrol)) return known;
  if (!proof.enrol) throw new LongshoreError('handshake_failed');
  const { tokenId, mac } = proof.enrol;
  const token = registry.findToken(tokenId);
  if (!token || !provesSecret(mac, token.secretHash, transcript, agentKey)) throw new LongshoreError('token_invalid');
  return await registry.enrol({ tokenId, agentKey, remoteAddress, proof });
}
