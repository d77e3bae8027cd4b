// From Docker's inspect to the words of a compose file, as a table: what is said of a container, and what is not, because
// it is Docker's default, comes with the image, or was chosen by Docker.
import t from 'tap';
import { toLiveContainers } from '../../agent/docker/live-config.ts';
import type { RawConfig, RawContainer, RawHostConfig } from '../../agent/docker/raw-container.ts';

const ID = 'ab'.repeat(32);
const ANONYMOUS = 'cd'.repeat(32);
const LABELS = {
  'com.docker.compose.project': 'shop',
  'com.docker.compose.service': 'web',
  'com.docker.compose.container-number': '2',
  'longshore.service': 'svc_1',
};

interface Given {
  config?: Partial<RawContainer['Config']>;
  host?: RawHostConfig;
  mounts?: RawContainer['Mounts'];
  networks?: RawContainer['NetworkSettings']['Networks'];
  name?: string;
  image?: RawConfig;
}

/** A container that Compose made of a file that says nothing but the image. */
const rawOf = ({ config, host, mounts, networks, name = '/shop-web-2' }: Given): RawContainer => ({
  Id: ID,
  Name: name,
  Image: 'sha256:1',
  State: { Status: 'running' },
  Config: {
    Image: 'web:1',
    Hostname: ID.slice(0, 12),
    User: '',
    WorkingDir: '',
    Cmd: null,
    Entrypoint: null,
    Env: [],
    Labels: LABELS,
    ...config,
  },
  HostConfig: {
    NetworkMode: 'shop_default',
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    IpcMode: 'private',
    Runtime: 'runc',
    ShmSize: 64 * 2 ** 20,
    LogConfig: { Type: 'json-file', Config: {} },
    MemorySwappiness: null,
    PidsLimit: null,
    OomKillDisable: false,
    Privileged: false,
    ...host,
  },
  Mounts: mounts ?? [],
  NetworkSettings: {
    Networks: networks ?? { shop_default: { Aliases: ['shop-web-2', 'web', ID.slice(0, 12)], IPAMConfig: {} } },
  },
});

const describe = (given: Given) =>
  toLiveContainers([{ container: rawOf(given), image: given.image ?? {} }])[0]?.config ?? { image: '' };

const PLAIN = { image: 'web:1', networks: { shop_default: {} } };

t.test('a container of which the file says nothing has nothing to say', async (t) => {
  t.strictSame(describe({}), PLAIN);
  t.match(toLiveContainers([{ container: rawOf({}), image: {} }]), [
    { id: ID, name: 'shop-web-2', project: 'shop', service: 'web', number: 2, isOneOff: false, state: 'running' },
  ]);
});

const IMAGE: RawConfig = {
  Cmd: ['serve'],
  Entrypoint: ['/entry'],
  Env: ['PATH=/bin', 'HOME=/'],
  User: 'app',
  WorkingDir: '/srv',
  Labels: { vendor: 'x', 'com.example': 'y' },
  ExposedPorts: { '80/tcp': {} },
  Volumes: { '/data': {} },
  Healthcheck: { Test: ['CMD', 'ok'], Interval: 5e9 },
  StopSignal: 'SIGQUIT',
};

