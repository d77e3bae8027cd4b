// Which services can be replaced start-first, and what is said of the others: facts in, order and reason out.
import t from 'tap';
import type { HealthCheck } from '../../agent/health/health-check.ts';
import type { Container, Image } from '../../agent/docker/engine.ts';
import { monitorMsOf, planReplacing, type OrderFacts } from '../../agent/deploy/overlap/order.ts';
import { printPlan } from '../../agent/deploy/plan/plan.ts';
import type { Rendered, RenderedService } from '../../agent/deploy/rendered.ts';
import { madeOf } from '../../agent/deploy/revisions/origin.ts';
import type { Revision } from '../../agent/deploy/revisions/revisions.ts';
import { FakeEngine } from '../support/fake-engine.ts';

const HEALTHCHECK = { test: ['CMD', 'true'] };
const BEFORE: RenderedService = { image: 'web:1', healthcheck: HEALTHCHECK };

const rendered = (services: Record<string, RenderedService>, more: object = {}): Rendered => ({
  name: 'shop',
  services,
  ...more,
});

const engine = new FakeEngine();
const running = (given: Partial<Container> = {}): Container =>
  engine.addContainer({
    name: 'shop-web-1',
    service: 'web',
    image: 'web:1',
    imageId: 'sha256:web:1',
    labels: { 'com.docker.compose.config-hash': 'of web:1' },
    state: 'running',
    ...given,
  });

const imageOf = (given: Partial<Image> = {}): Image => {
  engine.addImage('web:2', given);
  return engine.images.get('web:2') as Image;
};

/** What ran before as the good revision. */
const goodOf = (before: Rendered): Revision => ({
  meta: {
    revision: 1,
    serviceId: 'svc_1',
    jobId: 'job_1',
    inputs: '',
    variablesHash: '',
    images: { web: { reference: 'web:1', id: 'sha256:web:1', digests: [] } },
    hashes: { web: 'of web:1' },
    finished: [],
    plan: [],
    recordedAt: 0,
  },
  rendered: before,
  sources: { compose: '', env: '', override: '', files: {} },
});

/** What is said of `web` when it goes from web:1 to web:2, with these differences. */
function order(web: RenderedService, given: Partial<OrderFacts> & { others?: Record<string, RenderedService> } = {}) {
  const { others = {}, ...facts } = given;
  const before = rendered({ web: BEFORE, ...others });
  const steps = planReplacing({
    healthChecks: [],
    desired: rendered({ web: { image: 'web:2', healthcheck: HEALTHCHECK, ...web }, ...others }),
    made: before,
    containers: [running()],
    imageIds: {},
    images: { web: imageOf() },
    good: goodOf(before),
    ...facts,
  });
  const { replacement } = steps.find(({ service }) => service === 'web') ?? {};
  return replacement && `${replacement.order}: ${replacement.reason}`;
}

const ASKED = { deploy: { update_config: { order: 'start-first' } } };
const NO_HEALTHCHECK = { healthcheck: { disable: true } };

t.test('a service with a health check that shares nothing is replaced start-first', async (t) => {
  t.equal(order({}), 'start_first: it has a health check and can overlap');
  const ofImage = { image: 'web:2', healthcheck: {} };
  t.equal(order(ofImage, { images: { web: imageOf({ hasHealthCheck: true }) } }), order({}), 'or its image has one');
  const thresholds = { startPeriodMs: 0, failures: 3, passes: 1 };
  const own: HealthCheck = {
    service: 'web',
    probe: { type: 'tcp', port: 80 },
    intervalMs: 1,
    timeoutMs: 1,
    thresholds,
  };
  t.equal(order(NO_HEALTHCHECK, { healthChecks: [own] }), order({}), 'or its user has asked for one');
  t.not(order(NO_HEALTHCHECK, { healthChecks: [{ ...own, service: 'db' }] }), order({}));
});

t.test('the file decides where it says an order', async (t) => {
  t.equal(
    order({ deploy: { update_config: { order: 'stop-first' } } }),
    'stop_first: the file says so (update_config.order)',
  );
  t.equal(order({ ...ASKED, ...NO_HEALTHCHECK }), 'start_first: the file says so (update_config.order)');
  const volumes = [{ type: 'volume', source: 'uploads', target: '/uploads' }];
  t.equal(order({ ...ASKED, volumes }), order(ASKED), 'also that two may write to the same data');
});

t.test('without a health check nobody knows when the new one is ready', async (t) => {
  t.equal(order(NO_HEALTHCHECK), 'stop_first: its health check is switched off');
  t.equal(order({ healthcheck: { test: ['NONE'] } }), 'stop_first: its health check is switched off');
  t.equal(order({ healthcheck: {} }), 'stop_first: it has no health check, so nobody knows when it is ready');
  t.equal(
    order({ healthcheck: {} }, { images: { web: undefined } }),
    'stop_first: it has no health check in the file, and its image is not here yet',
  );
});

t.test(
  'what only one container can have keeps two from running side by side, whatever the file asks for',
  async (t) => {
    const cases: [RenderedService, string][] = [
      [{ ports: [{ target: 80, published: '8080', protocol: 'tcp' }] }, 'it has port 8080 of the host'],
      [{ container_name: 'shop' }, 'its container has a fixed name, shop'],
      [{ network_mode: 'host' }, 'it shares a namespace (host)'],
      [{ network_mode: 'container:x' }, 'it shares a namespace (container:x)'],
      [{ pid: 'host' }, 'it shares a namespace (host)'],
      [{ networks: { front: { ipv4_address: '10.0.0.9' } } }, 'it has a fixed address on network front'],
      [{ mac_address: '02:42:ac:11:00:01' }, 'it has a fixed MAC address'],
      [{ volumes_from: ['db'] }, 'it has the volumes of another (volumes_from)'],
      [{ volumes: [{ type: 'volume', target: '/data' }] }, 'it keeps data in an anonymous volume, /data'],
    ];
    for (const [service, reason] of cases) t.equal(order({ ...ASKED, ...service }), `stop_first: ${reason}`);
    t.equal(
      order(ASKED, { images: { web: imageOf({ volumes: ['/data'] }) } }),
      'stop_first: it keeps data in an anonymous volume, /data',
      'nor what its image declares as a volume',
    );
  },
);

