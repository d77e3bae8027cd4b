// Kills the agent at each numbered point of a job's story and looks at what the next process makes of it. The oracle is
// I2: each accepted job has one end, and its effect happened.
import t, { type Test } from 'tap';
import type { JobStep } from '#shared/jobs.ts';
import type { ExecuteJob, JobRun } from '../../agent/deploy/job-run.ts';
import { openState } from '../../agent/state/open.ts';
import { eventually } from '../support/eventually.ts';
import { offerOf, specOf, startCore } from '../support/agent-core.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { Random } from '../support/random.ts';

const STEPS: JobStep[] = ['prepare', 'normalise', 'check', 'plan', 'pull', 'apply', 'wait', 'record'];

/** A host outside the process: what was done to it stays done. Each step is idempotent, as a deploy's steps are. */
class FakeHost {
  readonly done = new Set<string>();
  readonly calls: string[] = [];
  readonly interrupted: string[] = [];
}

/** Points of the story, in order: before each step's effect, after it, and after the last step. */
const POINTS = STEPS.flatMap((step) => [`before ${step}`, `after ${step}`]);

/** Runs the story up to `killAt`, where the process stops for good. */
function storyOf(host: FakeHost, killAt: string | undefined, killed: () => void): ExecuteJob {
  const pass = (point: string) => (point === killAt ? (killed(), new Promise<void>(() => {})) : Promise.resolve());
  return async ({ steps, offer }: JobRun) => {
    for (const step of STEPS) {
      if (steps.interruptedAt(step) !== undefined) host.interrupted.push(step);
      await steps.run(step, async () => {
        await pass(`before ${step}`);
        host.done.add(step);
        host.calls.push(step);
        await pass(`after ${step}`);
      });
    }
    return { state: 'succeeded', goodRevision: offer.spec?.revision ?? null };
  };
}

const start = (t: Test, dir: string, clock: ManualClock, execute: ExecuteJob) => startCore(t, { dir, clock, execute });

for (const [number, killAt] of POINTS.entries()) {
  t.test(
    `F02: killed ${killAt} (point ${number + 1}), the job ends exactly once and from the step it was in`,
    async (t) => {
      const [dir, clock, host] = [makeFolder(t, 'agent'), new ManualClock(), new FakeHost()];
      const offer = offerOf('deploy');
      const dead = Promise.withResolvers<void>();
      const first = start(t, dir, clock, storyOf(host, killAt, dead.resolve));
      first.offer(offer);
      await dead.promise;
      const intentAt = first.state.journal.steps(offer.jobId).at(-1)?.intentAt;
      first.crash();

      clock.advance(60_000);
      const second = start(
        t,
        dir,
        clock,
        storyOf(host, undefined, () => {}),
      );
      t.strictSame(second.inbox.deliver({ commands: [{ seq: 1, body: { kind: 'job.offer', offer } }] }).acked, 1);
      await eventually(() => second.results().length === 1);
      t.match(second.results(), [{ jobId: offer.jobId, state: 'succeeded' }]);
      t.strictSame([...host.done].toSorted(), STEPS.toSorted());
      t.strictSame(host.interrupted, [STEPS[Math.floor(number / 2)]], 'the step inspects before it repeats');
      t.ok(intentAt !== undefined && intentAt <= clock.now() - 60_000, 'by the time of its first intent');

      await second.stop();
      const third = start(t, dir, clock, () => Promise.reject(new RangeError('an ended job ran again')));
      t.equal(third.results().length, 1);
      t.strictSame(third.state.journal.openIds(), []);
    },
  );
}

t.test('killed between acceptance and start, the job runs after the restart', async (t) => {
  const [dir, clock, host] = [makeFolder(t, 'agent'), new ManualClock(), new FakeHost()];
  const first = startCore(t, {
    dir,
    clock,
    execute: storyOf(host, undefined, () => {}),
    untilDockerAnswers: () => new Promise(() => {}),
  });
  first.offer(offerOf('deploy'));
  first.crash();
  const second = start(
    t,
    dir,
    clock,
    storyOf(host, undefined, () => {}),
  );
  await eventually(() => second.results().length === 1);
  t.strictSame(host.calls, STEPS);
  t.strictSame(host.interrupted, []);
});