const CASES: [name: string, given: Given, says: object][] = [
  [
    'what the image gives is not repeated',
    {
      image: IMAGE,
      config: { ...IMAGE, Labels: { ...LABELS, ...IMAGE.Labels } },
      mounts: [{ Type: 'volume', Name: ANONYMOUS, Source: '/v', Destination: '/data', RW: true }],
    },
    {},
  ],
  [
    'what differs from the image is',
    {
      image: IMAGE,
      config: {
        ...IMAGE,
        Cmd: ['other'],
        Env: ['PATH=/bin', 'HOME=/root', 'A=b=c', 'HIDDEN'],
        User: '',
        Labels: { ...LABELS, vendor: 'z', 'com.example': 'y' },
        Healthcheck: { Test: ['CMD', 'ok'], Interval: 1.5e9, Retries: 3 },
        ExposedPorts: { '80/tcp': {}, '9000/udp': {} },
      },
    },
    {
      command: ['other'],
      environment: { A: 'b=c', HIDDEN: null, HOME: '/root' },
      labels: { vendor: 'z' },
      healthcheck: { interval: '1500ms', retries: 3 },
      expose: ['9000/udp'],
    },
  ],
  [
    'an entrypoint of its own takes the command of the image away',
    { image: IMAGE, config: { ...IMAGE, Entrypoint: ['sh'], Cmd: ['serve'], Labels: { ...LABELS, ...IMAGE.Labels } } },
    { entrypoint: ['sh'], command: ['serve'] },
  ],
  [
    'a health check that is switched off',
    { image: IMAGE, config: { ...IMAGE, Healthcheck: { Test: ['NONE'] }, Labels: { ...LABELS, ...IMAGE.Labels } } },
    { healthcheck: { disable: true } },
  ],
  [
    'limits, with what Docker adds by itself left out',
    { host: { NanoCpus: 5e8, Memory: 100, MemorySwap: 200, PidsLimit: 7, ShmSize: 1, CpuShares: 0 } },
    { cpus: 0.5, mem_limit: 100, pids_limit: 7, shm_size: 1 },
  ],
  ['swap that was asked for', { host: { Memory: 100, MemorySwap: -1 } }, { mem_limit: 100, memswap_limit: -1 }],
  [
    'privileges',
    {
      host: {
        Privileged: true,
        SecurityOpt: ['label=disable', 'no-new-privileges'],
        CapAdd: ['CAP_NET_RAW', 'SYS_TIME'],
        Devices: [{ PathOnHost: '/dev/a', PathInContainer: '/dev/b', CgroupPermissions: 'r' }],
        Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }],
        Sysctls: { 'net.a': '1' },
        ReadonlyRootfs: true,
        Init: false,
      },
    },
    {
      privileged: true,
      read_only: true,
      cap_add: ['NET_RAW', 'SYS_TIME'],
      security_opt: ['no-new-privileges'],
      devices: ['/dev/a:/dev/b:r'],
      ulimits: { nofile: { soft: 1, hard: 2 } },
      sysctls: { 'net.a': '1' },
      init: false,
    },
  ],
  [
    'ports, without the one that Docker chose',
    {
      host: {
        PortBindings: {
          '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }],
          '53/udp': [{ HostIp: '', HostPort: '5353' }],
        },
      },
      config: { ExposedPorts: { '80/tcp': {}, '53/udp': {} } },
    },
    {
      ports: [
        { target: 53, protocol: 'udp', published: '5353' },
        { target: 80, protocol: 'tcp', host_ip: '127.0.0.1' },
      ],
    },
  ],
  [
    'mounts by their target',
    {
      host: {
        Binds: ['/a:/z:ro,z'],
        Mounts: [{ Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 9 } }],
        Tmpfs: { '/run': 'size=1m' },
      },
      mounts: [
        { Type: 'bind', Source: '/a', Destination: '/z', RW: false, Propagation: 'rprivate' },
        { Type: 'volume', Name: 'shop_data', Source: '/v', Destination: '/data', RW: true },
        { Type: 'volume', Name: ANONYMOUS, Source: '/v', Destination: '/anon', RW: true },
        { Type: 'tmpfs', Source: '', Destination: '/t', RW: true },
      ],
    },
    {
      volumes: [
        { type: 'volume', target: '/anon' },
        { type: 'volume', source: 'shop_data', target: '/data' },
        { type: 'tmpfs', target: '/t', tmpfs: { size: 9 } },
        { type: 'bind', source: '/a', target: '/z', read_only: true, bind: { selinux: 'z' } },
      ],
      tmpfs: ['/run:size=1m'],
    },
  ],
  [
    'networks with the aliases and addresses that were asked for',
    {
      networks: {
        shop_default: { Aliases: ['web', 'shop-web-2', 'www'], IPAMConfig: { IPv4Address: '10.0.0.9' } },
        other: {},
      },
    },
    { networks: { other: {}, shop_default: { aliases: ['www'], ipv4_address: '10.0.0.9' } } },
  ],
  ['a name of its own', { name: '/front' }, { container_name: 'front' }],
  ['a name that a replacement has for a moment', { name: `/${ID.slice(0, 12)}_shop-web-2` }, {}],
  ['a host name of its own', { config: { Hostname: 'front' } }, { hostname: 'front' }],
  [
    'restart, signal and grace',
    { host: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 5 } }, config: { StopTimeout: 0 } },
    { restart: 'on-failure:5', stop_grace_period: '0s' },
  ],
];

for (const [name, given, says] of CASES) {
  t.test(name, async (t) => t.strictSame(describe(given), { ...PLAIN, ...says }));
}

t.test("the host's network has no networks and the host's name", async (t) => {
  const config = { Hostname: 'machine' };
  t.strictSame(describe({ config, host: { NetworkMode: 'host' }, networks: { host: {} } }), {
    image: 'web:1',
    network_mode: 'host',
  });
});

t.test('who lives in the namespace of another says so by its service; of a stranger by its id', async (t) => {
  const other = { ...rawOf({ name: '/shop-db-1' }), Id: 'ef'.repeat(32) };
  other.Config = { ...other.Config, Labels: { ...LABELS, 'com.docker.compose.service': 'db' } };
  const mode = `container:${other.Id}`;
  const host = { NetworkMode: mode, PidMode: mode, IpcMode: 'container:gone' };
  const container = rawOf({ config: { Hostname: other.Id.slice(0, 12) }, host, networks: {} });
  const facts = [container, other].map((one) => ({ container: one, image: {} }));
  t.strictSame(toLiveContainers(facts)[1]?.config, {
    image: 'web:1',
    network_mode: 'service:db',
    ipc: 'container:gone',
    pid: 'service:db',
  });
});

t.test('without its image everything counts as its own', async (t) => {
  const [live] = toLiveContainers([{ container: rawOf({ config: { Env: ['PATH=/bin'] } }), image: undefined }]);
  t.match(live?.config, { environment: { PATH: '/bin' } });
});

t.test('the hash that Compose put on a container is known, one that came with the image is not', async (t) => {
  const Labels = { ...LABELS, 'com.docker.compose.config-hash': 'abc' };
  const [own] = toLiveContainers([{ container: rawOf({ config: { Labels } }), image: IMAGE }]);
  t.strictSame(own?.labels, Labels);
  const [given] = toLiveContainers([{ container: rawOf({ config: { Labels } }), image: { Labels } }]);
  t.strictSame(given?.labels, LABELS);
});
