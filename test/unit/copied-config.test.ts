// What a container has of its own, and what its image gave it, told apart when it is made anew from another image.
import t from 'tap';
import { toCopy, type CopyOf } from '../../agent/docker/copied-config.ts';
import type { RawConfig, RawContainer } from '../../agent/docker/raw-container.ts';

const ID = '0123456789ab'.padEnd(64, '0');
const VOLUME = 'f'.repeat(64);

const IMAGE: RawConfig = {
  Cmd: ['serve'],
  Entrypoint: ['/entry'],
  Env: ['PATH=/bin', 'VERSION=1'],
  ExposedPorts: { '80/tcp': {} },
  Labels: { 'org.opencontainers.image.version': '1', kept: 'image' },
  User: 'web',
  Volumes: { '/data': {} },
  WorkingDir: '/srv',
};

const CONTAINER: RawContainer = {
  Id: ID,
  Name: '/box',
  Image: 'sha256:old',
  State: { Status: 'running' },
  Config: { ...IMAGE, Image: 'web:latest', Hostname: '0123456789ab', Tty: true },
  HostConfig: { NetworkMode: 'bridge', RestartPolicy: { Name: 'always' }, Memory: 1000 },
  NetworkSettings: { Networks: { bridge: { Aliases: null } } },
};

type Given = Partial<Omit<RawContainer, 'Config' | 'HostConfig'>> & {
  Config?: Partial<RawContainer['Config']>;
  HostConfig?: RawContainer['HostConfig'];
};

function copy({ Config, HostConfig, ...given }: Given = {}, of: Partial<CopyOf> = {}) {
  const container = {
    ...CONTAINER,
    ...given,
    Config: { ...CONTAINER.Config, ...Config },
    HostConfig: { ...CONTAINER.HostConfig, ...HostConfig },
  };
  return toCopy({ container, image: IMAGE, reference: 'web:latest', imageId: 'sha256:new', ...of }) as object;
}

t.test('what the image gave is left for the new image to give', (t) => {
  t.same(copy(), {
    Image: 'web:latest',
    Tty: true,
    Env: [],
    ExposedPorts: {},
    Volumes: {},
    Labels: {},
    HostConfig: { ...CONTAINER.HostConfig, Mounts: [], Binds: [], Links: [] },
    NetworkingConfig: { EndpointsConfig: { bridge: { Aliases: [] } } },
  });
  t.end();
});

t.test('what was asked for stays', (t) => {
  const Config = {
    Cmd: ['other'],
    Env: ['PATH=/bin', 'VERSION=1', 'MODE=x'],
    User: 'root',
    Hostname: 'named',
    ExposedPorts: { '80/tcp': {}, '81/tcp': {} },
    Labels: { ...IMAGE.Labels, kept: 'own', 'com.docker.compose.image': 'sha256:old' },
  };
  t.match(copy({ Config }), {
    Cmd: ['other'],
    Env: ['MODE=x'],
    User: 'root',
    Hostname: 'named',
    ExposedPorts: { '81/tcp': {} },
    Labels: { kept: 'own', 'com.docker.compose.image': 'sha256:new' },
  });
  t.end();
});

t.test("the image's command stays with an entry point of one's own", (t) => {
  t.match(copy({ Config: { Entrypoint: ['/mine'] } }), { Entrypoint: ['/mine'], Cmd: ['serve'] });
  t.end();
});

t.test('all of it was asked for, as far as anybody can tell, when the old image is gone', (t) => {
  t.match(copy({}, { image: {} }), { Cmd: ['serve'], Env: IMAGE.Env, User: 'web' });
  t.end();
});

t.test('anonymous volumes go along', (t) => {
  const mount = { Type: 'volume', Name: VOLUME, Source: '/v', RW: true };
  const Mounts = [{ ...mount, Destination: '/data' }];
  t.match(copy({ Mounts }), { HostConfig: { Binds: [`${VOLUME}:/data`] } });
  const asked = copy({ Mounts, HostConfig: { Mounts: [{ Type: 'volume', Target: '/data' }] } });
  t.match(asked, { HostConfig: { Mounts: [{ Target: '/data', Source: VOLUME }], Binds: [] } });
  const named = copy({
    Mounts: [{ ...mount, Name: 'data', Destination: '/data' }],
    HostConfig: { Binds: ['data:/data:ro'] },
  });
  t.match(named, { HostConfig: { Binds: ['data:/data:ro'] } }, 'a named one stands there already');
  t.end();
});

t.test('networks keep addresses and aliases, but for the one that Docker adds', (t) => {
  const Networks = { shop: { Aliases: ['web', '0123456789ab'], IPAMConfig: { IPv4Address: '10.0.0.5' } } };
  t.match(copy({ NetworkSettings: { Networks }, HostConfig: { NetworkMode: 'shop', Links: ['/db:/box/store'] } }), {
    NetworkingConfig: { EndpointsConfig: { shop: { Aliases: ['web'], IPAMConfig: { IPv4Address: '10.0.0.5' } } } },
    HostConfig: { Links: ['db:store'] },
  });
  for (const NetworkMode of ['host', 'none', 'container:abc'])
    t.same(
      Reflect.get(copy({ HostConfig: { NetworkMode } }), 'NetworkingConfig'),
      { EndpointsConfig: {} },
      NetworkMode,
    );
  t.end();
});
