// Pure: how much a log line matters, as far as the line itself says so. Which stream it came by says nothing: many
// programs write all they say to stderr.

export type Level = 'debug' | 'info' | 'warn' | 'error';

const WORDS: Record<string, Level> = {
  trace: 'debug',
  verbose: 'debug',
  debug: 'debug',
  dbg: 'debug',
  info: 'info',
  information: 'info',
  notice: 'info',
  inf: 'info',
  warn: 'warn',
  warning: 'warn',
  wrn: 'warn',
  error: 'error',
  err: 'error',
  eror: 'error',
  fatal: 'error',
  critical: 'error',
  crit: 'error',
  panic: 'error',
  alert: 'error',
  emerg: 'error',
  emergency: 'error',
  severe: 'error',
};
const WORD = Object.keys(WORDS).join('|');
/** `"level":"warn"`, `level=warn`, `severity: WARN`. */
const FIELD = new RegExp(String.raw`\b(?:level|severity|lvl)"?\s*[:=]\s*"?(${WORD})\b`, 'i');
/** pino, bunyan: 10 trace … 60 fatal. */
const NUMBER = /"level"\s*:\s*(\d{2})\b/;
/** `[error]`, `ERROR:`, `WARN ` near the start, where programs put it after their time. */
const MARK = new RegExp(String.raw`(?:\[\s*(${WORD})\s*\]|(?:^|[\s|])(${WORD})\s*[:|])`, 'i');
/** In capitals it needs nothing around it. */
const CAPITALS = new RegExp(String.raw`(?:^|[\s|])(${WORD.toUpperCase()})(?=[\s|]|$)`);
/** Beyond it a word is part of the message. */
const HEAD_CHARS = 80;

export function levelOf(line: string): Level {
  const head = line.slice(0, HEAD_CHARS);
  const number = NUMBER.exec(line)?.[1];
  const word = FIELD.exec(line)?.[1] ?? markIn(head) ?? CAPITALS.exec(head)?.[1];
  if (word !== undefined) return WORDS[word.toLowerCase()] ?? 'info';
  return number === undefined ? 'info' : fromNumber(Number(number));
}

function markIn(head: string): string | undefined {
  const [, bracketed, plain] = MARK.exec(head) ?? [];
  return bracketed ?? plain;
}

function fromNumber(level: number): Level {
  if (level < 30) return 'debug';
  if (level < 40) return 'info';
  return level < 50 ? 'warn' : 'error';
}
