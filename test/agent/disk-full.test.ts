// The disk of the agent is full: what was promised is kept, what is new is refused, and it heals by itself.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { ExecuteJob } from '../../agent/deploy/job-run.ts';
import { openState } from '../../agent/state/open.ts';
import { offerOf, startCore } from '../support/agent-core.ts';
import { eventually } from '../support/eventually.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { scheduleOf } from '../support/schedules.ts';
import { missingSmallDisk, SmallDisk } from '../support/small-disk.ts';

const MIB = 1024 * 1024;
const skip = missingSmallDisk();

t.test(
  'F29: on a full disk accepted jobs end, telemetry makes room, new jobs are refused until it is back',
  { skip },
  async (t) => {
    const disk = new SmallDisk(t, 16 * MIB);
    const goOn = Promise.withResolvers<void>();
    const execute: ExecuteJob = async ({ offer, steps }) => {
      await steps.run('prepare', () => goOn.promise);
      // Far more than the reserve holds: without dropping them there would be no end.
      for (let i = 0; i < 1500; i++) await steps.run('apply', async (say) => say({ message: 'x'.repeat(4000) }));
      return { state: 'succeeded', goodRevision: offer.spec?.revision ?? 1 };
    };
    const core = startCore(t, { dir: join(disk.dir, 'agent'), execute, reserveBytes: 4 * MIB });
    const { state } = core;
    await state.reserve.refill();
    const [first, waiting] = [offerOf('deploy'), offerOf('restart')];
    core.send({ kind: 'schedule.put', schedule: scheduleOf({ targets: { serviceId: 'svc_1' } }) });
    core.offer(first);
    core.offer(waiting);
    await eventually(() => state.journal.findOpen(first.jobId)?.state === 'running');

    disk.fill();
    goOn.resolve();
    await eventually(() => core.results().length === 2, { timeoutMs: 60_000 });
    t.match(core.results(), [
      { jobId: first.jobId, state: 'succeeded' },
      { jobId: waiting.jobId, state: 'succeeded' },
    ]);
    const gap = core.events().find((event) => event.kind === 'gap' && event.counts['job.step'] !== undefined);
    t.ok(gap, 'what was dropped is counted');
    t.notOk(existsSync(join(disk.dir, 'agent', 'reserve')));

    const late = offerOf('restart');
    t.match(core.offer(late), { refused: [{ error: { code: 'host_disk_full' } }] });
    core.clock.advance(3600_000);
    const ran = () => core.events().flatMap((event) => (event.kind === 'schedule.run' ? [event.run] : []));
    await eventually(() => ran().at(-1)?.finishedAt);
    t.match(ran().at(-1), { state: 'failed', targets: [{ reason: 'The host has no disk space left' }] });
    t.strictSame(core.offer(offerOf('stop')).refused, [], 'what makes room is taken');
    await eventually(() => core.results().length === 3);

    await state.reserve.refill();
    t.notOk(state.hasRoom(), 'the last room is not taken back');
    disk.free();
    await state.reserve.refill();
    t.ok(existsSync(join(disk.dir, 'agent', 'reserve')));
    t.strictSame(core.offer(offerOf('start')).refused, []);
    await eventually(() => core.results().length === 4);
  },
);

t.test(
  'F29: with the reserve used up as well nothing is half written, and what was accepted is still there',
  { skip },
  async (t) => {
    const disk = new SmallDisk(t, 8 * MIB);
    const dir = join(disk.dir, 'agent');
    const core = startCore(t, { dir, execute: () => new Promise(() => {}), reserveBytes: MIB });
    await core.state.reserve.refill();
    const offer = offerOf('deploy');
    core.offer(offer);
    const result = { jobId: 'job_x', serviceId: 'svc_1', state: 'failed' as const, startedAt: 1, finishedAt: 2 };
    const error = { code: 'exited', message: 'x'.repeat(100_000) };
    const before = () => core.state.outbox.last;
    disk.fill();
    const fillReserve = () => {
      for (;;)
        core.state.transact(() =>
          core.state.outbox.append({ kind: 'job.finished', result: { ...result, error }, report: null }),
        );
    };
    t.throws(fillReserve, { code: 'host_disk_full' });
    const last = before();
    core.crash();

    const state = openState(dir, new ManualClock(), { reserveBytes: MIB });
    t.teardown(() => state.close());
    await state.reserve.refill();
    t.notOk(state.hasRoom(), 'the next process knows as well');
    disk.free();
    await state.reserve.refill();
    t.ok(state.hasRoom());
    t.equal(state.outbox.last, last);
    t.strictSame(state.journal.openIds(), [offer.jobId]);
  },
);
