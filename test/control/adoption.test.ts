// What runs on hosts that no service has, and making services of it, as control sees it: whom it shows it, what it asks
// the host for, what is left when an adoption comes to nothing.
import t, { type Test } from 'tap';
import type { Find } from '#shared/adoption.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { AdoptionQuestion, HostPage } from '#shared/protocol/host-parts.ts';
import type { Caller } from '../../control/app/api/caller.ts';
import type { NewAdoption } from '../../control/app/api/adoption.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import type { FakeHost } from '../support/fake-host.ts';
import { faultCode } from '../support/fault-code.ts';
import { startRealHttp } from '../support/real-http.ts';

const CONTAINER = {
  id: 'c0ffee',
  name: 'shop-web-1',
  service: 'web',
  image: 'busybox:1',
  imageId: 'sha256:1',
  state: 'running' as const,
  health: 'unknown' as const,
  exitCode: null,
  startedAt: 1_000,
  ports: [],
};

const FIND: Find = {
  kind: 'compose',
  name: 'shop',
  workingDir: '/srv/shop',
  configFiles: ['/srv/shop/compose.yaml'],
  containers: [CONTAINER],
  obstacle: null,
};

const COMPOSE = 'services:\n  web:\n    image: busybox:1\n    environment: { DB_PASSWORD: "${DB_PASSWORD}" }\n';
const ADOPTS = [{ id: CONTAINER.id, service: 'web' }];
const SHOP: NewAdoption = { kind: 'compose', find: 'shop' };

interface Scene {
  world: ControlWorld;
  host: FakeHost;
  /** What the host was asked, in order. */
  pages: HostPage[];
  questions: AdoptionQuestion[];
}

/** A connected host with the project `shop`. */
async function scene(t: Test, world = new ControlWorld(t), compose = COMPOSE): Promise<Scene> {
  const host = await world.join({ zone: 'eu' });
  const [pages, questions]: [HostPage[], AdoptionQuestion[]] = [[], []];
  host.answers = {
    'host.projects': async (page) => {
      pages.push(page);
      return { items: [FIND], total: 7 };
    },
    'host.containers': async () => ({ items: [{ ...CONTAINER, project: 'shop', serviceId: null }], total: 1 }),
    'host.adoption': async (question) => {
      questions.push(question);
      if (question.name === 'away') throw new LongshoreError('not_found');
      return { draft: { compose, variables: { DB_PASSWORD: 'canary-8812' }, containers: ADOPTS } };
    },
  };
  await host.connect(world);
  return { world, host, pages, questions };
}

t.test('the host cuts its own lists', async (t) => {
  const { world, host, pages } = await scene(t);
  const query = { page: 3, perPage: 2, order: 'desc', search: 'sh' } as const;
  t.same(await world.app.adoption.finds(ADMIN, host.id, query), { items: [FIND], total: 7, page: 3, perPage: 2 });
  t.same(pages, [{ page: 3, perPage: 2, search: 'sh', isDescending: true }]);
});

t.test(
  'what runs on a host is not for those who are bound to a customer, nor for those who may not see it',
  async (t) => {
    const { world, host } = await scene(t);
    const tenant: Caller = { ...ADMIN, customerId: await world.customer('Acme') };
    const elsewhere: Caller = { ...ADMIN, hostLabels: { zone: 'us' } };
    const query = { page: 1, perPage: 20, order: 'asc' } as const;
    for (const [caller, code] of [
      [tenant, 'forbidden'],
      [elsewhere, 'not_found'],
    ] as const) {
      t.equal(await faultCode(world.app.adoption.finds(caller, host.id, query)), code);
      t.equal(await faultCode(world.app.adoption.containers(caller, host.id, query)), code);
      t.equal(await faultCode(world.app.adoption.adopt(caller, host.id, SHOP)), code);
    }
    host.disconnect();
    t.equal(await faultCode(world.app.adoption.finds(ADMIN, host.id, query)), 'host_offline');
    t.equal(await faultCode(world.app.adoption.adopt(ADMIN, host.id, SHOP)), 'host_offline');
  },
);

