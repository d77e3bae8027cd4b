// What a backup holds of a service, and what it says it does not.
import t from 'tap';
import { leftOutOf, volumesOf } from '../../agent/backup/contents.ts';

t.test('data that is in no backup is named', async (t) => {
  const rendered = {
    name: 'shop',
    services: {
      db: {
        volumes: [
          { type: 'volume', source: 'data', target: '/var/lib/db' },
          { type: 'volume', source: 'shared', target: '/shared' },
          { type: 'volume', target: '/scratch' },
          { type: 'tmpfs', target: '/tmp' },
        ],
      },
      web: {
        volumes: [
          { type: 'bind', source: '/srv/shop', target: '/srv' },
          { type: 'volume', source: 'shared', target: '/shared' },
          { type: 'bind', source: '/var/run/docker.sock', target: '/var/run/docker.sock' },
        ],
      },
      job: {},
    },
    volumes: { data: { name: 'shop_data' }, shared: { name: 'company-files', external: true } },
  };
  t.strictSame(leftOutOf(rendered), [
    'external volume company-files',
    'the nameless volume of db at /scratch',
    'bind mount /srv/shop',
  ]);
});

t.test('a service whose data is all in named volumes leaves nothing out', async (t) => {
  const volumes = [{ type: 'volume', source: 'data', target: '/data' }];
  t.strictSame(leftOutOf({ name: 'shop', services: { db: { volumes } }, volumes: { data: {} } }), []);
  t.strictSame(leftOutOf({ name: 'shop', services: { web: { image: 'nginx' } } }), []);
});

t.test('volumes are told from files by where Docker keeps them', async (t) => {
  const paths = ['/data/services/shop/compose.yaml', '/var/lib/docker/volumes/shop_data/_data'];
  t.strictSame(volumesOf(paths), [{ name: 'shop_data', path: '/var/lib/docker/volumes/shop_data' }]);
});
