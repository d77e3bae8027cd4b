// Who may come in: join tokens, keys, sessions and logins that have begun, as the stores give and take them.

export interface JoinTokenRecord {
  id: string;
  /** SHA-256 of the secret in hex. */
  secretHash: string;
  labels: Record<string, string>;
  maxUses: number;
  addressRange: string | null;
  createdBy: string;
  createdAt: number;
  expiresAt: number;
}

export interface KeyRecord {
  id: string;
  name: string;
  /** First characters of the secret, to tell keys apart. */
  hint: string;
  secretHash: string;
  permissions: string[];
  customerId: string | null;
  hostLabels: Record<string, string> | null;
  /** Requests a minute; null is the tier's default. */
  rateLimit: number | null;
  createdAt: number;
  expiresAt: number | null;
  lastUsedAt: number | null;
}

export interface SessionRecord {
  id: string;
  secretHash: string;
  /** Whoever vouched for the person; a subject is unique there. */
  issuer: string;
  subject: string;
  name: string;
  email: string | null;
  permissions: string[];
  customerId: string | null;
  /** Where the login came from. */
  address: string;
  userAgent: string | null;
  createdAt: number;
  expiresAt: number;
  lastUsedAt: number;
}

export interface LoginAttemptRecord {
  stateHash: string;
  browserHash: string;
  nonce: string;
  codeVerifier: string;
  returnTo: string;
  createdAt: number;
}
