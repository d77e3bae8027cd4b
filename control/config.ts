// Configuration of the control plane, read once: flags > LONGSHORE_… > DIR/config.yaml > defaults. Every setting has one
// name in three spellings: --rate-limit, LONGSHORE_RATE_LIMIT, `rate-limit:`. A bad value is `config_invalid` and names
// the setting and where it came from; the process then exits 78.
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { LongshoreError } from '#shared/errors.ts';
import { credentialOf, notifyEnvOf, socketOf, watchdogMsOf, type NotifyEnv } from '#shared/systemd.ts';
import { readBaseUrl, toAiConfig, type AiConfig } from './ai/settings.ts';
import { readAddressRange } from './app/access/address-range.ts';
import { readDirectory, toEdgeSettings } from './app/domains/settings.ts';
import type { EdgeSettings } from './app/domains/edges.ts';
import { readHostname } from './app/domains/hostname.ts';
import { readPermissionMap } from './app/access/claims.ts';
import { DEFAULT_RATE_LIMITS, type RateLimits } from './http/deps.ts';
import { readIssuer, readScopes, readSecretFile, toLoginConfig, type LoginConfig } from './oidc/settings.ts';
import { readTls, type TlsSetting } from './tls/settings.ts';

export interface ControlConfig {
  /** `fd`: a socket that systemd has opened in place of the port. */
  listen: { host: string; port: number; fd?: number };
  /** 0: AIKit's API has no port of its own. */
  aikitPort: number;
  /** A key that the environment brings along, for AIKit's clients; null: none. */
  environmentKey: string | null;
  dataDir: string;
  publicUrl: string | null;
  /** The release for hosts, as `npm run build` writes it. */
  distDir: string;
  tls: TlsSetting;
  logLevel: string;
  rateLimits: RateLimits;
  /** Addresses whose X-Forwarded-For is believed. */
  trustedProxy: string[];
  /** Webhooks and other calls at a user's word may go to private addresses. */
  allowsPrivateWebhooks: boolean;
  /** `file://` Git repositories are taken: for a machine of one's own. */
  allowsFileGit: boolean;
  /** How people log in; null: nobody does, keys only. */
  login: LoginConfig | null;
  /** Who is asked how to run a repository; null: nobody, see docs/ai.md. */
  ai: AiConfig | null;
  /** The names of services. */
  edge: EdgeSettings;
  /** How systemd is told of us; null when it did not start us. */
  notifyEnv: NotifyEnv | null;
  /** How often it wants to hear of us; null when it does not watch. */
  watchdogMs: number | null;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** Each takes the text of a setting; undefined when it is no value. */
const SETTINGS = {
  'data-dir': readText,
  listen: readListen,
  'aikit-port': readPort,
  'public-url': readUrl,
  tls: readTls,
  'dist-dir': readText,
  'log-level': readLevel,
  'rate-limit': readCount,
  'rate-limit-anonymous': readCount,
  'rate-limit-deploy': readCount,
  'trusted-proxy': readRanges,
  'allow-private-webhooks': readSwitch,
  'allow-file-git': readSwitch,
  'oidc-issuer': readIssuer,
  'oidc-client-id': readText,
  'oidc-client-secret-file': readSecretFile,
  'oidc-scopes': readScopes,
  'oidc-permissions-claim': readText,
  'oidc-permissions': readPermissionMap,
  'oidc-customer-claim': readText,
  'ai-base-url': readBaseUrl,
  'ai-model': readText,
  'ai-api-key-file': readSecretFile,
  'base-domain': readHostname,
  'acme-email': readText,
  'acme-directory': readDirectory,
} as const;
type Setting = keyof typeof SETTINGS;
type Values = { [S in Setting]?: NonNullable<ReturnType<(typeof SETTINGS)[S]>> };

/** Files that the unit passes on by these names where nobody says otherwise. */
const CREDENTIALS: Partial<Record<Setting, string>> = {
  'oidc-client-secret-file': 'oidc-client-secret',
  'ai-api-key-file': 'ai-api-key',
};

const NAMES = Object.keys(SETTINGS) as Setting[];
/** Long enough that nobody guesses it at the pace that addresses are let try. */
const ENVIRONMENT_KEY = /^[\x21-\x7e]{16,200}$/;
/** It stands in lines that people paste into a shell. */
const PLAIN_PATH = /^[\w.~/-]*$/;
const DEFAULT_DIR = './data';
const DEFAULT_PORT = 8080;

export function loadControlConfig(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): ControlConfig {
  const flags = readFlags(argv);
  const fromEnv = (name: Setting) => env[envName(name)];
  const dataDir = resolve(flags['data-dir'] ?? fromEnv('data-dir') ?? DEFAULT_DIR);
  const file = readConfigFile(join(dataDir, 'config.yaml'));
  const values: Record<string, unknown> = {};
  for (const name of NAMES) {
    const given: [string, string | undefined][] = [
      [`--${name}`, flags[name]],
      [envName(name), fromEnv(name)],
      [`${name} in config.yaml`, file[name]],
      [`the credential ${CREDENTIALS[name]}`, CREDENTIALS[name] && credentialOf(env, CREDENTIALS[name])],
    ];
    const [source, text] = given.find(([, value]) => value !== undefined) ?? [];
    if (source !== undefined && text !== undefined) values[name] = readSetting(name, source, text);
  }
  const watchdogMs = watchdogMsOf(env, process.pid);
  const environmentKey = readEnvironmentKey(env['API_KEY']);
  const config = toConfig(values, dataDir);
  const fd = socketOf(env, process.pid);
  const listen = { ...config.listen, ...(fd !== null && { fd }) };
  return { ...config, listen, environmentKey, notifyEnv: notifyEnvOf(env), watchdogMs };
}

function toConfig(values: Values, dataDir: string): Omit<ControlConfig, 'environmentKey' | 'notifyEnv' | 'watchdogMs'> {
  return {
    listen: values.listen ?? { host: '127.0.0.1', port: DEFAULT_PORT },
    aikitPort: values['aikit-port'] ?? 0,
    dataDir,
    ...toReach(values),
    distDir: resolve(values['dist-dir'] ?? defaultDistDir(dataDir)),
    logLevel: values['log-level'] ?? 'info',
    rateLimits: {
      anonymous: values['rate-limit-anonymous'] ?? DEFAULT_RATE_LIMITS.anonymous,
      authenticated: values['rate-limit'] ?? DEFAULT_RATE_LIMITS.authenticated,
      deploy: values['rate-limit-deploy'] ?? DEFAULT_RATE_LIMITS.deploy,
    },
    trustedProxy: values['trusted-proxy'] ?? [],
    allowsPrivateWebhooks: values['allow-private-webhooks'] ?? false,
    allowsFileGit: values['allow-file-git'] ?? false,
    login: toLoginConfig(values),
    ai: toAiConfig(values),
    edge: toEdgeSettings(values),
  };
}

/** Where TLS ends here, nobody gets in by http. The other way round a proxy before us ends it. */
function toReach({ tls = 'off', 'public-url': publicUrl }: Values): Pick<ControlConfig, 'publicUrl' | 'tls'> {
  if (tls !== 'off' && publicUrl?.startsWith('http:')) throw invalid('public-url', 'must be https, because tls is on');
  return { publicUrl: publicUrl ?? null, tls };
}

/** A checkout builds into itself; an installed release has no sources to build. */
const defaultDistDir = (dataDir: string): string =>
  import.meta.filename.endsWith('.ts') ? join(import.meta.dirname, '../dist/release') : join(dataDir, 'dist');

const envName = (name: Setting): string => `LONGSHORE_${name.toUpperCase().replaceAll('-', '_')}`;

function readFlags(argv: readonly string[]): Partial<Record<Setting, string>> {
  const options = Object.fromEntries(NAMES.map((name) => [name, { type: 'string' as const }]));
  try {
    return parseArgs({ args: [...argv], options, strict: true }).values;
  } catch (error) {
    throw new LongshoreError('config_invalid', { details: (error as Error).message, cause: error });
  }
}

/** A file that is not there says nothing. */
function readConfigFile(path: string): Partial<Record<Setting, string>> {
  const content = readParsed(path);
  if (content === undefined || content === null) return {};
  if (typeof content !== 'object' || Array.isArray(content)) throw invalid('config.yaml', 'must be a mapping');
  const unknown = Object.keys(content).find((name) => !NAMES.includes(name as Setting));
  if (unknown !== undefined) throw invalid(`${unknown} in config.yaml`, `is none of ${NAMES.join(', ')}`);
  const texts = Object.entries(content).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(',') : `${value}`,
  ]);
  return Object.fromEntries(texts) as Partial<Record<Setting, string>>;
}

