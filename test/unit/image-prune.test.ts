// Which images go, and that a job never loses one it is about to use.
import t from 'tap';
import type { StoredImage } from '../../agent/docker/image-store.ts';
import { ImageGate } from '../../agent/images/image-gate.ts';
import { choosePrunable, freedBy, namesOf } from '../../agent/images/prune-plan.ts';

const image = (id: string, more: Partial<StoredImage> = {}): StoredImage => ({
  id,
  tags: [`${id}:1`],
  digests: [],
  sizeBytes: 100,
  sharedBytes: 40,
  namedAt: 1_000,
  ...more,
});

const IMAGES = [
  image('used'),
  image('kept'),
  image('pulled-again', { digests: ['web@sha256:1'] }),
  image('new', { namedAt: 3_000 }),
  image('old'),
  image('nameless', { tags: [], digests: ['web@sha256:2'] }),
];
const NEEDED = { used: new Set(['used']), kept: new Set(['kept', 'web@sha256:1']) };

t.test('what a container has, a revision needs or came lately stays', async (t) => {
  const { going, protectedCount, recentCount } = choosePrunable(IMAGES, NEEDED, { scope: 'unused', before: 2_000 });
  t.same(
    going.map(({ id }) => id),
    ['old', 'nameless'],
  );
  t.same([protectedCount, recentCount], [2, 1]);
  t.equal(freedBy(going), 120, 'without what they share with others');
});

t.test('a smaller scope looks at nothing else', async (t) => {
  const ids = (scope: 'dangling' | 'none') =>
    choosePrunable(IMAGES, NEEDED, { scope, before: 2_000 }).going.map(({ id }) => id);
  t.same(ids('dangling'), ['nameless']);
  t.same(ids('none'), []);
});

t.test('an image goes by its names, and by its id without any', async (t) => {
  t.same(namesOf(image('a', { tags: ['a:1', 'b:1'] })), ['a:1', 'b:1']);
  t.same(namesOf(image('a', { tags: [] })), ['a']);
});

t.test('nothing is removed while a job is inside, and a job waits for what is being removed', async (t) => {
  const gate = new ImageGate();
  const told: string[] = [];
  const job = Promise.withResolvers<void>();
  const inside = gate.during(() => job.promise);
  t.equal(await gate.begin().remove(async () => told.push('removed')), false);
  job.resolve();
  await inside;

  const removal = Promise.withResolvers<void>();
  const removals = gate.begin();
  const removing = removals.remove(() => removal.promise);
  const next = gate.during(async () => told.push('job'));
  t.equal(await removals.remove(async () => told.push('another')), false, 'the job that waits counts already');
  t.same(told, []);
  removal.resolve();
  t.equal(await removing, true);
  await next;
  t.same(told, ['job']);
  t.equal(await gate.begin().remove(async () => told.push('removed')), true, 'and the gate is open again');
});

t.test('what was chosen before a job came, or while it was there, is not removed after it', async (t) => {
  const gate = new ImageGate();
  const job = Promise.withResolvers<void>();
  const before = gate.begin();
  const inside = gate.during(() => job.promise);
  const meanwhile = gate.begin();
  job.resolve();
  await inside;
  for (const removals of [before, meanwhile])
    t.equal(await removals.remove(() => Promise.reject(new TypeError('needed by now'))), false);
});

t.test('a job waits for the removals of all prunes', async (t) => {
  const gate = new ImageGate();
  const [slow, quick] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const told: string[] = [];
  const removing = [gate.begin().remove(() => slow.promise), gate.begin().remove(() => quick.promise)];
  const job = gate.during(async () => told.push('job'));
  quick.resolve();
  await removing[1];
  await new Promise(setImmediate);
  t.same(told, []);
  slow.resolve();
  await Promise.all([...removing, job]);
  t.same(told, ['job']);
});

t.test('a removal that fails lets jobs in', async (t) => {
  const gate = new ImageGate();
  await t.rejects(gate.begin().remove(() => Promise.reject(new TypeError('gone'))));
  t.equal(await gate.during(async () => 'done'), 'done');
});
