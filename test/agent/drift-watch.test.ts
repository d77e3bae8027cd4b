// The watch for drift over a real database and a real folder, with Docker in memory: what it tells, when, and how little
// it asks.
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Scope } from '#shared/lifecycle.ts';
import { silentLogger } from '#shared/log.ts';
import type { JobKind } from '#shared/jobs.ts';
import { recordRevision } from '../../agent/deploy/revisions/revisions.ts';
import { sourcesOf } from '../../agent/deploy/sources.ts';
import { Workspace } from '../../agent/deploy/workspace.ts';
import { startEventHub } from '../../agent/docker/events.ts';
import { SERVICE_LABEL } from '../../agent/docker/engine.ts';
import { snapshotOf } from '../../agent/drift/snapshot.ts';
import { startDriftWatch } from '../../agent/drift/watch.ts';
import { openState } from '../../agent/state/open.ts';
import { specOf } from '../support/agent-core.ts';
import { eventually } from '../support/eventually.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';

const SWEEP_MS = 10 * 60_000;

/** Counts what costs something. */
class CountingEngine extends FakeEngine {
  described = 0;

  override describeProject(project: string) {
    this.described += 1;
    return super.describeProject(project);
  }
}

async function startWatched(t: Test, { wasRecorded = true } = {}) {
  const [dataDir, clock, engine] = [makeFolder(t, 'agent'), new ManualClock(), new CountingEngine()];
  const log = silentLogger();
  const scope = new Scope(log);
  const state = openState(dataDir, clock);
  t.teardown(async () => {
    await scope.stop();
    state.close();
  });
  const spec = specOf({ files: { 'notes.txt': 'as it was' } });
  state.services.put(spec);
  const labels = { [SERVICE_LABEL]: spec.id };
  const container = engine.addContainer({
    name: 'web-web-1',
    project: 'web',
    service: 'web',
    labels,
    state: 'running',
  });
  const workspace = new Workspace(dataDir, spec.name);
  const sources = sourcesOf(spec, ['web']);
  await workspace.write(sources);
  const record = async () => {
    const meta = { revision: 1, serviceId: spec.id, jobId: 'job_1', inputs: '', variablesHash: '' };
    const rest = { images: {}, hashes: {}, finished: [], plan: [], recordedAt: 0 };
    const live = wasRecorded ? { live: snapshotOf(await engine.describeProject('web')) } : {};
    await recordRevision(workspace, {
      sources,
      rendered: { name: 'web', services: {} },
      meta: { ...meta, ...rest },
      ...live,
    });
    state.services.setEffect(spec.id, { goodRevision: 1, failure: null });
  };
  await record();
  engine.described = 0;

  const underWay = new Map<string, JobKind>();
  const changes: string[] = [];
  const hub = startEventHub({ engine, clock, log }, scope.signal);
  await eventually(() => hub.isConnected);
  const onChange = (id: string) => void changes.push(id);
  const watch = startDriftWatch({ dataDir, state, engine, hub, clock, log, underWay, onChange }, scope);
  const told = () => state.outbox.read(0, Number.MAX_SAFE_INTEGER).map(({ body }) => body);
  /** Lets events settle, and waits for the look. */
  const look = async () => {
    const before = engine.described;
    clock.advance(2_000);
    await eventually(() => engine.described > before);
    await watch.check(spec.id); // whatever the look before it had to do is done
  };
  await look(); // as at every start
  engine.described = 0;
  return { dataDir, clock, engine, state, spec, container, watch, underWay, hub, told, look, changes, record };
}

