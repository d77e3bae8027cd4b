// The ends a command can come to beside its own mistakes: the API said no (or nothing), a job it watched failed, or a
// program that it ran has an exit code of its own.
import { isErrorCode, LongshoreError, problemsOf, type WireError } from '#shared/errors.ts';

const GATEWAY_STATUS: ReadonlySet<number> = new Set([502, 503, 504]);

export class ApiError extends LongshoreError {
  /** The control plane's name for the request, to be found in its log. */
  readonly requestId: string | undefined;
  /** True when no answer came at all. */
  readonly isUnreachable: boolean;

  private constructor(error: LongshoreError, requestId: string | undefined, isUnreachable: boolean) {
    super(error.code, {
      message: error.message,
      ...(error.details !== undefined && { details: error.details }),
      ...(error.fields !== undefined && { fields: error.fields }),
      cause: error.cause,
    });
    this.requestId = requestId;
    this.isUnreachable = isUnreachable;
  }

  static answered(wire: WireError, requestId: string | undefined): ApiError {
    return new ApiError(LongshoreError.fromWire(wire), requestId, false);
  }

  /** An answer that is not ours: a proxy's page, say. */
  static unreadable(status: number, url: string): ApiError {
    const details = `${url} answered ${status} with something that is not Longshore's JSON`;
    const message = 'Not a Longshore answer';
    if (status === 404)
      return new ApiError(new LongshoreError('config_invalid', { message, details }), undefined, false);
    // A proxy speaks for a control plane that is away, which may well come back.
    const isAway = GATEWAY_STATUS.has(status);
    return new ApiError(
      new LongshoreError(isAway ? 'unavailable' : 'internal', { message, details }),
      undefined,
      isAway,
    );
  }

  static unreachable(url: string, cause: unknown): ApiError {
    const error = new LongshoreError('unavailable', {
      message: `Cannot reach the control plane at ${url}`,
      details: describe(cause),
      cause,
    });
    return new ApiError(error, undefined, true);
  }

  /** Nobody answers on the socket of this host. */
  static noAgent(dataDirs: readonly string[], cause: unknown): ApiError {
    const error = new LongshoreError('unavailable', {
      message: `No agent runs in ${dataDirs.join(' or ')}`,
      details: 'Start it (`systemctl start longshore-agent`), or name its folder with --data-dir',
      cause,
    });
    return new ApiError(error, undefined, true);
  }

  /** It has the socket of this host and says nothing. */
  static silentAgent(dataDirs: readonly string[], cause: unknown): ApiError {
    const error = new LongshoreError('unavailable', {
      message: `The agent in ${dataDirs.join(' or ')} does not answer`,
      details: 'Restart it (`systemctl restart longshore-agent`): services run on meanwhile',
      cause,
    });
    return new ApiError(error, undefined, true);
  }
}

/** A job that was followed to its end, and the end was not good. */
export class JobFailedError extends LongshoreError {
  static from(title: string, wire: WireError | null, hint: string): JobFailedError {
    const { code = 'internal', message = 'the job ended without saying why' } = wire ?? {};
    const details = [wire?.details, ...problemsOf(wire?.fields), hint].filter(Boolean).join('\n');
    return new JobFailedError(isErrorCode(code) ? code : 'internal', { message: `${title}: ${message}`, details });
  }
}

/** A program that ran in a container has ended: its exit code is ours, and it has said itself what there is to say. */
export class ProgramExit extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`The program ended with ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** An AggregateError (one try by address) says nothing itself. */
function describe(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors[0] !== undefined) return describe(cause.errors[0]);
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || ((cause as NodeJS.ErrnoException).code ?? cause.name);
}
