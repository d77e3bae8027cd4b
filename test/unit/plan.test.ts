// The planner: facts in, the whole printed plan out.
import t from 'tap';
import { planDeploy, printPlan, type PlanFacts } from '../../agent/deploy/plan/plan.ts';
import type { Rendered, RenderedService } from '../../agent/deploy/rendered.ts';
import type { Container } from '../../agent/docker/engine.ts';
import { FakeEngine } from '../support/fake-engine.ts';

const rendered = (services: Record<string, RenderedService>, more: object = {}): Rendered => ({
  name: 'shop',
  services,
  ...more,
});

const WEB: RenderedService = { image: 'web:1', depends_on: { db: { condition: 'service_healthy' } } };
const DB: RenderedService = { image: 'db:1', environment: { PASSWORD: 'old', USER: 'u' }, networks: { back: null } };

const engine = new FakeEngine();
const running = (service: string, given: Partial<Container> = {}): Container => {
  const image = `${service}:1`;
  return engine.addContainer({
    name: `shop-${service}-1`,
    service,
    image,
    imageId: `sha256:${image}`,
    state: 'running',
    ...given,
  });
};

/** Two services that run as the file says, with these differences. */
const plan = (given: Partial<PlanFacts>): string =>
  printPlan(
    planDeploy({
      desired: rendered({ web: WEB, db: DB }),
      made: rendered({ web: WEB, db: DB }),
      containers: [running('db'), running('web')],
      imageIds: { web: 'sha256:web:1', db: 'sha256:db:1' },
      ...given,
    }),
  );

const lines = (...all: string[]) => all.join('\n');

t.test('a first deploy creates everything, dependencies first', async (t) => {
  t.equal(
    plan({ made: undefined, containers: [], imageIds: {} }),
    lines('create   db   no container yet', 'create   web  no container yet'),
  );
});

t.test('the same file with the same images keeps every container', async (t) => {
  t.equal(plan({}), lines('keep     db   unchanged', 'keep     web  unchanged'));
});

t.test('a new image recreates its service and names both images', async (t) => {
  t.equal(
    plan({ desired: rendered({ web: { ...WEB, image: 'web:2' }, db: DB }), imageIds: {} }),
    lines('keep     db   unchanged', 'recreate web  image changed web:1 → web:2'),
  );
});

t.test('a variable is named, its value is not', async (t) => {
  const desired = rendered({ web: WEB, db: { ...DB, environment: { PASSWORD: 'new', MORE: 'x' } } });
  t.equal(
    plan({ desired }),
    lines(
      'recreate db   environment PASSWORD changed; environment MORE added; environment USER removed',
      'keep     web  unchanged',
    ),
  );
});

t.test('ports are shown as people write them', async (t) => {
  const ports = [{ target: 80, published: '8080', protocol: 'tcp' }];
  t.equal(
    plan({ desired: rendered({ web: { ...WEB, ports }, db: DB }) }),
    lines('keep     db   unchanged', 'recreate web  ports changed none → 8080:80/tcp'),
  );
});

t.test('a name that stands for a newer build recreates what runs the old one', async (t) => {
  t.equal(
    plan({ imageIds: { web: 'sha256:other', db: 'sha256:db:1' } }),
    lines('keep     db   unchanged', 'recreate web  image web:1 is a newer build'),
  );
});

t.test('a service that left the file is removed last', async (t) => {
  t.equal(
    plan({ desired: rendered({ db: DB }) }),
    lines('keep     db   unchanged', 'remove   web  no longer in the file'),
  );
});

t.test('what has stopped is started, with what is known of its end', async (t) => {
  const containers = [running('db', { state: 'exited', exitCode: 137 }), running('web', { state: 'created' })];
  t.equal(plan({ containers }), lines('start    db   exited with code 137', 'start    web  created'));
});

t.test('the half-made container of an interrupted deploy is made again', async (t) => {
  const containers = [running('db'), running('web', { name: '0123456789ab_shop-web-1', state: 'created' })];
  t.equal(plan({ containers }), lines('keep     db   unchanged', 'recreate web  left behind by an interrupted deploy'));
});

t.test('replicas are added and taken away without touching the others', async (t) => {
  const scaled = (replicas: number) => rendered({ db: { ...DB, deploy: { replicas } } });
  const containers = [running('db'), running('db', { name: 'shop-db-2' })];
  t.equal(plan({ desired: scaled(3), containers }), 'create   db  2 of 3 replicas exist');
  t.equal(plan({ desired: scaled(1), containers }), 'remove   db  2 replicas, 1 wanted');
  t.equal(plan({ desired: scaled(2), containers }), 'keep     db  unchanged');
});

t.test('a network that is defined anew takes its containers along, and nobody else', async (t) => {
  const services = { web: WEB, db: DB };
  t.equal(
    plan({
      desired: rendered(services, { networks: { back: { internal: true } } }),
      made: rendered(services, { networks: { back: {} } }),
    }),
    lines('recreate db   network back is defined anew', 'keep     web  unchanged'),
  );
});

t.test('a container that lives in the namespace of a recreated one goes with it', async (t) => {
  const sidecar: RenderedService = { image: 'sidecar:1', network_mode: 'service:web' };
  t.equal(
    plan({
      desired: rendered({ web: { ...WEB, image: 'web:2' }, db: DB, sidecar }),
      made: rendered({ web: WEB, db: DB, sidecar }),
      containers: [running('db'), running('web'), running('sidecar')],
      imageIds: {},
    }),
    lines(
      'keep     db       unchanged',
      'recreate web      image changed web:1 → web:2',
      'recreate sidecar  shares a namespace with web, which is recreated',
    ),
  );
});

t.test('containers of which nobody knows the file are made again', async (t) => {
  t.equal(
    plan({ made: undefined }),
    lines('recreate db   made from an unknown file', 'recreate web  made from an unknown file'),
  );
});

t.test('what Compose does not compare needs no new container', async (t) => {
  const desired = rendered({ web: { ...WEB, depends_on: {}, pull_policy: 'always' }, db: { ...DB, profiles: ['x'] } });
  t.equal(plan({ desired }), lines('keep     db   unchanged', 'keep     web  unchanged'));
});

t.test('services that need each other still get a plan', async (t) => {
  const circle = {
    a: { depends_on: { b: { condition: 'service_started' as const } } },
    b: { network_mode: 'service:a' },
  };
  t.equal(
    plan({ desired: rendered(circle), containers: [], imageIds: {} }),
    lines('create   a  no container yet', 'create   b  no container yet'),
  );
});
