// A service as a drill brings it up, and which volume of a backup is which.
import t from 'tap';
import { toScratch } from '../../agent/backup/scratch-service.ts';
import { pairVolumes } from '../../agent/backup/volume-map.ts';

const SHOP = {
  name: 'shop',
  services: {
    web: {
      image: 'nginx:1',
      container_name: 'the-shop',
      restart: 'always',
      ports: [{ target: 80, published: '80' }],
      networks: { front: { aliases: ['shop'] } },
      labels: { 'longshore.service': 'svc_1', 'longshore.content': 'x', mine: 'y' },
      volumes: [
        { type: 'volume', source: 'data', target: '/data' },
        { type: 'bind', source: '/srv/conf', target: '/conf' },
      ],
    },
    side: { image: 'side:1', network_mode: 'service:web' },
    wide: { image: 'wide:1', network_mode: 'host' },
  },
  networks: { front: { name: 'shared', external: true } },
  volumes: { data: { name: 'shop_data' }, other: { name: 'theirs', external: true } },
};

t.test('a scratch copy cannot touch its service, nor the world', async (t) => {
  t.strictSame(toScratch(SHOP, 'drill-1'), {
    name: 'drill-1',
    services: {
      web: {
        image: 'nginx:1',
        labels: { mine: 'y' },
        networks: { default: null },
        restart: 'no',
        pull_policy: 'never',
        volumes: [
          { type: 'volume', source: 'data', target: '/data' },
          { type: 'bind', source: '/srv/conf', target: '/conf', read_only: true },
        ],
      },
      side: {
        image: 'side:1',
        labels: {},
        network_mode: 'service:web',
        restart: 'no',
        pull_policy: 'never',
        volumes: [],
      },
      wide: {
        image: 'wide:1',
        labels: {},
        networks: { default: null },
        restart: 'no',
        pull_policy: 'never',
        volumes: [],
      },
    },
    networks: { default: { name: 'drill-1_default', internal: true } },
    volumes: { data: { name: 'drill-1_data' }, other: { name: 'drill-1_other' } },
  });
});

t.test('volumes of two services are the same where their compose files call them so', async (t) => {
  const copy = { name: 'copy', services: {}, volumes: { data: { name: 'copy_data' }, more: { name: 'copy_more' } } };
  t.strictSame(pairVolumes(['shop_data'], SHOP, copy), [{ key: 'data', from: 'shop_data', to: 'copy_data' }]);
  const bare = { name: 'bare', services: {}, volumes: {} };
  const error = { code: 'state_conflict', message: 'Service "bare" has no volume for "data" of the backup' };
  t.throws(() => pairVolumes(['shop_data'], SHOP, bare), error);
  const foreign = { ...copy, volumes: { data: { name: 'theirs', external: true } } };
  t.throws(
    () => pairVolumes(['shop_data'], SHOP, foreign),
    { code: 'state_conflict' },
    'nothing is written into others',
  );
});
