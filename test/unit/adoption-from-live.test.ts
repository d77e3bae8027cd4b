// From containers as they are to a compose file that makes them: pure, compared whole.
import { createHash } from 'node:crypto';
import t from 'tap';
import { fromLive, type LiveFacts } from '../../agent/adoption/from-live.ts';
import { escaped, hideSecrets } from '../../agent/adoption/secrets-out.ts';
import type { LiveContainer } from '../../agent/docker/live-container.ts';

const live = (given: Partial<LiveContainer> & { name: string }): LiveContainer => ({
  id: `id-of-${given.name}`,
  project: '',
  service: '',
  number: 0,
  isOneOff: false,
  state: 'running',
  imageId: 'sha256:1',
  labels: {},
  config: { image: 'busybox:1' },
  anonymousVolumes: {},
  ...given,
});

const ofShop = (service: string, given: Partial<LiveContainer> = {}): LiveContainer =>
  live({ name: `shop-${service}-1`, project: 'shop', service, number: 1, ...given });

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const network = (key: string, made?: string) => resource('network', key, made);
const volume = (key: string, made?: string) => resource('volume', key, made);

/** Of the project; `made`: what Compose hashed when it made it, absent for an older Compose. */
function resource(kind: 'network' | 'volume', key: string, made?: string) {
  const name = `shop_${key}`;
  const hash = made === undefined ? {} : { 'com.docker.compose.config-hash': sha256(made) };
  return { id: name, name, labels: { [`com.docker.compose.${kind}`]: key, ...hash } };
}

const draft = (facts: Partial<LiveFacts>) =>
  fromLive({ containers: [], as: 'shop', networks: [], volumes: [], ...facts });

t.test(
  'a project keeps the names that its file gave to networks and volumes, and the order of its services',
  async (t) => {
    const web = ofShop('web', {
      labels: { 'com.docker.compose.depends_on': 'db:service_healthy:true,gone:service_started:false' },
      config: { image: 'web:1', networks: { shop_default: { aliases: ['www'] } } },
    });
    const db = ofShop('db', {
      config: {
        image: 'db:1',
        networks: { shop_default: {}, other: {} },
        volumes: [{ type: 'volume', source: 'shop_data', target: '/data' }],
      },
    });
    const networks = [network('default', '{"name":"shop_default","ipam":{}}')];
    t.same(draft({ containers: [web, db], networks, volumes: [volume('data')] }), {
      root: {
        services: {
          web: {
            image: 'web:1',
            networks: { default: { aliases: ['www'] } },
            depends_on: { db: { condition: 'service_healthy', restart: true } },
          },
          db: {
            image: 'db:1',
            networks: { default: {}, other: {} },
            volumes: [{ type: 'volume', source: 'data', target: '/data' }],
          },
        },
        networks: { default: { name: 'shop_default' }, other: { name: 'other', external: true } },
        volumes: { data: { name: 'shop_data' } },
      },
      variables: {},
      containers: [
        { id: 'id-of-shop-web-1', service: 'web' },
        { id: 'id-of-shop-db-1', service: 'db' },
      ],
    });
  },
);

t.test('what Compose would make anew, because the file said more than can be seen, is left to nobody', async (t) => {
  const config = {
    image: 'db:1',
    networks: { shop_default: {} },
    volumes: [{ type: 'volume', source: 'shop_data', target: '/data' }],
  };
  const { root } = draft({
    containers: [ofShop('db', { config })],
    networks: [network('default', '{"name":"shop_default","driver":"bridge","ipam":{}}')],
    volumes: [volume('data', '{"name":"shop_data","driver":"local","labels":{"a":"b"}}')],
  });
  t.match(root, {
    networks: { default: { name: 'shop_default', external: true } },
    volumes: { data: { name: 'shop_data', external: true } },
  });
});

