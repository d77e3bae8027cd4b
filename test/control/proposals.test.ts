// Review of AI deploys at the control plane: what becomes a proposal, who approves it, and who may ask the AI for a plan.
import t, { type Test } from 'tap';
import type { JobResult } from '#shared/jobs.ts';
import type { ServiceReport } from '#shared/model.ts';
import type { DeployPlan, WaitingProposal } from '#shared/protocol/deploy-parts.ts';
import type { Params } from '#shared/protocol/schema.ts';
import type { NewService } from '../../control/app/api/services.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import type { FakeHost } from '../support/fake-host.ts';
import { eventually } from '../support/eventually.ts';
import { ManualClock } from '../support/manual-clock.ts';

const ID = 'a'.repeat(64);
const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const PLAN: DeployPlan = {
  services: [{ service: 'web', action: 'create', reason: 'new', fields: [] }],
  images: [],
  ports: [],
  volumes: [],
  downtime: [],
  findings: [],
  preflight: [],
  commit: COMMIT,
  digest: ID,
  proposal: null,
};
const WAITING: WaitingProposal = {
  id: ID,
  jobId: 'job_1',
  madeAt: 0,
  compose: 'services:\n  web:\n    image: app:2\n',
  runs: 'services:\n  web:\n    image: app:1\n',
  plan: PLAN,
};
const PROPOSED: Partial<JobResult> = { proposal: { id: ID, commit: COMMIT } };
const SOURCE: NewService['source'] = { method: 'ai', git: { url: 'https://example.com/x.git', branch: null } };
const REVIEWED: Partial<NewService> = { source: SOURCE, review: true };
const NOTHING_RUNS: Partial<ServiceReport> = { lifecycle: 'stopped', revision: null, containers: [] };

interface Scene {
  world: ControlWorld;
  host: FakeHost;
  /** What the host was asked to plan. */
  planned: Params<'service.plan'>[];
  rejected: string[];
  now: { digest: string };
}

async function start(t: Test, options: ConstructorParameters<typeof ControlWorld>[1] = {}): Promise<Scene> {
  const world = new ControlWorld(t, options);
  const host = await world.join();
  const scene: Scene = { world, host, planned: [], rejected: [], now: { digest: ID } };
  host.answers = {
    'service.plan': async (params) => {
      scene.planned.push(params);
      return { plan: { ...PLAN, digest: scene.now.digest } };
    },
    'service.proposal': async () => ({ proposal: WAITING }),
    'service.reject': async ({ proposalId }) => {
      scene.rejected.push(proposalId);
      return {};
    },
  };
  await host.connect(world);
  return scene;
}

/** A service whose first proposal waits. */
async function startWaiting(t: Test) {
  const scene = await start(t);
  const { world, host } = scene;
  const { service, job } = await world.create('shop', { ...REVIEWED, hostId: host.id });
  t.match(await host.offered(job.id), { kind: 'propose', spec: { method: 'ai', revision: 1 } });
  await host.finish(job.id, PROPOSED, NOTHING_RUNS);
  return { ...scene, id: service.id, job };
}

const lastOffer = (host: FakeHost) => host.offers().at(-1);

t.test('a reviewed service is proposed, not deployed, and says what it waits for', async (t) => {
  const { world, id, job } = await startWaiting(t);
  const { app } = world;
  t.match(app.services.detail(ADMIN, id), {
    lifecycle: 'stopped',
    reason: 'A proposal for commit 0123456789ab waits for review',
    isReviewed: true,
    waiting: { id: ID, commit: COMMIT, jobId: job.id },
  });
  const { items } = app.services.events(ADMIN, id, { page: 1, perPage: 10 });
  t.match(
    items.find(({ jobId }) => jobId === job.id),
    { type: 'deploy', status: 'proposed' },
  );
  t.match(await app.proposals.detail(ADMIN, id), { id: ID, diff: /-    image: app:1\n\+    image: app:2\n/ });
  t.strictSame(world.stores.revisions.ofService(id), [], 'nothing that one could go back to');
});

t.test('approved, exactly what was shown is deployed', async (t) => {
  const { world, host, planned, id } = await startWaiting(t);
  const { app } = world;
  const { job } = await app.proposals.approve(ADMIN, id, ID);
  t.match(
    planned,
    [{ approves: ID, pull: 'missing', grant: undefined }],
    'the host is asked whether it is the same still',
  );
  t.match(await host.offered(job.id), { kind: 'deploy', approves: ID, pull: 'missing' });
  t.match(app.services.detail(ADMIN, id), { lifecycle: 'deploying', waiting: null });
  await host.finish(job.id);
  t.match(app.services.detail(ADMIN, id), { lifecycle: 'running', reason: null, waiting: null });
  await t.rejects(app.proposals.approve(ADMIN, id, ID), { code: 'state_conflict', message: /No proposal/ });
  await t.rejects(app.proposals.detail(ADMIN, id), { code: 'not_found' });
});

