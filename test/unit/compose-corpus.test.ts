// The comparison of two runs of a compose file: what it overlooks, and that it overlooks nothing else.
import t from 'tap';
import { loadCases } from '../support/compose-corpus/fixture.ts';
import { normalise, type Inspected, type Project } from '../support/compose-corpus/normalise.ts';

const TEXT = 'subnet: 10.213.1.0/24, ipv4_address: 10.213.1.10';

/** A project as `docker inspect` shows it; `run` stands for what no two runs share. */
function project(run: string): Project {
  const id = (kind: string) => Buffer.from(`${kind}${run}`.padEnd(32, '.')).toString('hex');
  const [web, network, volume] = [id('web'), id('net'), id('vol')];
  return {
    containers: [
      {
        Id: web,
        Name: '/shop-web-1',
        Created: run,
        Path: 'sleep',
        Args: ['1000'],
        State: { Status: 'running', Pid: run, StartedAt: run, ExitCode: 0, Health: { Status: 'healthy', Log: [run] } },
        Image: 'sha256:1',
        LogPath: `/var/lib/docker/${web}.log`,
        HostConfig: {
          Binds: ['/srv/shop/data:/data:rw'],
          NetworkMode: 'shop_back',
          PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }], '81/tcp': [{ HostIp: '', HostPort: '' }] },
          Memory: 67_108_864,
          Dns: run === 'a' ? [] : null,
          PidMode: `container:${web}`,
        },
        Config: {
          Hostname: web.slice(0, 12),
          Env: run === 'a' ? ['A=1', 'B=2'] : ['B=2', 'A=1'],
          Labels: {
            team: 'a',
            'com.docker.compose.config-hash': run,
            'com.docker.compose.depends_on': run === 'a' ? 'x:1,y:2' : 'y:2,x:1',
            ...(run === 'a' && { 'longshore.service': 'svc_1' }),
          },
        },
        Mounts: [
          { Type: 'volume', Name: volume, Source: `/var/lib/docker/volumes/${volume}/_data`, Destination: '/x' },
        ],
        NetworkSettings: {
          Ports: {
            '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }],
            '81/tcp': [{ HostIp: '0.0.0.0', HostPort: `3276${run.charCodeAt(0)}` }],
          },
          Networks: {
            shop_back: {
              NetworkID: network,
              IPAddress: '10.213.1.10',
              MacAddress: `02:${run}`,
              Aliases: ['shop-web-1', 'web'],
              DNSNames: ['web', web.slice(0, 12)],
            },
            shop_auto: { NetworkID: network, IPAddress: `172.20.0.${run.charCodeAt(0)}`, Aliases: ['web'] },
          },
        },
      },
    ],
    networks: [
      {
        Id: network,
        Name: 'shop_back',
        Created: run,
        Containers: { [web]: {} },
        IPAM: { Config: [{ Subnet: '10.213.1.0/24' }] },
      },
      {
        Id: id('auto'),
        Name: 'shop_auto',
        IPAM: { Config: [{ Subnet: `172.${run.charCodeAt(0)}.0.0/16` }] },
        Internal: false,
      },
    ],
    volumes: [{ Name: 'shop_data', CreatedAt: run, Driver: 'local', Labels: { a: 'b' }, Options: { type: 'tmpfs' } }],
    output: { '/shop-web-1': `I am ${web.slice(0, 12)}` },
  };
}

const normal = (given: Project) => normalise(given, TEXT);

t.test('two runs of one file are the same', async (t) => {
  t.strictSame(normal(project('a')), normal(project('b')));
});

type Change = (container: Inspected & Record<string, any>, all: Project & Record<string, any>) => void;

/** Each is a difference that somebody would miss. */
const CHANGES: [string, Change][] = [
  ['a value of the environment', ({ Config }) => (Config.Env[0] = 'A=2')],
  ['a variable more', ({ Config }) => Config.Env.push('C=3')],
  ['a label', ({ Config }) => (Config.Labels.team = 'b')],
  ['a dependency', ({ Config }) => (Config.Labels['com.docker.compose.depends_on'] = 'x:1')],
  ['a host name', ({ Config }) => (Config.Hostname = 'web')],
  ['an argument', ({ Args }) => (Args[0] = '2000')],
  ['another image', (container) => (container['Image'] = 'sha256:2')],
  ['a bind mount', ({ HostConfig }) => (HostConfig.Binds[0] = '/srv/shop/data:/data:ro')],
  ['an anonymous volume elsewhere', ({ Mounts }) => (Mounts[0].Destination = '/y')],
  ['an anonymous volume with a name', ({ Mounts }) => (Mounts[0].Name = 'shop_data')],
  ['a memory limit', ({ HostConfig }) => (HostConfig.Memory = 1)],
  ['a name server', ({ HostConfig }) => (HostConfig.Dns = ['10.0.0.53'])],
  ['a shared namespace', ({ HostConfig }) => (HostConfig.PidMode = 'host')],
  ['a host port', ({ HostConfig }) => (HostConfig.PortBindings['80/tcp'][0].HostPort = '8081')],
  ['a port that is not bound', ({ NetworkSettings }) => (NetworkSettings.Ports['80/tcp'] = null)],
  ['the address of a port', ({ NetworkSettings }) => (NetworkSettings.Ports['81/tcp'][0].HostIp = '127.0.0.1')],
  ['an alias', ({ NetworkSettings }) => NetworkSettings.Networks.shop_back.Aliases.push('www')],
  ['a network less', ({ NetworkSettings }) => delete NetworkSettings.Networks.shop_auto],
  [
    'an address that the file gives',
    ({ NetworkSettings }) => (NetworkSettings.Networks.shop_back.IPAddress = '10.213.1.11'),
  ],
  ['a state', ({ State }) => (State.Status = 'exited')],
  ['a health', ({ State }) => (State.Health.Status = 'unhealthy')],
  [
    'a container more',
    (container, { containers }) => containers.push({ ...container, Id: 'f'.repeat(64), Name: '/shop-web-2' }),
  ],
  ['a subnet that the file gives', (_, { networks }) => ((networks[0] as any).IPAM.Config[0].Subnet = '10.213.2.0/24')],
  ['an internal network', (_, { networks }) => ((networks[1] as any).Internal = true)],
  ["a volume's label", (_, { volumes }) => ((volumes[0] as any).Labels.a = 'c')],
  ["a volume's option", (_, { volumes }) => ((volumes[0] as any).Options.type = 'nfs')],
  ['a volume less', (_, { volumes }) => volumes.pop()],
  ['what was printed', (_, { output }) => (output['/shop-web-1'] = 'I am somebody else')],
];

t.test('and each of these makes them differ', async (t) => {
  const before = normal(project('a'));
  for (const [name, change] of CHANGES) {
    const changed = project('b');
    change(changed.containers[0] ?? {}, changed);
    t.notSame(normal(changed), before, name);
  }
});

t.test('every file of the corpus says what it is about', async (t) => {
  const cases = loadCases();
  t.ok(cases.filter(({ refused }) => refused === undefined).length >= 60, 'at least 60 files run');
  for (const { name, about } of cases) t.match(about, /^[A-Z].*\.$/, name);
});
