// Programs inside the containers of services, as the app layer offers them. The host of the service runs them: it must be
// connected, and its policy may forbid it.
import type { ExecOutput } from '#shared/protocol/exec-frame.ts';
import type { ExecEnded, ExecInput, ExecStarted } from '#shared/protocol/exec-parts.ts';
import type { AuditedAct } from './audit.ts';
import type { Caller } from './caller.ts';

export interface ExecOrder {
  /** The program and its arguments; no shell reads them. */
  command: string[];
  /** A service of the compose file; needed where there are several. */
  service?: string | undefined;
  /** Name or id; needed where a service has several. */
  container?: string | undefined;
  user?: string | undefined;
  workingDir?: string | undefined;
  env?: Record<string, string> | undefined;
}

export interface ExecOutcome extends ExecStarted, Omit<ExecEnded, 'kind'> {
  stdout: string;
  stderr: string;
}

export interface TerminalOrder extends ExecOrder {
  /** Null: no terminal, stdout and stderr apart. */
  terminal: { columns: number; rows: number } | null;
}

export interface ExecSession {
  readonly started: ExecStarted;
  /** Output as it comes, at the pace of the loop, and the end. Rejects with `host_offline` and the like. */
  readonly messages: AsyncIterable<ExecOutput | ExecEnded>;
  /** Resolves when the program has taken it; one after the other, or they may change places. */
  send(input: ExecInput): Promise<void>;
  /** The program is ended if it still runs. Safe to call again. */
  close(): void;
}

export interface Exec {
  /**
   * Runs a program to its end, or ends it after `timeoutMs` or when `signal` aborts. 404; 403 exec_denied; 422 naming the
   * choices; 409 state_conflict, customer_suspended, host_offline, interrupted (an earlier try under the same
   * Idempotency-Key started it, and its end is not known).
   */
  run(caller: Caller, serviceId: string, order: ExecOrder, limits: ExecRunLimits): Promise<ExecOutcome>;
  /** Starts a program that somebody talks to; `act` is the request behind it, for the audit log. Errors as of `run`. */
  open(act: AuditedAct & { caller: Caller }, serviceId: string, order: TerminalOrder): Promise<ExecSession>;
}

export interface ExecRunLimits {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}