t.test('a job that approves is offered with its proposal again when its host has lost it', async (t) => {
  const { world, host, id } = await startWaiting(t);
  const { job } = await world.app.proposals.approve(ADMIN, id, ID);
  await host.offered(job.id);
  host.disconnect();
  host.memory.openJobs = [];
  await host.connect(world);
  await host.tell({ kind: 'gap', from: 1, to: host.lastEvent + 1, counts: {}, at: 0 });
  await eventually(() => host.offers().filter((offer) => offer.jobId === job.id).length, { until: (n) => n > 1 });
  t.match(lastOffer(host), { jobId: job.id, approves: ID });
});

t.test('nothing is approved that is not what was shown', async (t) => {
  const { world, host, now, id } = await startWaiting(t);
  const { app } = world;
  await t.rejects(app.proposals.approve(ADMIN, id, 'b'.repeat(64)), { code: 'state_conflict', message: /Another/ });
  now.digest = 'c'.repeat(64);
  await t.rejects(app.proposals.approve(ADMIN, id, ID), { code: 'state_conflict', message: /not what was planned/ });
  t.match(lastOffer(host), { kind: 'propose' });
  const plain = await world.create('plain', { hostId: host.id });
  await host.finish(plain.job.id);
  await t.rejects(app.proposals.approve(ADMIN, plain.service.id, ID), { code: 'state_conflict' });
  t.match(app.services.detail(ADMIN, id), { waiting: { id: ID } }, 'it waits on');
});

t.test('what changes while the host looks again is not approved along with it', async (t) => {
  const { world, host } = await start(t);
  const { app } = world;
  const shared = await app.variables.create(ADMIN, { name: 'SHARED', value: 'shown' });
  const own = { ...REVIEWED, variables: { LEVEL: '${SHARED}' }, hostId: host.id };
  const { service, job } = await world.create('shop', own);
  await host.finish(job.id, PROPOSED, NOTHING_RUNS);
  let isChanged = false;
  host.answers['service.plan'] = async () => {
    if (!isChanged) await app.variables.update(ADMIN, shared.id, { value: 'another' });
    isChanged = true;
    return { plan: PLAN };
  };
  host.disconnect();
  await host.connect(world);
  const other = { code: 'state_conflict', message: /not what was planned/ };
  await t.rejects(app.proposals.approve(ADMIN, service.id, ID), other);
  t.match(lastOffer(host), { kind: 'propose' });
  await app.proposals.approve(ADMIN, service.id, ID);
});

t.test('rejected, it is forgotten on both sides', async (t) => {
  const { world, rejected, id } = await startWaiting(t);
  const { app } = world;
  await t.rejects(app.proposals.reject(ADMIN, id, 'b'.repeat(64)), { code: 'state_conflict' });
  await app.proposals.reject(ADMIN, id, ID);
  t.strictSame(rejected, [ID]);
  t.match(app.services.detail(ADMIN, id), { lifecycle: 'stopped', reason: null, waiting: null });
  t.match(app.services.events(ADMIN, id, { page: 1, perPage: 1 }).items, [{ type: 'deploy', status: 'rejected' }]);
});

t.test('the next proposal takes the place of the one that waits; one that fails does not', async (t) => {
  const { world, host, id } = await startWaiting(t);
  const { app } = world;
  const failing = await app.services.redeploy(ADMIN, id, {});
  t.match(await host.offered(failing.job.id), { kind: 'propose', pull: 'always' });
  await host.finish(
    failing.job.id,
    { state: 'failed', error: { code: 'ai_unavailable', message: 'away' } },
    NOTHING_RUNS,
  );
  t.match(app.services.detail(ADMIN, id), { waiting: { id: ID } });
  const next = 'd'.repeat(64);
  const { job } = await app.services.redeploy(ADMIN, id, {});
  await host.finish(job.id, { proposal: { id: next, commit: COMMIT } }, NOTHING_RUNS);
  t.match(app.services.detail(ADMIN, id), { waiting: { id: next, pull: 'always' } });
  await t.rejects(app.proposals.approve(ADMIN, id, ID), { code: 'state_conflict' });
});

t.test('what runs is untouched while a proposal is made, and while it waits', async (t) => {
  const { world, host, id } = await startWaiting(t);
  const { app } = world;
  const { job } = await app.proposals.approve(ADMIN, id, ID);
  await host.finish(job.id);
  const again = await app.services.redeploy(ADMIN, id, {});
  t.match(again.service, { lifecycle: 'running' });
  await host.finish(again.job.id, PROPOSED);
  t.match(app.services.detail(ADMIN, id), { lifecycle: 'running', reason: /waits for review/, waiting: { id: ID } });
  const changed = await app.services.update(ADMIN, id, { variables: { LEVEL: 'debug' } });
  t.match(await host.offered(changed.jobId ?? ''), { kind: 'propose' });
});