t.test('an adoption is a service at once, and a job that names the containers', async (t) => {
  const { world, host, questions } = await scene(t);
  const { service, job } = await world.app.adoption.adopt(ADMIN, host.id, { ...SHOP, labels: { team: 'a' } });
  t.match(service, { name: 'shop', hostId: host.id, method: 'compose', labels: { team: 'a' }, revision: 1 });
  t.same(questions, [{ kind: 'compose', name: 'shop', as: 'shop', mayReadFiles: true }]);
  const offer = await host.offered(job.id);
  t.match(offer, { kind: 'adopt', adopts: ADOPTS, spec: { compose: COMPOSE, secretNames: ['DB_PASSWORD'] } });
  await host.finish(job.id);
  t.match(world.app.services.require(ADMIN, service.id), { lifecycle: 'running', deployedAt: Number });
  const { items } = world.app.services.events(ADMIN, service.id, { page: 1, perPage: 5 });
  const done = items.find(({ status }) => status === 'success');
  t.match(done, { type: 'deploy', message: 'Adopted', jobId: job.id });
  const blind: Caller = { ...ADMIN, permissions: ['services.read'] };
  t.same(world.app.services.detail(blind, service.id).variables, { DB_PASSWORD: '***' });
});

t.test('what was adopted is a revision that can be gone back to', async (t) => {
  const { world, host } = await scene(t);
  const { service, job } = await world.app.adoption.adopt(ADMIN, host.id, SHOP);
  await host.finish(job.id);
  t.match(world.stores.revisions.ofService(service.id), [
    { revision: 1, kind: 'adopt', madeBy: ADMIN.name, recordedAt: Number },
  ]);
  t.match(world.stores.revisions.findSource(service.id, 1), { compose: COMPOSE });
});

for (const state of ['failed', 'cancelled', 'expired'] as const) {
  t.test(`an adoption that ${state} leaves its job and no service`, async (t) => {
    const { world, host } = await scene(t);
    const { service, job } = await world.app.adoption.adopt(ADMIN, host.id, SHOP);
    const error = { code: 'state_conflict', message: 'Container c0ffee is gone' };
    await host.finish(job.id, { state, error }, null);
    t.throws(() => world.app.services.require(ADMIN, service.id), { code: 'not_found' });
    t.match(world.app.jobs.detail(ADMIN, job.id), { state, serviceName: 'shop', error });
    const again = await world.app.adoption.adopt(ADMIN, host.id, SHOP);
    t.not(again.service.id, service.id, 'the name is free again');
  });
}

t.test('deleting a service that is being adopted calls the adoption off', async (t) => {
  const { world, host } = await scene(t);
  host.isMute = true; // the command is on its way
  const { service, job } = await world.app.adoption.adopt(ADMIN, host.id, SHOP);
  await host.offered(job.id);
  host.isMute = false;
  await world.app.services.remove(ADMIN, service.id, 0);
  await host.finish(job.id, { state: 'cancelled' }, null);
  t.throws(() => world.app.services.require(ADMIN, service.id), { code: 'not_found' });
});

t.test('a host that lost the job is told the same containers again', async (t) => {
  const { world, host } = await scene(t);
  const { job } = await world.app.adoption.adopt(ADMIN, host.id, SHOP);
  await host.offered(job.id);
  host.disconnect();
  host.received = [];
  host.memory = { commandSeq: 0, epoch: 0, openJobs: [], events: [], services: [] };
  await host.connect(world);
  t.match(await host.offered(job.id), { kind: 'adopt', adopts: ADOPTS });
});

t.test('what can be refused is refused before the host is asked', async (t) => {
  const { world, host, questions } = await scene(t);
  const adopt = (input: Partial<NewAdoption>) =>
    faultCode(world.app.adoption.adopt(ADMIN, host.id, { ...SHOP, ...input }));
  await world.deployed(host, 'taken');
  t.equal(await adopt({ name: 'taken' }), 'name_taken');
  t.equal(await adopt({ find: 'My_Shop' }), 'validation_error');
  t.equal(await adopt({ customerId: 'cust_none' }), 'validation_error');
  t.same(questions, []);
  t.equal(await adopt({ find: 'away' }), 'not_found');
  t.equal(world.app.services.list(ADMIN, { page: 1, perPage: 5, sort: 'name', order: 'asc' }).total, 1);
});