t.test('a change is told once, with what it is, and its end too', async (t) => {
  const { engine, container, state, spec, told, look, changes } = await startWatched(t);
  t.same(told(), [], 'in sync, as everybody expects');
  t.match(state.services.find(spec.id)?.drift, { state: 'in_sync' });

  engine.configs.set(container.id, { mem_limit: 1, environment: { PASSWORD: 'canary-3f9a' } });
  engine.change(container.id, {}, 'update');
  await look();
  engine.configs.set(container.id, { mem_limit: 2 });
  engine.change(container.id, {}, 'update');
  await look();
  t.match(told(), [
    {
      kind: 'service.event',
      serviceId: spec.id,
      type: 'drift',
      status: 'drifted',
      message: 'Drifted from revision 1: web-web-1 has another mem_limit, environment.PASSWORD',
    },
  ]);
  t.equal(told().length, 1);

  engine.configs.delete(container.id);
  engine.change(container.id, {}, 'update');
  await look();
  t.match(told()[1], { type: 'drift', status: 'in_sync', message: 'What runs is what revision 1 says' });
  t.equal(told().length, 2);
  t.same(changes, Array(3).fill(spec.id), 'each time its report has something new');
});

t.test('a burst of events is one look; what changes no setup is none', async (t) => {
  const { clock, engine, container, look } = await startWatched(t);
  for (let i = 0; i < 50; i++) engine.change(container.id, {}, 'connect');
  await look();
  const before = engine.described;
  engine.change(container.id, {}, 'die');
  engine.change(container.id, {}, 'start');
  clock.advance(10_000);
  t.equal(engine.described, before);
});

t.test('nothing is told while a job is at work, and its end brings the look', async (t) => {
  const { clock, engine, container, spec, underWay, watch, told, look } = await startWatched(t);
  underWay.set(spec.id, 'deploy');
  engine.configs.set(container.id, { mem_limit: 1 });
  engine.change(container.id, {}, 'update');
  clock.advance(60_000);
  t.match(await watch.check(spec.id), { state: 'unknown', services: [] });
  t.equal(engine.described, 0);
  underWay.clear();
  await look();
  t.match(told(), [{ type: 'drift', status: 'drifted' }]);
});

t.test('a sweep asks for one plain list, and looks where that or a file differs', async (t) => {
  const { dataDir, clock, engine, container, spec, watch, told, look } = await startWatched(t);
  await watch.check(spec.id);
  engine.described = 0;
  await watch.sweep();
  clock.advance(2_000);
  t.equal(engine.described, 0, 'nothing differs');

  container.name = 'web-other'; // an event was lost
  engine.configs.set(container.id, { container_name: 'web-other' });
  await watch.sweep();
  await look();
  t.match(told(), [{ status: 'drifted', message: /web-other has another container_name/ }]);

  container.name = 'web-web-1';
  engine.configs.delete(container.id);
  appendFileSync(join(dataDir, 'services/web/notes.txt'), ' once');
  clock.advance(SWEEP_MS);
  await eventually(() => clock.pending > 1); // the look, beside the next sweep
  await look();
  t.match(await watch.check(spec.id), {
    state: 'drifted',
    services: [],
    files: [{ path: 'notes.txt', change: 'changed' }],
  });
  writeFileSync(join(dataDir, 'services/web/notes.txt'), 'as it was');
  t.match(await watch.check(spec.id), { state: 'in_sync' });
  t.match(told().at(-1), { status: 'in_sync' });
});

t.test('F15: after a resync every service is looked at again, whatever events were lost', async (t) => {
  const { clock, engine, container, hub, told, look } = await startWatched(t);
  engine.goAway();
  await eventually(() => !hub.isConnected);
  engine.containers.delete(container.id);
  engine.isAway = false;
  clock.advance(5_000);
  await eventually(() => hub.isConnected);
  await look();
  t.match(told(), [{ status: 'drifted', message: 'Drifted from revision 1: web-web-1 is missing' }]);
});

t.test('what was recorded before drift was looked for is not known, and nothing is told', async (t) => {
  const { spec, watch, told, state } = await startWatched(t, { wasRecorded: false });
  t.match(await watch.check(spec.id), { state: 'unknown', revision: 1, services: [], files: [] });
  t.same(told(), []);
  t.equal(state.services.find(spec.id)?.drift, null);
  await t.rejects(watch.check('svc_nobody'), { code: 'not_found' });
});