function readParsed(path: string): unknown {
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new LongshoreError('config_invalid', { message: `Cannot read "${path}"`, cause: error });
  }
}

function readSetting(name: Setting, source: string, text: string): unknown {
  const value = SETTINGS[name](text);
  if (value === undefined) throw invalid(source, `is "${text}", it must be ${EXPECTED[name]}`);
  return value;
}

const EXPECTED: Record<Setting, string> = {
  'data-dir': 'a folder',
  'aikit-port': 'a number from 0 (off) to 65535',
  listen: 'an address and a port such as 127.0.0.1:8080 or [::]:8080',
  'public-url': 'an http or https URL without a query, in plain characters',
  tls: 'auto, off, or two files: CERT,KEY',
  'dist-dir': 'a folder',
  'log-level': `one of ${LOG_LEVELS.join(', ')}`,
  'rate-limit': 'a whole number above 0',
  'rate-limit-anonymous': 'a whole number above 0',
  'rate-limit-deploy': 'a whole number above 0',
  'trusted-proxy': 'addresses or ranges such as 10.0.0.0/8, separated by commas',
  'allow-private-webhooks': '1 or 0',
  'allow-file-git': '1 or 0',
  'oidc-issuer': 'an https URL (http for this machine only) without a query',
  'oidc-client-id': 'a text',
  'oidc-client-secret-file': 'a readable file that holds the secret',
  'oidc-scopes': 'scopes, openid among them',
  'oidc-permissions-claim': 'the path of a claim such as groups or realm_access.roles',
  'oidc-permissions': 'a list such as admins=*;viewers=services.read,services.logs',
  'oidc-customer-claim': 'the path of a claim',
  'ai-base-url': 'an http or https URL without a query, such as https://api.example.com/v1',
  'ai-model': 'a text',
  'ai-api-key-file': 'a readable file that holds the key',
  'base-domain': 'a domain such as apps.example.com',
  'acme-email': 'a text',
  'acme-directory': 'the https URL of an ACME directory, or internal',
};

