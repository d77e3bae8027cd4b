// `--health-check "http port=8080 path=/healthz"`: what is asked of a service, as the API has it. Repeated for several.
import { LongshoreError } from '#shared/errors.ts';
import { parseSeconds } from './duration.ts';

export const HEALTH_CHECK_HELP =
  'What is asked of its containers, e.g. "http path=/healthz", "exec service=db -- pg_isready"';

/** As the API has it. */
export interface HealthCheck {
  type: string;
  service?: string;
  port?: number;
  path?: string;
  command?: string[];
  interval_s?: number;
}

type Read = (text: string) => unknown;
const asText: Read = (text) => text;
const asCount: Read = (text) => (/^\d{1,5}$/.test(text) ? Number(text) : undefined);
const asSeconds: Read = (text) => parseSeconds(text, FLAG);

const FLAG = '--health-check';

/** By the word before `=`: the field of the API, and how its value is read. */
const WORDS: Record<string, readonly [field: string, read: Read]> = {
  service: ['service', asText],
  port: ['port', asCount],
  path: ['path', asText],
  host: ['host', asText],
  status: ['expect_status', asCount],
  interval: ['interval_s', asSeconds],
  timeout: ['timeout_s', asSeconds],
  'start-period': ['start_period_s', asSeconds],
  failures: ['failure_threshold', asCount],
  passes: ['success_threshold', asCount],
};

/** `none` alone removes what there is. Throws `bad_request`. */
export const parseHealthChecks = (texts: readonly string[]): object[] =>
  texts.length === 1 && texts[0]?.trim() === 'none' ? [] : texts.map(parseHealthCheck);

function parseHealthCheck(text: string): object {
  const [, head = '', program] = /^(.*?)(?:\s--(?:\s+(.*))?)?$/s.exec(text.trim()) ?? [];
  const [type = '', ...settings] = head.trim().split(/\s+/);
  const command = program === undefined ? [] : commandOf(program, text);
  const isProgram = type === 'exec';
  if (!['http', 'tcp', 'exec'].includes(type) || isProgram !== command.length > 0) throw unreadable(text);
  const fields = settings.map((setting) => fieldOf(setting, text));
  return { type, ...Object.fromEntries(fields), ...(isProgram && { command }) };
}

/** Arguments between spaces, or a JSON list of them, as in a Dockerfile: quotes alone mean nothing here. */
function commandOf(program: string, whole: string): string[] {
  if (!program.startsWith('[')) {
    if (/["']/.test(program)) throw unreadable(whole);
    return program.split(/\s+/);
  }
  const list = parseList(program);
  if (!list) throw unreadable(whole);
  return list;
}

function parseList(json: string): string[] | undefined {
  try {
    const list: unknown = JSON.parse(json);
    return Array.isArray(list) && list.every((item): item is string => typeof item === 'string') ? list : undefined;
  } catch {
    return undefined;
  }
}

function fieldOf(setting: string, whole: string): [string, unknown] {
  const at = setting.indexOf('=');
  const known = at > 0 && Object.hasOwn(WORDS, setting.slice(0, at)) ? WORDS[setting.slice(0, at)] : undefined;
  const value = known?.[1](setting.slice(at + 1));
  if (!known || value === undefined) throw unreadable(whole);
  return [known[0], value];
}

const unreadable = (text: string) =>
  new LongshoreError('bad_request', {
    message: `${FLAG} "${text}" is no health check`,
    details: `http, tcp or exec; then any of ${Object.keys(WORDS).join(', ')}, each with =VALUE; for exec last -- PROGRAM ARGUMENTS, or -- ["sh", "-c", "a && b"] where one has spaces or quotes`,
  });

/** For people: `http web:8080/healthz`. */
export function printHealthCheck({ type, service = '', port, path = '', command = [] }: HealthCheck): string {
  const place = `${service}${port === undefined ? '' : `:${port}`}${path}`;
  return [type, place, ...command].filter(Boolean).join(' ');
}