t.test('data that is written to is for one writer; what is only read, or in memory, is for any', async (t) => {
  const mount = (type: string, more: object = {}) => ({
    volumes: [{ type, source: 'data', target: '/data', ...more }],
  });
  t.equal(order(mount('volume')), 'stop_first: two would write to /data');
  t.equal(order(mount('bind')), 'stop_first: two would write to /data');
  t.match(order(mount('volume', { read_only: true })), /^start_first/);
  t.match(order(mount('tmpfs')), /^start_first/);
  t.match(order({ tmpfs: '/data:size=1m' }, { images: { web: imageOf({ volumes: ['/data'] }) } }), /^start_first/);
  t.match(order({ ports: [{ target: 80, protocol: 'tcp' }] }), /^start_first/, 'as is a port that Docker chooses');
});

t.test('services that live with it or are restarted with it stand in the way', async (t) => {
  const sidecar = { image: 'log:1', network_mode: 'service:web' };
  t.equal(order({}, { others: { sidecar } }), 'stop_first: sidecar shares a namespace with it');
  const depends_on = { web: { condition: 'service_started', restart: true } } as const;
  t.equal(
    order({}, { others: { proxy: { image: 'proxy:1', depends_on } } }),
    'stop_first: proxy is restarted with it (depends_on)',
  );
  const links = ['db:sql', 'web:backend'];
  t.equal(
    order({}, { others: { proxy: { image: 'proxy:1', links } } }),
    'stop_first: proxy is linked to its container (links)',
  );
});

t.test('what comes after it is not cut off from a service that is recreated before it', async (t) => {
  const started = { condition: 'service_started' } as const;
  const others = {
    db: { image: 'db:1' },
    api: { image: 'api:1', depends_on: { web: started } },
    proxy: { image: 'proxy:1', depends_on: { api: started, db: { ...started, restart: true } } },
  };
  t.match(order({}, { others }), /^start_first/);
  const containers = [running(), running({ name: 'shop-db-1', service: 'db', image: 'db:1', imageId: 'sha256:db:1' })];
  t.equal(
    order({}, { others, containers, imageIds: { db: 'sha256:a newer db:1' } }),
    'stop_first: proxy, which needs it, is restarted with db (depends_on)',
  );
});

t.test('a network that is made anew takes its containers with it', async (t) => {
  const web = { image: 'web:2', healthcheck: HEALTHCHECK, networks: { front: null } };
  const desired = rendered({ web }, { networks: { front: { internal: true } } });
  const made = rendered({ web: BEFORE }, { networks: { front: {} } });
  t.equal(order({}, { desired, made }), 'stop_first: network front is made anew');
});

const STOPPED = 'stop_first: not all of what ran as the last good revision still runs';

t.test('what runs must be the good revision, all of it', async (t) => {
  const down = [running(), running({ name: 'shop-web-2', state: 'exited' })];
  t.equal(order({}, { containers: down }), STOPPED);
  const foreign = [running({ labels: {} })];
  t.equal(order({}, { containers: foreign }), STOPPED);
  t.equal(order({}, { good: undefined }), STOPPED);
  t.equal(
    order({}, { containers: [running({ isAdopted: true })] }),
    'stop_first: it was adopted, and Compose makes it its own now',
  );
  const half = [running(), running({ name: 'shop-web-2', imageId: 'sha256:web:2', state: 'created' })];
  t.match(order({}, { containers: half }), /^start_first/, 'new ones that an interrupted deploy has left do not count');
});

t.test('only what is replaced has an order, and the plan prints it', async (t) => {
  t.equal(order({ image: 'web:1' }), undefined);
  const step = { service: 'web', action: 'recreate', reason: 'image changed' } as const;
  const replacement = { order: 'start_first', reason: 'it has a health check and can overlap' } as const;
  t.equal(
    printPlan([{ ...step, replacement }]),
    'recreate web  image changed (start-first: it has a health check and can overlap)',
  );
});

t.test('both run side by side as long as the slowest asks for', async (t) => {
  const lasting = (monitor: string) => ({ deploy: { update_config: { monitor } } });
  t.equal(monitorMsOf([{}]), 3_000);
  t.equal(monitorMsOf([lasting('500ms'), lasting('1m30s')]), 90_000);
  t.equal(monitorMsOf([lasting('0s')]), 0);
});

t.test('containers of the good revision were made from it, whatever was handed to Compose since', async (t) => {
  const [before, last] = [rendered({ web: BEFORE }), rendered({ web: { image: 'web:2' }, db: { image: 'db:2' } })];
  const good = goodOf(before);
  t.strictSame(madeOf(last, good, [running()])?.services, { web: BEFORE, db: { image: 'db:2' } });
  t.equal(madeOf(last, good, [running({ imageId: 'sha256:web:2' })]), last, 'others are of the last file');
  t.equal(madeOf(last, undefined, [running()]), last);
  t.strictSame(madeOf(undefined, good, [running()])?.services, { web: BEFORE }, 'also without a last file');
});
