// When a host looks for newer images, and what it tells of them.
import t, { type Test } from 'tap';
import { Scope } from '#shared/lifecycle.ts';
import { silentLogger } from '#shared/log.ts';
import type { JobKind } from '#shared/jobs.ts';
import { createBuildCacheLimit } from '../../agent/images/build-cache.ts';
import { startUpdates } from '../../agent/images/updates.ts';
import { openState } from '../../agent/state/open.ts';
import { SERVICE_LABEL } from '../../agent/docker/engine.ts';
import { specOf } from '../support/agent-core.ts';
import { eventually } from '../support/eventually.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { faultCode } from '../support/fault-code.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';

const HOUR_MS = 3600_000;
const [OLD, NEW] = [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`];
const NEVER = new AbortController().signal;

function start(t: Test, { everyMs = 6 * HOUR_MS } = {}) {
  const clock = new ManualClock();
  const state = openState(makeFolder(t, 'agent'), clock);
  const scope = new Scope(silentLogger());
  t.teardown(async () => {
    await scope.stop();
    state.close();
  });
  const engine = new FakeEngine();
  const underWay = new Map<string, JobKind>();
  const asked: string[] = [];
  const registries = {
    fetchDigest: async (image: string) => {
      asked.push(image);
      return NEW;
    },
  };
  const log = silentLogger();
  const updates = startUpdates({ state, engine, registries, underWay, clock, log, random: () => 0.5, everyMs }, scope);
  const addService = (name: string) => {
    const id = `svc_${name}`;
    const [image, imageId] = [`${name}:1`, `sha256:${name}`];
    state.transact(() => state.services.put(specOf({ id, name })));
    const shape = { id: imageId, tags: [image], digests: [`${name}@${OLD}`], sizeBytes: 1, architecture: 'amd64' };
    engine.images.set(imageId, { ...shape, volumes: [], ports: [], hasHealthCheck: false });
    for (const number of [1, 2])
      engine.addContainer({
        name: `${name}-web-${number}`,
        project: name,
        service: 'web',
        image,
        imageId,
        labels: { [SERVICE_LABEL]: id },
      });
    return id;
  };
  const told = () =>
    state.outbox.read(0).flatMap(({ body }) => (body.kind === 'service.updates' ? [body.updates] : []));
  return { clock, state, engine, underWay, asked, updates, addService, told };
}

/** What was begun has come to its next wait. */
const rested = (clock: ManualClock) => eventually(() => clock.pending > 0);
const turn = () => new Promise((resolve) => setImmediate(resolve));

t.test('a round comes some time after the start, and then every few hours', async (t) => {
  const { clock, asked, addService, told } = start(t);
  addService('one');
  addService('two');
  t.same(asked, []);
  clock.advance(15 * 60_000);
  await eventually(() => asked.length === 2);
  t.same(asked, ['one:1', 'two:1'], 'replicas are one question');
  await eventually(() => told().length === 2);
  t.match(told(), [
    { serviceId: 'svc_one', images: [{ state: 'newer', currentDigest: OLD, newestDigest: NEW }] },
    { serviceId: 'svc_two' },
  ]);
  await rested(clock);
  clock.advance(6 * HOUR_MS);
  await eventually(() => asked.length === 4);
  t.equal(told().length, 2, 'only the latest of each is kept for control');
});

t.test('what is stopped, or being worked on, is left out', async (t) => {
  const { clock, state, underWay, asked, addService } = start(t);
  state.transact(() => state.services.setDesired(addService('stopped'), 'stopped'));
  underWay.set(addService('busy'), 'deploy');
  addService('running');
  clock.advance(15 * 60_000);
  await eventually(() => asked.length > 0);
  t.same(asked, ['running:1']);
});

t.test('a deploy is followed by one look', async (t) => {
  const { clock, asked, updates, addService } = start(t);
  const id = addService('one');
  updates.touch(id);
  updates.touch(id);
  clock.advance(1_000);
  await eventually(() => asked.length === 1);
});

t.test('a host that is told to look only when asked does', async (t) => {
  const { clock, asked, updates, addService, told } = start(t, { everyMs: 0 });
  const id = addService('one');
  updates.touch(id);
  clock.advance(100 * HOUR_MS);
  await turn();
  t.same(asked, []);
  t.match(await updates.check(id, NEVER), { serviceId: id, images: [{ state: 'newer' }] });
  t.equal(told().length, 1);
  t.equal(await faultCode(updates.check('svc_none', NEVER)), 'not_found');
});

t.test('Docker being away ends no round for good', async (t) => {
  const { clock, engine, asked, addService } = start(t);
  addService('one');
  engine.isAway = true;
  clock.advance(15 * 60_000);
  await rested(clock);
  engine.isAway = false;
  clock.advance(6 * HOUR_MS);
  await eventually(() => asked.length === 1);
});

t.test('the build cache is trimmed one at a time, and a fault stays behind', async (t) => {
  const kept: number[] = [];
  let end = Promise.withResolvers<number>();
  const store = {
    trimBuildCache: (bytes: number) => {
      kept.push(bytes);
      return end.promise;
    },
  };
  const onBuilt = createBuildCacheLimit({ store, limitBytes: 10e9, log: silentLogger() });
  for (let builds = 0; builds < 3; builds++) onBuilt();
  t.same(kept, [10e9]);
  const first = end;
  end = Promise.withResolvers<number>();
  first.reject(new TypeError('Docker is away'));
  await eventually(() => kept.length === 2);
  end.resolve(5);
  await turn();
  t.equal(kept.length, 2, 'those that came meanwhile are one');
  onBuilt();
  t.equal(kept.length, 3);
  createBuildCacheLimit({ store, limitBytes: null, log: silentLogger() })();
  t.equal(kept.length, 3, 'no limit of ours');
});
