// Compose files by chance: services that run, each with some of what Compose knows, in one of the forms in which it may
// be written. The same random numbers make the same file.
import { stringify } from 'yaml';
import type { Random } from '../random.ts';
import type { ComposeCase } from './fixture.ts';

type Value = unknown;
type Make = (random: Random) => Value;

const TEXTS = [
  'plain',
  '',
  ' spaces ',
  'a#b # c',
  `it's "quoted"`,
  '$$HOME $${X}',
  '${SET}',
  '${UNSET:-fallback}',
  'line\nbreak\n',
  'back\\slash\\n',
  'ü€😀',
  '0644',
  'yes',
  'null',
  '{"a": [1]}',
  '1.10',
  '~',
  'a=b=c',
  '- dash: colon',
  '%percent @at `tick`',
];
const VARIABLES = { SET: 'va"l\'ue $with {braces} #', NUMBER: '7', EMPTY: '' };

const text: Make = (random) => random.pick(TEXTS);
const number = (low: number, high: number): Make => {
  return (random) => random.int(low, high);
};
const oneOf = (...values: Value[]): Make => {
  return (random) => random.pick(values);
};
const flag = oneOf(true, false, 'true', 'false');

/** None to three of them, each once. */
function some(random: Random, values: readonly string[]): string[] {
  const left = [...values];
  return Array.from({ length: random.int(0, 3) }, () => left.splice(random.int(0, left.length - 1), 1)).flat();
}

const listOf = (...values: string[]): Make => {
  return (random) => some(random, values);
};

/** A map, or the same as a list of `key=value`. */
function pairs(keys: readonly string[], value: Make): Make {
  return (random) => {
    const entries = some(random, keys).map((key) => [key, value(random)] as const);
    const isList = random.next() < 0.5;
    return isList ? entries.map(([key, one]) => `${key}=${String(one)}`) : Object.fromEntries(entries);
  };
}

/** What a service may say; every value is one that Docker takes for a sleeping busybox. */
const KEYS: Record<string, Make> = {
  environment: pairs(['A', 'B_C', 'd.e', 'PATH_LIKE', 'Ü'], text),
  labels: pairs(['team', 'with.dots', 'traefik.http.routers.a.rule'], text),
  annotations: pairs(['note', 'com.example.x'], oneOf('plain', 'a b')),
  restart: oneOf('no', 'always', 'unless-stopped', 'on-failure', 'on-failure:2'),
  init: flag,
  tty: flag,
  stdin_open: flag,
  read_only: flag,
  privileged: oneOf(false, 'false'),
  user: oneOf('root', '0', '1000', '1000:1000', 'nobody'),
  working_dir: oneOf('/', '/tmp', '/made/here'),
  stop_signal: oneOf('SIGTERM', 'SIGINT', '9'),
  stop_grace_period: oneOf('0s', '1s', '1m30s', '500ms'),
  cap_add: listOf('NET_ADMIN', 'SYS_PTRACE', 'CHOWN'),
  cap_drop: listOf('ALL', 'MKNOD', 'AUDIT_WRITE'),
  security_opt: listOf('no-new-privileges:true', 'seccomp:unconfined', 'label=disable'),
  group_add: listOf('nogroup', '2000', '3000'),
  sysctls: pairs(['net.ipv4.ip_unprivileged_port_start', 'net.ipv4.tcp_syncookies'], number(0, 1)),
  ulimits: (random) => ({
    core: random.pick([0, { soft: 0, hard: 0 }]),
    nofile: { soft: random.int(64, 512), hard: 1024 },
  }),
  mem_limit: oneOf('64m', '67108864', '0.1gb'),
  mem_reservation: oneOf('16m', '32M'),
  cpus: oneOf(0.5, '0.25', 1),
  cpu_shares: oneOf(256, '512'),
  pids_limit: oneOf(100, -1, '50'),
  shm_size: oneOf('8m', 16_777_216),
  oom_score_adj: number(0, 900),
  tmpfs: oneOf('/run', ['/run', '/scratch:size=1m'], []),
  dns: oneOf('10.0.0.53', ['10.0.0.53', '10.0.0.54'], []),
  dns_search: oneOf('example.com', ['a.example', 'b.example']),
  dns_opt: listOf('use-vc', 'ndots:2'),
  expose: oneOf(['80'], [80, '81-82', '53/udp'], []),
  logging: oneOf(
    { driver: 'none' },
    { options: { 'max-size': '1m' } },
    { driver: 'json-file', options: { 'max-file': 3 } },
  ),
  healthcheck: oneOf(
    { disable: true },
    { test: ['NONE'] },
    { test: 'true', interval: '1s', start_period: '10s', start_interval: '100ms' },
    { test: ['CMD', 'true'], interval: '1s', retries: 2, timeout: '5s', start_period: '10s', start_interval: '100ms' },
  ),
  deploy: oneOf(
    {},
    { replicas: 2 },
    { resources: { limits: { cpus: '0.5', memory: '64M', pids: 40 } } },
    { restart_policy: { condition: 'on-failure', max_attempts: 3 }, labels: { not: 'here' } },
  ),
  command: oneOf('sleep 1000', ['sleep', '1000'], `sh -c 'sleep 1000 # $$HOME'`, [
    'sh',
    '-c',
    'exec sleep "$$1"',
    'x',
    '1000',
  ]),
  entrypoint: oneOf('', [], ['env'], 'env -i'),
  volumes: (random) => some(random, VOLUMES).map((one) => MOUNTS[one] ?? one),
  configs: oneOf(['inline'], [{ source: 'inline', target: '/etc/inline', mode: 0o440, uid: '1000' }], []),
  secrets: oneOf(['secret'], [{ source: 'secret', target: '/run/other' }], []),
  'x-note': oneOf(null, { a: [1, null] }),
  platform: oneOf('linux/amd64'),
  pull_policy: oneOf('never', 'missing'),
};

