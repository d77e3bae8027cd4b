// How a service's limits become those of its containers: file and limits in, file or refusal out.
import t from 'tap';
import { inputsOf } from '../../agent/deploy/attempt.ts';
import { limitRendered, requireLimited } from '../../agent/deploy/limits.ts';
import { planDeploy, printPlan } from '../../agent/deploy/plan/plan.ts';
import type { Rendered, RenderedService } from '../../agent/deploy/rendered.ts';
import type { ServiceLimits } from '#shared/model.ts';
import { specOf } from '../support/agent-core.ts';
import { FakeEngine } from '../support/fake-engine.ts';

const HOST_CPUS = 4;
const fileOf = (services: Record<string, RenderedService>): Rendered => ({ name: 'shop', services });
const limit = (services: Record<string, RenderedService>, limits: Partial<ServiceLimits>) =>
  limitRendered(fileOf(services), { cpu: null, memoryMb: null, ...limits }, HOST_CPUS);

/** Compose service → the limits it is given. */
const limitsOf = ({ services }: Rendered) =>
  Object.fromEntries(Object.entries(services).map(([name, { deploy }]) => [name, deploy?.resources?.limits]));

const mib = (count: number) => String(count * 1024 ** 2);

t.test('without limits the file stays as it is', async (t) => {
  const file = fileOf({ web: { image: 'web:1' } });
  t.equal(limitRendered(file, undefined, HOST_CPUS), file);
  t.equal(limitRendered(file, { cpu: null, memoryMb: null }, HOST_CPUS), file);
});

t.test('containers without a limit of their own share in equal parts', async (t) => {
  t.same(limitsOf(limit({ web: {}, db: {}, cache: {} }, { cpu: 1, memoryMb: 512 })), {
    web: { cpus: 0.33, memory: mib(170) },
    db: { cpus: 0.33, memory: mib(170) },
    cache: { cpus: 0.33, memory: mib(170) },
  });
});

t.test('each replica takes a part', async (t) => {
  t.same(limitsOf(limit({ web: { scale: 3 }, db: {} }, { memoryMb: 400 })), {
    web: { memory: mib(100) },
    db: { memory: mib(100) },
  });
  t.same(limitsOf(limit({ web: { deploy: { replicas: 0 } }, db: {} }, { memoryMb: 400 })), {
    web: { memory: mib(400) },
    db: { memory: mib(400) },
  });
});

const OWN: [form: string, service: RenderedService][] = [
  ['deploy', { deploy: { resources: { limits: { cpus: 0.5, memory: mib(100) } } } }],
  ['the old keys', { cpus: 0.5, mem_limit: mib(100) }],
  ['a quota', { cpu_quota: 25_000, cpu_period: 50_000, mem_limit: mib(100) }],
  ['a quota of the default period', { cpu_quota: 50_000, mem_limit: mib(100) }],
];
for (const [form, db] of OWN) {
  t.test(`a container with a limit of its own keeps it, and the rest is for the others: ${form}`, async (t) => {
    const limited = limit({ web: { image: 'web:1' }, db }, { cpu: 2, memoryMb: 512 });
    t.same(limited.services['db'], db);
    t.same(limited.services['web'], {
      image: 'web:1',
      deploy: { resources: { limits: { cpus: 1.5, memory: mib(412) } } },
    });
  });
}

t.test('what else the file says of resources stays', async (t) => {
  const web: RenderedService = {
    deploy: { replicas: 2, resources: { limits: { pids: 50 }, reservations: { memory: mib(32) } } },
  };
  t.same(limit({ web }, { memoryMb: 128 }).services['web']?.deploy, {
    replicas: 2,
    resources: { limits: { pids: 50, memory: mib(64) }, reservations: { memory: mib(32) } },
  });
});

t.test('no container is given more cores than the host has', async (t) => {
  t.same(limitsOf(limit({ web: {} }, { cpu: 8 })), { web: { cpus: 4 } });
});

t.test('a period without a quota gives way: Docker refuses it beside a number of cores', async (t) => {
  t.notOk('cpu_period' in (limit({ web: { cpu_period: 50_000 } }, { cpu: 1 }).services['web'] ?? {}));
  t.match(limit({ web: { cpu_period: 50_000 } }, { memoryMb: 64 }).services['web'], { cpu_period: 50_000 });
});

t.test('a file that asks for exactly what is allowed is fine, to the last digit', async (t) => {
  const services = { a: { cpus: 0.1 }, b: { cpus: 0.2 } };
  t.same(limit(services, { cpu: 0.3 }).services, services);
});

