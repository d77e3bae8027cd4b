// Logging: JSON lines on stderr (journald keeps them), with the fields that may hold a secret blacked out by name.
import { pino, type Logger } from 'pino';

export type { Logger } from 'pino';

/** Names that never reach a log line, at the top or one level down. */
const SECRET_FIELDS = [
  'token',
  'secret',
  'password',
  'authorization',
  'apiKey',
  'api_key',
  'variables',
  'mac',
  'cookie',
  'idToken',
];

export interface LogOptions {
  level: string;
  /** Which process speaks: control, agent, up. */
  name: string;
}

/** Synchronous, because a crash must not swallow the lines that explain it, and our volume is small. */
export function createLogger({ level, name }: LogOptions): Logger {
  const redact = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]);
  return pino({ level, name, redact, base: { pid: process.pid } }, pino.destination({ fd: 2, sync: true }));
}

/** Says nothing; for tests and for parts whose caller logs. */
export const silentLogger = (): Logger => pino({ level: 'silent' });