function readText(text: string): string | undefined {
  return text === '' ? undefined : text;
}

function readListen(text: string): { host: string; port: number } | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '';
  const port = Number(digits);
  const isHost = bracketed === undefined ? host === 'localhost' || isIP(host) === 4 : isIP(host) === 6;
  return isHost && port <= 65_535 ? { host, port } : undefined;
}

function readPort(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}

/** Its name is AIKit's, which other programs use as well: the error must not show it. */
function readEnvironmentKey(text: string | undefined): string | null {
  if (text === undefined || text === '') return null;
  if (ENVIRONMENT_KEY.test(text)) return text;
  throw invalid('API_KEY', 'must be 16 to 200 printable characters without spaces');
}

function readUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || !PLAIN_PATH.test(url.pathname)) return undefined;
  return url.username || url.search || url.hash ? undefined : url.href.replace(/\/+$/, '');
}

function readLevel(text: string): string | undefined {
  return LOG_LEVELS.find((level) => level === text);
}

function readCount(text: string): number | undefined {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

function readSwitch(text: string): boolean | undefined {
  if (['1', 'true'].includes(text)) return true;
  return ['0', 'false'].includes(text) ? false : undefined;
}

function readRanges(text: string): string[] | undefined {
  const ranges = text.split(',').map((range) => range.trim());
  return ranges.every((range) => readAddressRange(range)) ? ranges : undefined;
}

function invalid(source: string, problem: string): LongshoreError {
  return new LongshoreError('config_invalid', { message: `Cannot start the control plane: ${source} ${problem}` });
}
