// What of a deploy is Compose's and what is not, when some containers were adopted.
import t from 'tap';
import type { PlanAction } from '#shared/jobs.ts';
import { divide } from '../../agent/deploy/adoption/divide.ts';
import type { Container } from '../../agent/docker/engine.ts';
import { FakeEngine } from '../support/fake-engine.ts';

const engine = new FakeEngine();
const PROJECT = 'com.docker.compose.project';

const container = (service: string, given: Partial<Container> = {}): Container =>
  engine.addContainer({
    name: service,
    project: 'shop',
    service,
    state: 'running',
    labels: { [PROJECT]: 'shop' },
    ...given,
  });
const adopted = (service: string, given: Partial<Container> = {}) => container(service, { isAdopted: true, ...given });
/** Made by `docker run`. */
const foreign = (service: string) => adopted(service, { labels: {} });

const plan = (actions: Record<string, PlanAction>) =>
  Object.entries(actions).map(([service, action]) => ({ service, action, reason: '' }));

/** Names instead of containers. `gone`: services that the file no longer has. */
function divided(actions: Record<string, PlanAction>, containers: Container[], gone: string[] = []) {
  const services = Object.fromEntries(
    Object.keys(actions).flatMap((name) => (gone.includes(name) ? [] : [[name, {}]])),
  );
  const division = divide(plan(actions), containers, { services });
  return (
    division && {
      only: division.only,
      anew: division.anew,
      idle: division.idle.map(({ name }) => name),
      retired: division.retired.map(({ name }) => name),
    }
  );
}

t.test('where nothing was adopted, Compose does everything', async (t) => {
  t.equal(divided({ web: 'recreate', db: 'keep' }, [container('web'), container('db')]), undefined);
});

t.test('adopted containers that stay are kept out of its hands', async (t) => {
  const containers = [adopted('web'), adopted('db'), container('cache')];
  t.same(divided({ web: 'recreate', db: 'keep', cache: 'keep' }, containers), {
    only: ['web', 'cache'],
    anew: ['web'],
    idle: [],
    retired: [],
  });
});

t.test('one that only has to run is started as it is', async (t) => {
  t.same(divided({ web: 'start', new: 'create' }, [adopted('web', { state: 'exited' })]), {
    only: ['new'],
    anew: [],
    idle: ['web'],
    retired: [],
  });
});

t.test('what Compose does not know goes before its successor comes, and when the file no longer has it', async (t) => {
  const containers = [foreign('redis'), foreign('stays'), foreign('gone'), adopted('left')];
  t.same(divided({ redis: 'recreate', stays: 'keep', gone: 'remove', left: 'remove' }, containers, ['gone', 'left']), {
    only: ['redis'],
    anew: [],
    idle: [],
    retired: ['redis', 'gone', 'left'],
  });
});

t.test('a service of which there are too many is left to Compose, which takes the surplus', async (t) => {
  const containers = [adopted('db'), container('web'), container('web', { name: 'web-2' })];
  t.same(divided({ db: 'keep', web: 'remove' }, containers), {
    only: ['web'],
    anew: [],
    idle: [],
    retired: [],
  });
});
