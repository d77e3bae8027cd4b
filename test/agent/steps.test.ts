import t, { type Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import type { JobStep } from '#shared/jobs.ts';
import type { StepUpdate } from '../../agent/deploy/job-run.ts';
import { eventually } from '../support/eventually.ts';
import { offerOf, startCore } from '../support/agent-core.ts';
import { makeFolder } from '../support/folder.ts';

/** A job that is in its one step, or just past it, until it is let go. */
async function startHeld(t: Test, where: 'in the step' | 'after the step') {
  const held = Promise.withResolvers<(update: StepUpdate) => void>();
  const { promise: letGo, resolve } = Promise.withResolvers<void>();
  const core = startCore(t, {
    dir: makeFolder(t, 'agent'),
    execute: async ({ steps }) => {
      const speak = await steps.run('pull' satisfies JobStep, async (say) => {
        if (where === 'in the step') held.resolve(say);
        if (where === 'in the step') await letGo;
        return say;
      });
      held.resolve(speak);
      await letGo;
      return { state: 'succeeded', goodRevision: 1 };
    },
  });
  core.offer(offerOf('deploy'));
  const say = await held.promise;
  const finish = async () => {
    resolve();
    await eventually(() => core.results().length === 1);
  };
  return { core, say, finish };
}

t.test('chatter of a step goes to watchers only, thinned', async (t) => {
  const { core, say, finish } = await startHeld(t, 'in the step');
  const seen = () => core.progress.map(({ percent }) => percent);
  for (let percent = 0; percent <= 100; percent++) say({ percent });
  t.strictSame(seen(), [0]);
  core.clock.advance(200);
  t.strictSame(seen(), [0, 100]);
  t.equal(core.events().length, 1, 'only the intent is durable');
  await finish();
});

t.test('an outcome is told soon also when nothing follows it', async (t) => {
  const { core, finish } = await startHeld(t, 'after the step');
  core.clock.advance(20);
  t.match(core.events(), [{ progress: { state: 'running' } }, { progress: { state: 'done' } }]);
  await finish();
});

t.test('an outcome that has company is written with it, once', async (t) => {
  const { core, finish } = await startHeld(t, 'after the step');
  await finish();
  core.clock.advance(1000);
  const steps = core.events().flatMap((body) => (body.kind === 'job.step' ? [body.progress.state] : []));
  t.strictSame(steps, ['running', 'done']);
});

t.test('a shutdown writes what a step left to write, and leaves no timer behind', async (t) => {
  const begun = Promise.withResolvers<void>();
  const core = startCore(t, {
    dir: makeFolder(t, 'agent'),
    execute: async ({ steps, signal }) => {
      await steps.run('pull', async () => undefined);
      begun.resolve();
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
      throw new Error('not reached');
    },
  });
  const offer = offerOf('deploy');
  const { jobId } = offer;
  core.offer(offer);
  await begun.promise;
  t.match(core.state.journal.steps(jobId), [{ step: 'pull', state: 'running' }]);
  await core.runner.stop();
  t.match(core.state.journal.steps(jobId), [{ step: 'pull', state: 'done' }]);
});

t.test('a step that fails says what was wrong, with details and fields', async (t) => {
  const error = new LongshoreError('validation_error', { details: 'Of two', fields: { a: 'is bad', b: 'is worse' } });
  const core = startCore(t, {
    dir: makeFolder(t, 'agent'),
    execute: async ({ steps }) => {
      await steps.run('prepare', () => Promise.reject(error)).catch(() => undefined);
      return { state: 'failed', error, goodRevision: null };
    },
  });
  core.offer(offerOf('deploy'));
  await eventually(() => core.results().length === 1);
  const told = core.events().flatMap((body) => (body.kind === 'job.step' ? [body.progress.message] : []));
  t.equal(told.at(-1), 'Validation failed: Of two: a: is bad; b: is worse');
});

t.test('the step that failed is that of the last attempt', async (t) => {
  const failing = () => Promise.reject(new Error('no'));
  const core = startCore(t, {
    dir: makeFolder(t, 'agent'),
    execute: async ({ steps }) => {
      await steps.run('prepare', async () => undefined);
      await steps.run('build', failing).catch(() => undefined);
      await steps.run('prepare', async () => undefined);
      await steps.run('wait', failing).catch(() => undefined);
      await steps.run('rollback', failing).catch(() => undefined);
      return { state: 'failed', error: new LongshoreError('unhealthy'), goodRevision: null };
    },
  });
  core.offer(offerOf('deploy'));
  await eventually(() => core.results().length === 1);
  t.match(core.results(), [{ failedStep: 'wait' }]);
});
