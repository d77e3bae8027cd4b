// The gateway's store in memory, with the rules that the real one keeps in SQLite.
import { LongshoreError } from '#shared/errors.ts';
import { createJoinSecret, hashJoinSecret } from '#shared/protocol/identity.ts';
import type { AgentRegistry, EnrolRequest, KnownHost } from '../../control/agents/handshake.ts';

interface Token {
  secretHash: string;
  usesLeft: number;
  /** Keys it let in. */
  keys: Set<string>;
}

interface Host extends KnownHost {
  agentKey: string;
  tokenId: string;
}

export class MemoryRegistry implements AgentRegistry {
  readonly hosts = new Map<string, Host>();
  /** `connected host_1`, `disconnected host_1`… in order. */
  readonly calls: string[] = [];
  /** Runs inside `connected`, before it answers: for what happens meanwhile. */
  whileConnecting: (hostId: string) => void | Promise<void> = () => {};
  readonly #tokens = new Map<string, Token>();

  /** A new token; returns what goes into `lsj_…`. */
  addToken(uses = 1): { tokenId: string; secret: string } {
    const tokenId = `jtk_${this.#tokens.size + 1}`;
    const secret = createJoinSecret();
    this.#tokens.set(tokenId, { secretHash: hashJoinSecret(secret), usesLeft: uses, keys: new Set() });
    return { tokenId, secret };
  }

  revoke(hostId: string): void {
    const host = this.hosts.get(hostId);
    if (host) host.isRevoked = true;
  }

  findToken(tokenId: string): { secretHash: string } | undefined {
    return this.#tokens.get(tokenId);
  }

  findHostByKey(agentKey: string): KnownHost | undefined {
    return [...this.hosts.values()].find((host) => host.agentKey === agentKey);
  }

  enrol({ tokenId, agentKey }: EnrolRequest): Promise<KnownHost> {
    const known = this.findHostByKey(agentKey);
    if (known) return Promise.resolve(known); // the same (token, key); a revoked host stays revoked
    const token = this.#tokens.get(tokenId);
    if (!token || token.usesLeft === 0) return Promise.reject(new LongshoreError('token_invalid'));
    token.usesLeft -= 1;
    const host: Host = { hostId: `host_${this.hosts.size + 1}`, isRevoked: false, agentKey, tokenId };
    this.hosts.set(host.hostId, host);
    return Promise.resolve(host);
  }

  async connected(hostId: string): Promise<{ epoch: number; nextEventSeq: number }> {
    this.calls.push(`connected ${hostId}`);
    await this.whileConnecting(hostId);
    return { epoch: 1, nextEventSeq: 1 };
  }

  disconnected(hostId: string): void {
    this.calls.push(`disconnected ${hostId}`);
  }
}
