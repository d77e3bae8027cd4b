// Configuration of the agent, read once: flags > LONGSHORE_… > DIR/config.yaml > defaults. Every setting has one name in
// three spellings: --docker-socket, LONGSHORE_DOCKER_SOCKET, `docker-socket:`. A bad value is `config_invalid` and names
// the setting and where it came from; the process then exits 78.
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { LongshoreError } from '#shared/errors.ts';
import { parseJoinToken } from '#shared/protocol/identity.ts';
import { credentialOf, notifyEnvOf, watchdogMsOf, type NotifyEnv } from '#shared/systemd.ts';
import { readProxies, type Proxies } from './link/proxy.ts';

export interface AgentConfig {
  dataDir: string;
  /** A join token. Needed only until this host is enrolled. */
  token: string | null;
  dockerSocket: string;
  /** Where Docker's client settings (registry logins, plugins) are. */
  home: string;
  logLevel: string;
  /** Seconds: tries to reach the control plane are never further apart. */
  reconnectMaxS: number;
  /** Whether `file://` repositories are fetched: for a machine of one's own. */
  allowsFileGit: boolean;
  /** A mirror of Docker Hub's official images, `registry.example.com/mirror/`; empty for Docker Hub itself. */
  buildImagePrefix: string;
  /** Between two looks for newer images; 0: only when asked. */
  imageCheckMs: number;
  /** What Docker's build cache is trimmed to after builds; null: Docker's own limits are enough. */
  buildCacheLimitBytes: number | null;
  /** What answers to names, where control wants an edge on this host. */
  edgeImage: string;
  /** The Compose project that it is. */
  edgeProject: string;
  edgePorts: { http: number; https: number };
  /** Over which the control plane is called: HTTPS_PROXY, HTTP_PROXY, NO_PROXY. */
  proxies: Proxies;
  /** A folder of ours for as long as we run; null when systemd did not make one. */
  runtimeDir: string | null;
  /** How systemd is told of us; null when it did not start us. */
  notifyEnv: NotifyEnv | null;
  /** How often it wants to hear of us; null when it does not watch. */
  watchdogMs: number | null;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
const DEFAULTS = {
  'data-dir': './data/agent',
  'docker-socket': '/var/run/docker.sock',
  'log-level': 'info',
  'reconnect-max': '64',
  'image-check': '6',
  'build-cache-limit': '10GB',
  'edge-image': 'caddy:2.10.2-alpine',
  'edge-project': 'longshore-edge',
  'edge-http-port': '80',
  'edge-https-port': '443',
} as const;

/** A host and folders, each with its slash; it stands before the names in a Dockerfile. */
const IMAGE_PREFIX = /^([a-z0-9]([a-z0-9._-]*[a-z0-9])?(:\d{1,5})?\/)([a-z0-9]([a-z0-9._-]*[a-z0-9])?\/)*$|^$/;

const PROJECT = /^[a-z0-9][a-z0-9-]{0,62}$/;
const IMAGE = /^[a-z0-9][a-zA-Z0-9._/:@-]{0,254}$/;

const SIZE = /^([1-9]\d{0,5})(MB|GB)$/;
const UNIT_BYTES: Record<string, number> = { MB: 1e6, GB: 1e9 };

const describeBadPort = (text: string): string | undefined =>
  /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535 ? undefined : `is "${text}", it must be a port`;

/** What is wrong with a setting's text, without quoting a secret; undefined when nothing is. */
const SETTINGS = {
  'data-dir': (text: string) => (text === '' ? 'must be a folder' : undefined),
  token: describeBadToken,
  'docker-socket': (text: string) => (isAbsolute(text) ? undefined : `is "${text}", it must be an absolute path`),
  'log-level': (text: string) =>
    LOG_LEVELS.includes(text) ? undefined : `is "${text}", it must be one of ${LOG_LEVELS.join(', ')}`,
  'reconnect-max': (text: string) =>
    /^[1-9]\d{0,3}$/.test(text) ? undefined : `is "${text}", it must be seconds from 1 to 9999`,
  'build-image-prefix': (text: string) =>
    IMAGE_PREFIX.test(text) ? undefined : `is "${text}", it must be like registry.example.com/mirror/`,
  'image-check': (text: string) =>
    /^\d{1,3}$/.test(text) ? undefined : `is "${text}", it must be hours from 0 (never) to 999`,
  'build-cache-limit': (text: string) =>
    text === 'none' || SIZE.test(text) ? undefined : `is "${text}", it must be like 10GB or 500MB, or none`,
  'edge-image': (text: string) =>
    IMAGE.test(text) ? undefined : `is "${text}", it must be an image of Caddy 2.8 or newer`,
  'edge-project': (text: string) =>
    PROJECT.test(text) ? undefined : `is "${text}", it must be a name like longshore-edge`,
  'edge-http-port': describeBadPort,
  'edge-https-port': describeBadPort,
  'allow-file-git': (text: string) => (/^[01]$/.test(text) ? undefined : `is "${text}", it must be 1 or 0`),
} as const;
type Setting = keyof typeof SETTINGS;
type Texts = Partial<Record<Setting, string>>;

const NAMES = Object.keys(SETTINGS) as Setting[];

/** `argv`: what follows `longshore agent`. Throws `config_invalid`. */
export async function loadAgentConfig(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<AgentConfig> {
  const flags = readFlags(argv);
  const dataDir = resolve(flags['data-dir'] ?? env[envName('data-dir')] ?? DEFAULTS['data-dir']);
  const file = await readConfigFile(join(dataDir, 'config.yaml'));
  const read = (name: Setting) => readSetting(name, flags, env, file);
  return {
    dataDir,
    token: read('token') ?? readCredential(env) ?? null,
    dockerSocket: read('docker-socket') ?? DEFAULTS['docker-socket'],
    home: homedir(),
    logLevel: read('log-level') ?? DEFAULTS['log-level'],
    reconnectMaxS: Number(read('reconnect-max') ?? DEFAULTS['reconnect-max']),
    allowsFileGit: read('allow-file-git') === '1',
    buildImagePrefix: read('build-image-prefix') ?? '',
    imageCheckMs: Number(read('image-check') ?? DEFAULTS['image-check']) * 3600_000,
    buildCacheLimitBytes: toBytes(read('build-cache-limit') ?? DEFAULTS['build-cache-limit']),
    edgeImage: read('edge-image') ?? DEFAULTS['edge-image'],
    edgeProject: read('edge-project') ?? DEFAULTS['edge-project'],
    edgePorts: {
      http: Number(read('edge-http-port') ?? DEFAULTS['edge-http-port']),
      https: Number(read('edge-https-port') ?? DEFAULTS['edge-https-port']),
    },
    proxies: requireProxies(env),
    runtimeDir: env['RUNTIME_DIRECTORY']?.split(':')[0] ?? null,
    notifyEnv: notifyEnvOf(env),
    watchdogMs: watchdogMsOf(env, process.pid),
  };
}

function readSetting(name: Setting, flags: Texts, env: NodeJS.ProcessEnv, file: Texts): string | undefined {
  const given: [string, string | undefined][] = [
    [`--${name}`, flags[name]],
    [envName(name), env[envName(name)]],
    [`${name} in config.yaml`, file[name]],
  ];
  const [source, text] = given.find(([, value]) => value !== undefined) ?? [];
  if (source === undefined || text === undefined) return undefined;
  const problem = SETTINGS[name](text);
  if (problem !== undefined) throw invalid(source, problem);
  return text;
}

/** The join token as the unit passes it on: where nobody reads it from arguments or environment. */
function readCredential(env: NodeJS.ProcessEnv): string | undefined {
  const file = credentialOf(env, 'agent.token');
  const text = file === undefined ? undefined : readFileSync(file, 'utf8').trim();
  const problem = text === undefined ? undefined : describeBadToken(text);
  if (problem !== undefined) throw invalid('the credential agent.token', problem);
  return text;
}

/** Many programs read these, so they have no flag of ours. */
function requireProxies(env: NodeJS.ProcessEnv): Proxies {
  const proxies = readProxies(env);
  if (typeof proxies === 'string') throw invalid(proxies, 'must be the URL of an http or https proxy');
  return proxies;
}

const envName = (name: Setting): string => `LONGSHORE_${name.toUpperCase().replaceAll('-', '_')}`;

function readFlags(argv: readonly string[]): Texts {
  const options = Object.fromEntries(NAMES.map((name) => [name, { type: 'string' as const }]));
  try {
    return parseArgs({ args: [...argv], options, strict: true }).values;
  } catch (error) {
    throw new LongshoreError('config_invalid', { details: (error as Error).message, cause: error });
  }
}

/** A file that is not there says nothing, and the parser is loaded only for one that is. */
async function readConfigFile(path: string): Promise<Texts> {
  if (!existsSync(path)) return {};
  const { default: yaml } = await import('yaml'); // CommonJS: a bundle has no other names of it
  let content: unknown;
  try {
    content = yaml.parse(readFileSync(path, 'utf8'), { maxAliasCount: 0 }) ?? {};
  } catch (error) {
    throw new LongshoreError('config_invalid', { message: `Cannot read "${path}"`, cause: error });
  }
  if (typeof content !== 'object' || Array.isArray(content)) throw invalid('config.yaml', 'must be a mapping');
  const entries = Object.entries(content as Record<string, unknown>);
  const unknown = entries.find(([name]) => !Object.hasOwn(SETTINGS, name));
  if (unknown) throw invalid(`${unknown[0]} in config.yaml`, `is none of ${NAMES.join(', ')}`);
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

function describeBadToken(text: string): string | undefined {
  try {
    parseJoinToken(text);
    return undefined;
  } catch {
    return 'is not a join token; `longshore hosts join` prints a new one';
  }
}

/** Null for `none`. */
function toBytes(text: string): number | null {
  const [, count, unit = ''] = SIZE.exec(text) ?? [];
  return count === undefined ? null : Number(count) * (UNIT_BYTES[unit] ?? 1);
}

const invalid = (source: string, problem: string) =>
  new LongshoreError('config_invalid', { message: `Cannot start the agent: ${source} ${problem}` });