const MOUNTS: Record<string, object> = {
  long: { type: 'volume', source: 'data', target: '/long', read_only: true },
  memory: { type: 'tmpfs', target: '/memory', tmpfs: { size: '1m', mode: 0o1777 } },
  bind: { type: 'bind', source: './bound', target: '/bound', bind: { create_host_path: true } },
};
const VOLUMES = [
  'data:/data',
  'data:/again:ro',
  '/anonymous',
  './folder:/folder',
  '/etc/hostname:/host:ro',
  ...Object.keys(MOUNTS),
];

/** How a service is connected; one that shares the host's names has no names or ports of its own. */
const CONNECTIONS: Make[] = [
  () => ({}),
  () => ({ network_mode: 'none' }),
  (random) => ({ networks: some(random, ['front', 'back', 'default']) }),
  (random) => ({ networks: { front: { aliases: some(random, ['www', 'api']) }, back: null } }),
  (random) => ({
    networks: { back: { priority: random.int(0, 9) } },
    hostname: 'web',
    extra_hosts: ['a.example:10.0.0.1'],
  }),
  () => ({ ports: ['80', { target: 81, protocol: 'udp' }, '127.0.0.1::82'] }),
];

/** A file of one to three services. */
export function randomCase(random: Random, name: string): ComposeCase {
  const names = ['one', 'two', 'three'].slice(0, random.int(1, 3));
  const services = Object.fromEntries(
    names.map((service, index) => [service, randomService(random, names[index - 1])]),
  );
  const file = {
    services,
    networks: { front: random.pick([null, { labels: { a: 'b' } }]), back: random.pick([{}, { internal: true }]) },
    volumes: { data: random.pick([null, { labels: ['a=b'] }]) },
    configs: { inline: { content: random.pick(TEXTS.filter(Boolean)) } },
    secrets: { secret: { environment: 'SET' } },
  };
  const options = {
    aliasDuplicateObjects: random.next() < 0.5,
    defaultStringType: random.pick(['PLAIN', 'QUOTE_SINGLE'] as const),
  };
  const about = 'By chance.';
  return { name, about, text: stringify(file, options), variables: VARIABLES, files: {}, ends: [], refused: undefined };
}

function randomService(random: Random, before: string | undefined): object {
  const keys = Object.keys(KEYS).filter(() => random.next() < 0.25);
  const said = Object.fromEntries(keys.map((key) => [key, KEYS[key]?.(random)]));
  const needs =
    before === undefined
      ? {}
      : random.pick([{}, { depends_on: [before] }, { depends_on: { [before]: { condition: 'service_started' } } }]);
  const connection = random.pick(CONNECTIONS)(random) as object;
  return { image: 'busybox:1', command: 'sleep 1000', ...said, ...needs, ...connection };
}