t.test('a container of docker run: its own name, its volumes by name, anonymous ones too', async (t) => {
  const config = {
    image: 'redis:7',
    container_name: 'my_redis',
    network_mode: 'bridge',
    volumes: [
      { type: 'bind', source: '/srv', target: '/srv' },
      { type: 'volume', source: 'cache', target: '/cache' },
      { type: 'volume', target: '/scratch', read_only: true },
    ],
  };
  const anonymousVolumes = { '/scratch': 'a'.repeat(64), '/data': 'b'.repeat(64) };
  const { root, containers } = draft({
    as: 'redis',
    containers: [live({ name: 'my_redis', config, anonymousVolumes })],
  });
  t.same(root, {
    services: {
      redis: {
        image: 'redis:7',
        container_name: 'my_redis',
        network_mode: 'bridge',
        volumes: [
          { type: 'bind', source: '/srv', target: '/srv' },
          { type: 'volume', source: 'cache', target: '/cache' },
          { type: 'volume', source: 'a'.repeat(64), target: '/scratch', read_only: true },
          { type: 'volume', source: 'b'.repeat(64), target: '/data' },
        ],
      },
    },
    volumes: {
      ['a'.repeat(64)]: { name: 'a'.repeat(64), external: true },
      ['b'.repeat(64)]: { name: 'b'.repeat(64), external: true },
      cache: { name: 'cache', external: true },
    },
  });
  t.same(containers, [{ id: 'id-of-my_redis', service: 'redis' }]);
});

t.test('replicas are one service, if they are alike', async (t) => {
  const two = [1, 2].map((number) => ofShop('web', { name: `shop-web-${number}`, number }));
  t.same(draft({ containers: two }).root, { services: { web: { image: 'busybox:1', scale: 2 } } });
  const odd = ofShop('web', { name: 'shop-web-3', number: 3, config: { image: 'busybox:2' } });
  t.throws(() => draft({ containers: [...two, odd] }), {
    code: 'state_conflict',
    message: 'Containers "shop-web-1" and "shop-web-3" of service "web" are not set up alike',
  });
});

t.test('no text of a container is taken for a variable, and secrets become some', async (t) => {
  const environment = { PRICE: '5$', DB_PASSWORD: 'a$b', GONE: null };
  const config = { image: 'web:1', command: ['sh', '-c', 'echo ${HOME}'], environment };
  const { root, variables } = draft({ containers: [ofShop('web', { config })] });
  t.match(root, {
    services: {
      web: {
        command: ['sh', '-c', 'echo $${HOME}'],
        environment: { PRICE: '5$$', DB_PASSWORD: '${DB_PASSWORD}', GONE: null },
      },
    },
  });
  t.same(variables, { DB_PASSWORD: 'a$b' }, 'as it is');
});

t.test('one name with two values is two variables; what steers Compose is none', async (t) => {
  const services = {
    web: { environment: { PASSWORD: 'one', DOCKER_TOKEN: 'x', 'odd-secret': 'k' } },
    db: { environment: { PASSWORD: 'two' } },
    job: { environment: { PASSWORD: 'one' } },
  };
  t.same(hideSecrets(services), {
    services: {
      web: {
        environment: { PASSWORD: '${PASSWORD}', DOCKER_TOKEN: '${OF_WEB_DOCKER_TOKEN}', 'odd-secret': '${odd_secret}' },
      },
      db: { environment: { PASSWORD: '${OF_DB_PASSWORD}' } },
      job: { environment: { PASSWORD: '${PASSWORD}' } },
    },
    variables: { PASSWORD: 'one', OF_WEB_DOCKER_TOKEN: 'x', odd_secret: 'k', OF_DB_PASSWORD: 'two' },
  });
});

t.test('a dollar is doubled in every text and nowhere else', async (t) => {
  t.same(escaped({ $a: ['$', { b: '$$' }, 5, null, true] }), { $a: ['$$', { b: '$$$$' }, 5, null, true] });
});