t.test('review is asked for once or for good, and only of services by AI', async (t) => {
  const { world, host } = await start(t);
  const { app } = world;
  const { service, job } = await world.create('shop', { source: SOURCE, hostId: host.id });
  t.match(await host.offered(job.id), { kind: 'deploy' });
  await host.finish(job.id);
  const once = await app.services.redeploy(ADMIN, service.id, { review: true });
  t.match(await host.offered(once.job.id), { kind: 'propose' });
  await host.finish(once.job.id, PROPOSED);
  t.match(app.services.detail(ADMIN, service.id), { isReviewed: false });
  const { jobId } = await app.services.update(ADMIN, service.id, { review: true });
  t.equal(jobId, null, 'a setting deploys nothing');
  const unseen = await app.services.redeploy(ADMIN, service.id, { review: false });
  t.match(await host.offered(unseen.job.id), { kind: 'redeploy' });
  await host.finish(unseen.job.id);
  t.match(app.services.detail(ADMIN, service.id), { isReviewed: true, waiting: null }, 'what waited is out of date');
  const plain = await world.create('plain', { hostId: host.id });
  await host.finish(plain.job.id);
  const refused = { code: 'validation_error', fields: { review: /compose/ } };
  await t.rejects(app.services.redeploy(ADMIN, plain.service.id, { review: true }), refused);
  const everywhere = {
    name: 'all',
    ...REVIEWED,
    source: SOURCE,
    placement: { labels: {}, replicas: 'per_host' as const },
  };
  await t.rejects(app.services.create(ADMIN, everywhere), { code: 'validation_error', fields: { review: /in turn/ } });
  await t.rejects(app.services.update(ADMIN, plain.service.id, { review: true }), refused);
});

t.test('a host that does not know proposals refuses, and nothing is deployed unseen', async (t) => {
  const { world, host } = await start(t);
  host.refusal = { code: 'unsupported', message: 'job kind "propose"' };
  const { service, job } = await world.create('shop', { ...REVIEWED, hostId: host.id });
  await eventually(() => world.stores.jobs.find(job.id)?.state ?? '', { until: (state) => state === 'failed' });
  t.match(world.app.services.detail(ADMIN, service.id), { waiting: null, deployedAt: null });
});

t.test(
  'a customer who is suspended and resumed gets its proposals again, and nothing that was not approved',
  async (t) => {
    const { world, host } = await start(t);
    const { app } = world;
    const customer = await app.customers.create(ADMIN, { name: 'C' });
    const own = { ...REVIEWED, hostId: host.id, customerId: customer.id };
    const { service } = await world.create('shop', own);
    world.clock.advance(1); // jobs are told apart by their time
    await app.customers.suspend(ADMIN, customer.id);
    world.clock.advance(1);
    await app.customers.resume(ADMIN, customer.id);
    t.match(world.stores.jobs.openOfService(service.id).at(-1), { kind: 'propose' });
  },
);

t.test('who may ask the AI for a plan', async (t) => {
  const proposal = { compose: 'x', dockerfile: null, variables: [], port: null, healthPath: null, reasons: [] };
  const repository = { files: [], fileCount: 0, texts: [] };
  const ask = async (host: FakeHost, grant: string | undefined) =>
    host.peer?.request('ai.propose', { jobId: '', grant, repository, variables: [], previous: null });

  await t.test('the host that was asked for it, once, while the plan is under way', async (t) => {
    const projects: string[] = [];
    const scene = await start(t, { propose: async (_question, project) => (projects.push(project), proposal) });
    const { world, host } = scene;
    const other = await world.joinAndConnect({}, 'two');
    let leave: string | undefined;
    host.answers['service.plan'] = async ({ grant }) => {
      leave = grant;
      await t.rejects(ask(other, grant), { code: 'not_found' });
      t.strictSame(await ask(host, grant), { proposal });
      await t.rejects(ask(host, grant), { code: 'not_found' }, 'a second time');
      return { plan: PLAN };
    };
    host.disconnect();
    await host.connect(world);
    await world.app.deployPlans.planNew(ADMIN, { name: 'shop', source: SOURCE, hostId: host.id });
    t.strictSame(projects, ['shop']);
    t.type(leave, 'string');
    await t.rejects(ask(host, leave), { code: 'not_found' }, 'afterwards');
    await t.rejects(ask(host, 'made-up'), { code: 'not_found' });
  });

  await t.test('nobody for a service that is deployed otherwise', async (t) => {
    const { world, host, planned } = await start(t);
    const source = { method: 'git' as const, git: SOURCE.git };
    await world.app.deployPlans.planNew(ADMIN, { name: 'shop', source, hostId: host.id });
    t.equal(planned[0]?.grant, undefined);
  });

  await t.test('not for longer than a plan may take: it says what to do instead', async (t) => {
    const clock = new ManualClock();
    const scene = await start(t, {
      clock,
      propose: (_question, _project, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
          clock.advance(45_000);
        }),
    });
    const { world, host } = scene;
    host.answers['service.plan'] = async ({ grant }) => {
      await ask(host, grant);
      return { plan: PLAN };
    };
    host.disconnect();
    await host.connect(world);
    const planning = world.app.deployPlans.planNew(ADMIN, { name: 'shop', source: SOURCE, hostId: host.id });
    await t.rejects(planning, { code: 'ai_unavailable', details: /"review": true/ });
  });
});
