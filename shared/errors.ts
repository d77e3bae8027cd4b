// Every error a user or the other side of the wire can meet, in one table. HTTP status is chosen here and nowhere
// else; `message` is the public text, `cause` stays in the log. docs/errors.md is compared with this table by a test.

interface ErrorKind {
  /** HTTP status of the answer. */
  status: number;
  /** Whether the same request may succeed later without a change. */
  retryable: boolean;
  /** Public text when the thrower gives none. */
  message: string;
}

const kind = (status: number, message: string, retryable = false): ErrorKind => ({ status, retryable, message });

export const ERRORS = {
  // what came in
  invalid_json: kind(400, 'The body is not valid JSON'),
  invalid_query: kind(400, 'A query parameter is not valid'),
  too_deep: kind(400, 'The body is nested too deeply'),
  credential_in_url: kind(400, 'Send the API key in the Authorization header, not in the URL'),
  bad_request: kind(400, 'The request is not valid'),
  unauthorized: kind(401, 'Missing or invalid API key'),
  csrf: kind(403, 'This request did not come from the panel itself'),
  oidc_state_invalid: kind(400, 'The login was not started here, is too old or was used before'),
  oidc_failed: kind(502, 'The identity provider did not let this login through'),
  forbidden: kind(403, 'The API key lacks a permission'),
  exec_denied: kind(403, "The host's policy does not allow running programs in this service"),
  not_found: kind(404, 'Not found'),
  method_not_allowed: kind(405, 'This method is not available here'),
  payload_too_large: kind(413, 'The body is too large'),
  unsupported_media_type: kind(415, 'Send application/json without a content encoding'),
  validation_error: kind(422, 'Validation failed'),
  compose_invalid: kind(422, 'The compose file is not valid'),
  compose_policy: kind(422, 'The compose file asks for something the policy refuses'),
  yaml_resource_limit: kind(422, 'The YAML document exceeds a limit'),
  unsafe_git_url: kind(422, 'This Git URL is not allowed'),
  git_failed: kind(422, 'The Git repository could not be fetched'),
  repo_limit: kind(422, 'The Git repository exceeds a limit'),
  no_build_recipe: kind(422, 'The repository has nothing that tells how to run it'),
  ai_failed: kind(422, 'The AI gave no answer that can be used'),
  ai_unavailable: kind(503, 'The AI endpoint does not answer', true),
  template_variable: kind(422, 'A template variable is missing or not valid'),
  template_invalid: kind(422, 'The template is not valid'),
  invalid_schedule: kind(422, 'The schedule is not valid'),
  egress_denied: kind(422, 'This address must not be called'),
  egress_failed: kind(502, 'The other side did not answer as it should', true),
  dns_refused: kind(422, 'The DNS provider refused'),
  dns_conflict: kind(409, 'The name has DNS records that Longshore did not make'),
  registry_login_failed: kind(422, 'The registry refused the credentials'),
  rate_limited: kind(429, 'Too many requests', true),
  too_many_sockets: kind(429, 'Too many open WebSockets', true),
  // state
  name_taken: kind(409, 'The name is taken'),
  name_ambiguous: kind(409, 'Several have this name'),
  state_conflict: kind(409, 'The current state does not allow this'),
  plan_limit: kind(409, "The customer's plan does not allow more"),
  customer_suspended: kind(409, 'The customer is suspended'),
  in_use: kind(409, 'Something still uses this'),
  service_busy: kind(409, 'Another job is under way', true),
  idempotency_mismatch: kind(409, 'The Idempotency-Key was used with another request'),
  host_offline: kind(409, 'The host is not connected', true),
  host_cordoned: kind(409, 'The host takes no new services', true),
  host_drained: kind(409, 'The host is drained', true),
  no_host: kind(409, 'No host fits', true),
  host_disk_full: kind(409, 'The host has no disk space left', true),
  port_taken: kind(409, 'A host port is taken'),
  not_supported: kind(501, 'Not supported'),
  // a job's end
  image_unavailable: kind(422, 'An image could not be pulled'),
  build_failed: kind(422, 'A build failed'),
  apply_failed: kind(409, 'Docker Compose failed'),
  unhealthy: kind(409, 'The service did not become healthy'),
  exited: kind(409, 'A container exited'),
  timed_out: kind(409, 'The time limit passed', true),
  interrupted: kind(409, 'The work was interrupted', true),
  cancelled: kind(409, 'The job was cancelled'),
  superseded: kind(409, 'A newer job took its place'),
  expired: kind(409, 'The job expired before it was started'),
  restic_missing: kind(409, 'The host has no restic 0.17 or newer'),
  backup_failed: kind(409, 'A backup failed'),
  archive_rejected: kind(422, 'The backup holds something that is not restored'),
  restore_failed: kind(409, 'A restore failed; the data is as it was'),
  volume_denied: kind(409, 'The agent may not read or write a volume'),
  docker_unavailable: kind(409, 'Docker does not answer on the host', true),
  docker_error: kind(409, 'Docker refused the operation'),
  // the agent link
  stale: kind(409, 'The command is older than what the host knows'),
  unsupported: kind(501, 'The other side does not know this'),
  protocol_violation: kind(400, 'The message breaks the protocol'),
  link_closed: kind(409, 'The connection to the host closed', true),
  handshake_failed: kind(401, 'The handshake failed'),
  tls_untrusted: kind(502, 'The certificate of the other side is not trusted'),
  token_invalid: kind(401, 'The join token is unknown, used up or expired'),
  revoked: kind(403, 'The host was revoked'),
  identity_conflict: kind(409, 'Another live machine uses the same host key'),
  // ours
  config_invalid: kind(500, 'The configuration is not valid'),
  schema_too_new: kind(500, 'The database was written by a newer version'),
  release_missing: kind(404, 'This control plane has no release to give to hosts'),
  upgrade_under_way: kind(409, 'Hosts are being upgraded already', true),
  release_invalid: kind(409, 'A release is not what its publisher signed'),
  audit_broken: kind(500, 'The audit log was changed'),
  storage_full: kind(503, 'The disk of the control plane is full', true),
  unavailable: kind(503, 'Not ready', true),
  internal: kind(500, 'Internal error'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorInit {
  /** Public text; replaces the table's. Names the action and the thing, quotes values. */
  message?: string;
  /** Public, one string: where, why and the way out. */
  details?: string;
  /** For 422: JSON path or field name → what is wrong with it. */
  fields?: Record<string, string>;
  /** Seconds after which a retry makes sense; becomes Retry-After. */
  retryAfter?: number;
  cause?: unknown;
}

/** An error as it crosses the agent wire or an HTTP answer: no stack, no cause. */
export interface WireError {
  code: string;
  message: string;
  details?: string | undefined;
  fields?: Record<string, string> | undefined;
}

export class LongshoreError extends Error {
  override readonly name = 'LongshoreError';
  readonly code: ErrorCode;
  readonly details: string | undefined;
  readonly fields: Record<string, string> | undefined;
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, init: ErrorInit = {}) {
    super(init.message ?? ERRORS[code].message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = code;
    this.details = init.details;
    this.fields = init.fields;
    this.retryAfter = init.retryAfter;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  toWire(): WireError {
    return {
      code: this.code,
      message: this.message,
      ...(this.details !== undefined && { details: this.details }),
      ...(this.fields !== undefined && { fields: this.fields }),
    };
  }

  /** Rebuilds an error the other side sent; a code this build does not know becomes `internal` and is kept in details. */
  static fromWire(wire: WireError): LongshoreError {
    if (!isErrorCode(wire.code)) return new LongshoreError('internal', { details: `${wire.code}: ${wire.message}` });
    return new LongshoreError(wire.code, {
      message: wire.message,
      ...(wire.details !== undefined && { details: wire.details }),
      ...(wire.fields !== undefined && { fields: wire.fields }),
    });
  }
}

export const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code);

/** Any thrown value as a LongshoreError; what is not one becomes `internal` with the original as cause. */
export function toLongshoreError(error: unknown): LongshoreError {
  return error instanceof LongshoreError ? error : new LongshoreError('internal', { cause: error });
}

/** What is wrong with each field, a line each. */
export const problemsOf = (fields: Record<string, string> = {}): string[] =>
  Object.entries(fields).map(([field, problem]) => `${field}: ${problem}`);