t.test('a file that asks for more is refused, with what asks for how much', async (t) => {
  const asking = { web: { cpus: 0.5, scale: 2 }, db: { cpus: 0.25 }, cache: {} };
  t.throws(() => limit(asking, { cpu: 1 }), {
    code: 'plan_limit',
    message: 'The containers ask for 1.25 cores; the service may use 1 core',
    fields: {
      'services.web.deploy.resources.limits.cpus': 'asks for 0.5 cores for each of 2 replicas',
      'services.db.deploy.resources.limits.cpus': 'asks for 0.25 cores',
    },
  });
  t.throws(() => limit({ db: { mem_limit: mib(1024) } }, { memoryMb: 512 }), {
    code: 'plan_limit',
    message: 'The containers ask for 1024 MiB; the service may use 512 MiB',
  });
});

t.test('a file that leaves nothing for the others is refused', async (t) => {
  const full = { db: { mem_limit: mib(510), cpus: 1 }, web: {} };
  t.throws(() => limit(full, { memoryMb: 512 }), {
    code: 'plan_limit',
    message: 'Of the 512 MiB that the service may use, 2 MiB are left for "web"',
    fields: { 'services.web.deploy.resources.limits.memory': 'needs at least 6 MiB' },
  });
  t.throws(() => limit(full, { cpu: 1 }), { code: 'plan_limit', message: /, 0 cores are left for "web"/ });
});

t.test('a service that is scaled to 0 takes nothing, and lacks nothing', async (t) => {
  const full = { db: { mem_limit: mib(512) }, web: { scale: 0, mem_reservation: mib(32) } };
  t.same(
    limitsOf(limit(full, { memoryMb: 512 }))['web'],
    { memory: mib(32) },
    'no more than it needs, should it be scaled',
  );
  const large = { db: {}, web: { scale: 0, mem_limit: mib(4096) } };
  t.same(limitsOf(limit(large, { memoryMb: 512 }))['db'], { memory: mib(512) });
});

t.test('a part below what a container reserves is refused: Docker would not make it', async (t) => {
  const services = { web: { mem_reservation: mib(300) }, db: {} };
  t.throws(() => limit(services, { memoryMb: 512 }), {
    code: 'plan_limit',
    fields: { 'services.web.deploy.resources.limits.memory': 'needs at least 300 MiB' },
  });
});

t.test('another limit is another revision, none is as before limits existed', async (t) => {
  const inputs = [undefined, { cpu: 1, memoryMb: null }, { cpu: 2, memoryMb: null }, { cpu: null, memoryMb: 1 }].map(
    (limits) => inputsOf(specOf({ limits })),
  );
  t.equal(new Set(inputs).size, 4);
  t.equal(inputsOf(specOf({ limits: { cpu: null, memoryMb: null } })), inputs[0]);
});

t.test('the plan recreates only what gets another limit', async (t) => {
  const services = { web: { image: 'web:1' }, db: { image: 'db:1', mem_limit: mib(100) } };
  const engine = new FakeEngine();
  const containers = ['web', 'db'].map((service) =>
    engine.addContainer({ name: service, service, image: `${service}:1`, state: 'running' }),
  );
  const facts = { containers, imageIds: {}, made: limit(services, { memoryMb: 512 }) };
  t.equal(
    printPlan(planDeploy({ ...facts, desired: limit(services, { memoryMb: 300 }) })),
    'keep     db   unchanged\nrecreate web  deploy changed',
  );
});

const live = (service: string, cpuLimit: number | null, memory: number | null) => {
  return { name: `shop-${service}-1`, service, cpuLimit, memoryLimitBytes: memory && memory * 1024 ** 2 };
};

t.test('a container that is taken as it is may use what a new one would get, and no more', async (t) => {
  const limits = { cpu: 1, memoryMb: 128 };
  const file = limit({ web: {}, db: { mem_limit: mib(28) } }, limits);
  t.doesNotThrow(() => requireLimited([live('web', 0.5, 100), live('db', 0.25, 28)], file, limits));
  t.doesNotThrow(() => requireLimited([live('web', null, null)], file, undefined), 'nothing is limited');
  const over: [container: ReturnType<typeof live>, message: string][] = [
    [live('web', 0.5, null), 'Container "shop-web-1" may use any amount of memory; its part is 100 MiB'],
    [live('db', 0.5, 29), 'Container "shop-db-1" may use 29 MiB; its part is 28 MiB'],
    [live('web', 2, 100), 'Container "shop-web-1" may use 2 cores; its part is 0.5 cores'],
    [live('toy', null, 1), 'Container "shop-toy-1" may use any amount of cpus; its part is 0 cores'],
  ];
  for (const [container, message] of over) {
    t.throws(() => requireLimited([container], file, limits), { code: 'plan_limit', message });
  }
});