t.test('another name is told to the host', async (t) => {
  const { world, host, questions } = await scene(t);
  const { service } = await world.app.adoption.adopt(ADMIN, host.id, { ...SHOP, find: 'My_Shop', name: 'my-shop' });
  t.equal(service.name, 'my-shop');
  t.match(questions, [{ name: 'My_Shop', as: 'my-shop' }]);
});

t.test('for a customer no file of the host is read, and its rules hold', async (t) => {
  const privileged = COMPOSE.replace('environment:', 'privileged: true\n    environment:');
  const { world, host, questions } = await scene(t, new ControlWorld(t), privileged);
  const customerId = await world.customer('Acme');
  t.equal(await faultCode(world.app.adoption.adopt(ADMIN, host.id, { ...SHOP, customerId })), 'compose_policy');
  t.match(questions, [{ mayReadFiles: false }]);
  t.equal(world.app.services.list(ADMIN, { page: 1, perPage: 5, sort: 'name', order: 'asc' }).total, 0);
});

t.test('from the command line: what there is, and an adoption that is followed to its end', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const { host, questions } = await scene(t, world);
  const run = (...args: string[]) => runCli(args, { url: http.url, env: { LONGSHORE_API_KEY: key } });
  t.match(
    (await run('hosts', 'projects', host.id)).stdout,
    /\nshop\tcompose\t1\trunning\tbusybox:1\t.*\/srv\/shop\tyes\n/,
  );
  t.match((await run('hosts', 'containers', host.id)).stdout, /\nshop-web-1\trunning\t/);
  const following = run('adopt', host.id, 'shop', '--name', 'store', '--label', 'team=a', '--follow');
  const { jobId } = await eventually(() => host.offers()[0] as { jobId: string });
  await host.finish(jobId);
  t.match(await following, { exitCode: 0, stdout: 'store: adopted as it runs\n' });
  t.match(await run('adopt', host.id, 'lonely', '--container', '--json'), { exitCode: 0, stdout: /"name": ?"lonely"/ });
  t.match(questions, [
    { kind: 'compose', name: 'shop', as: 'store' },
    { kind: 'container', name: 'lonely', as: 'lonely' },
  ]);
  t.match(await run('adopt', host.id, 'lonely', '--container'), { exitCode: 5, stderr: /already a|already has/ });
});

t.test('over HTTP: both lists, and an adoption that the same key makes once', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const { host } = await scene(t, world);
  const path = `/api/hosts/${host.id}`;
  const finds = await http.get(`${path}/projects`, key);
  t.match(finds.body, { total: 7, data: [{ kind: 'compose', name: 'shop', can_be_adopted: true, obstacle: null }] });
  t.match((await http.get(`${path}/containers`, key)).body, { data: [{ service_id: null, project: 'shop' }] });
  t.equal((await http.get(`${path}/projects?sort=image`, key)).status, 400);
  const adopt = (body: object, headers = {}) => http.call('POST', `${path}/adopt`, { key, body, headers });
  const once = { 'idempotency-key': 'once' };
  const first = await adopt({ project: 'shop', name: 'shop' }, once);
  t.match(first, { status: 201, body: { name: 'shop', status: 'deploying', deploy_job_id: /^job_/ } });
  t.same((await adopt({ project: 'shop', name: 'shop' }, once)).body, first.body);
  t.equal((await adopt({ project: 'shop' })).status, 409, 'the name is taken now');
  for (const bad of [
    {},
    { project: 'a', container: 'b' },
    { project: 'a', name: 'No!' },
    { project: 'a', pull: 'x' },
  ]) {
    t.equal((await adopt(bad)).status, 422, JSON.stringify(bad));
  }
  const { body: audit } = await http.get('/api/audit?action=hosts.adopt', key);
  t.match(audit, { total: 7, data: [{ target_id: host.id }] });
});
