// What went wrong with a call outwards, in words for whoever named the address.
import { LongshoreError } from './errors.ts';

/** undici wraps what the connector said in different ways; the code is what tells, never the text. */
export function toCallFault(error: unknown): LongshoreError {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof LongshoreError) return cause;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'UND_ERR_CONNECT_TIMEOUT')
    return new LongshoreError('timed_out', { message: 'The connection was not made in time', cause: error });
  const message = REASONS[code] ?? `The connection failed${code === '' ? '' : ` (${code})`}`;
  return new LongshoreError('egress_failed', { message, cause: error });
}

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'The connection was refused',
  ECONNRESET: 'The connection was reset',
  ENOTFOUND: 'There is no such host',
  ENODATA: 'There is no such host',
  EAI_AGAIN: 'The name could not be looked up',
  ESERVFAIL: 'The name could not be looked up',
  ETIMEOUT: 'The name could not be looked up',
  ECANCELLED: 'The name could not be looked up',
  UND_ERR_SOCKET: 'The connection was closed before the end of the reply',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'The connection was closed before the end of the reply',
  UND_ERR_HEADERS_OVERFLOW: 'The headers of the reply are too large',
  HPE_HEADER_OVERFLOW: 'The headers of the reply are too large',
};
