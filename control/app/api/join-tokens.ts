// The tokens that let hosts in, as the app layer offers them.
import type { Caller } from './caller.ts';
import type { Host } from './hosts.ts';
import type { Page, Paging, Order } from './page.ts';

export interface NewJoinToken {
  labels?: Record<string, string> | undefined;
  /** 1–1000, default 1. */
  uses?: number | undefined;
  /** Seconds, ≤ 86 400, default 3600. */
  expiresInS?: number | undefined;
  /** Addresses in CIDR form the host may call from. */
  addressRange?: string | undefined;
}

/** `token` is shown once. */
export interface MadeJoinToken {
  id: string;
  token: string;
  expiresAt: number;
  /** Where the host will find control, and by which TLS key it knows it, see shared/tls-pin.ts. */
  url: string;
  tlsPin: string | null;
  /** The line to run on the host, and the same for machines without anybody at their terminal. */
  command: string;
  cloudInit: string;
  ansible: string;
}

export interface JoinRefusal {
  at: number;
  address: string;
  reason: string;
}

export interface JoinToken {
  id: string;
  status: 'open' | 'used_up' | 'expired';
  labels: Record<string, string>;
  maxUses: number;
  uses: number;
  addressRange: string | null;
  createdAt: number;
  expiresAt: number;
  /** Why it did not let somebody in when it was tried last; null when that did not happen since control started. */
  refusal: JoinRefusal | null;
}

export interface JoinTokens {
  create(caller: Caller, input: NewJoinToken): Promise<MadeJoinToken>;
  /** The oldest first unless asked otherwise; also those that ended a while ago. */
  list(caller: Caller, query: Paging & { order?: Order | undefined }): Page<JoinToken>;
  /** With the hosts that came in by it. */
  require(caller: Caller, id: string): JoinToken & { hosts: Host[] };
  /** It lets nobody in any more; hosts that are in stay. */
  end(caller: Caller, id: string): Promise<void>;
}