t.test('killed between the last step and the end, nothing is told twice', async (t) => {
  const [dir, clock, host] = [makeFolder(t, 'agent'), new ManualClock(), new FakeHost()];
  const atEnd = Promise.withResolvers<void>();
  const story = storyOf(host, undefined, () => {});
  const first = start(t, dir, clock, async (run) => {
    await story(run);
    atEnd.resolve();
    return new Promise<never>(() => {});
  });
  first.offer(offerOf('deploy'));
  await atEnd.promise;
  first.crash();
  const second = start(t, dir, clock, story);
  await eventually(() => second.results().length === 1);
  t.strictSame(host.interrupted, ['record'], 'an outcome that was not on disk counts as none');
});

t.test('a clean stop leaves a running job open, and the next process goes on with it', async (t) => {
  const [dir, clock, host] = [makeFolder(t, 'agent'), new ManualClock(), new FakeHost()];
  const began = Promise.withResolvers<void>();
  const first = start(t, dir, clock, ({ steps, signal }) =>
    steps.run('apply', () => {
      began.resolve();
      return new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    }),
  );
  const [running, waiting] = [offerOf('deploy'), offerOf('restart')];
  first.offer(running);
  first.offer(waiting);
  await began.promise;
  await first.stop();

  const order: string[] = [];
  const story = storyOf(host, undefined, () => {});
  const second = start(t, dir, clock, (run) => {
    order.push(run.offer.jobId);
    return story(run);
  });
  t.strictSame(
    second.events().map(({ kind }) => kind),
    ['job.step'],
    'the stop itself told nothing',
  );
  await eventually(() => second.results().length === 2);
  t.strictSame(order, [running.jobId, waiting.jobId]);
  t.strictSame(host.interrupted, ['apply']);
});

t.test('a job that takes the process down every time is given up', async (t) => {
  const [dir, clock, host] = [makeFolder(t, 'agent'), new ManualClock(), new FakeHost()];
  for (let life = 0; life < 5; life++) {
    const dead = Promise.withResolvers<void>();
    const core = start(t, dir, clock, storyOf(host, 'before apply', dead.resolve));
    if (life === 0) core.offer(offerOf('deploy'));
    await dead.promise;
    core.crash();
  }
  const last = start(t, dir, clock, () => Promise.reject(new RangeError('tried once too often')));
  await eventually(() => last.results().length === 1);
  t.match(last.results(), [{ state: 'failed', error: { code: 'interrupted' } }]);
});

for (let seed = 1; seed <= 15; seed++) {
  t.test(`F02: jobs killed at random, again and again, each end exactly once (seed ${seed})`, async (t) => {
    const random = new Random(seed);
    const [dir, clock] = [makeFolder(t, 'agent'), new ManualClock()];
    const offers = Array.from({ length: 6 }, (_, i) => {
      const id = `svc_${i % 3}`;
      return offerOf('deploy', {
        serviceId: id,
        spec: specOf({ id, name: `web-${i % 3}`, revision: 1 + Math.floor(i / 3) }),
      });
    });
    const commands = offers.map((offer, i) => ({ seq: i + 1, body: { kind: 'job.offer', offer } }));
    for (let life = 0; life < 4; life++) {
      const dead = Promise.withResolvers<void>();
      const host = new FakeHost();
      const core = start(t, dir, clock, storyOf(host, random.pick(POINTS), dead.resolve));
      core.inbox.deliver({ commands: commands.slice(0, random.int(1, commands.length)) });
      await Promise.race([dead.promise, eventually(() => core.state.journal.openIds().length === 0)]);
      core.crash();
    }
    const core = start(
      t,
      dir,
      clock,
      storyOf(new FakeHost(), undefined, () => {}),
    );
    core.inbox.deliver({ commands });
    await eventually(() => core.results().length === offers.length);
    t.strictSame(
      core
        .results()
        .map(({ jobId }) => jobId)
        .toSorted(),
      offers.map(({ jobId }) => jobId).toSorted(),
    );
    t.ok(core.results().every(({ state }) => state === 'succeeded'));
  });
}

t.test('a second agent on the same data directory is refused, and told which', (t) => {
  const dir = makeFolder(t, 'agent');
  const state = openState(dir, new ManualClock());
  t.throws(() => openState(dir, new ManualClock()), { code: 'state_conflict', message: new RegExp(dir) });
  state.close();
  openState(dir, new ManualClock()).close();
  t.end();
});
