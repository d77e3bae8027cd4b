// Pure: what the app layer says in the words of the orchestrator's Services API.
import type { ErrorCode, LongshoreError } from '#shared/errors.ts';

/** What the documents call "container orchestrator not available": nobody can do anything on the host now. */
const AWAY: readonly ErrorCode[] = ['host_offline', 'link_closed', 'docker_unavailable', 'unavailable', 'storage_full'];

/** Errors as FastAPI words them. */
export function wordError(error: LongshoreError): { status: number; body: { detail: string } } {
  const status = AWAY.includes(error.code) ? 503 : error.status;
  return { status, body: { detail: [error.message, error.details].filter(Boolean).join(': ') } };
}
