// In what order a project is brought up while old and new containers of some services run side by side.
import t from 'tap';
import { requirementsOf, stagesOf } from '../../agent/deploy/overlap/stages.ts';
import type { DependencyCondition, Rendered, RenderedService } from '../../agent/deploy/rendered.ts';

const needing = (needs: Record<string, DependencyCondition>, required = true): RenderedService => ({
  depends_on: Object.fromEntries(Object.entries(needs).map(([name, condition]) => [name, { condition, required }])),
});

const shop = (services: Record<string, RenderedService>): Rendered => ({ name: 'shop', services });

const print = (rendered: Rendered, beside: string[]) =>
  stagesOf(rendered, beside).map(({ services, isBeside }) => `${isBeside ? 'beside' : 'others'} ${services.join(' ')}`);

t.test('dependencies come before what is replaced, and what depends on that comes after', async (t) => {
  const rendered = shop({
    db: {},
    migrate: needing({ db: 'service_healthy' }),
    web: needing({ migrate: 'service_completed_successfully', db: 'service_healthy' }),
    proxy: needing({ web: 'service_healthy' }),
  });
  t.strictSame(print(rendered, ['web']), ['others db migrate', 'beside web', 'others proxy']);
});

t.test('what Compose can order by itself is one run', async (t) => {
  const rendered = shop({
    auth: {},
    api: needing({ auth: 'service_healthy' }),
    web: needing({ api: 'service_started' }),
  });
  t.strictSame(print(rendered, ['api', 'web']), ['others auth', 'beside api web']);
  t.strictSame(print(rendered, []), ['others auth api web']);
  t.strictSame(print(rendered, ['auth', 'web']), ['beside auth', 'others api', 'beside web']);
});

t.test(
  'the health of what is replaced beside is not for Compose to judge: it looks at old containers too',
  async (t) => {
    const rendered = shop({
      auth: {},
      api: needing({ auth: 'service_healthy' }),
      web: needing({ api: 'service_started' }),
    });
    t.strictSame(print(rendered, ['auth', 'api', 'web']), ['beside auth', 'beside api web']);
  },
);

t.test('what does not need a service that is replaced beside does not wait for it', async (t) => {
  const rendered = shop({
    web: {},
    db: {},
    worker: needing({ db: 'service_started' }),
    proxy: needing({ web: 'service_started', db: 'service_started' }),
    logs: { network_mode: 'service:proxy' },
  });
  t.strictSame(print(rendered, ['web']), ['others db worker', 'beside web', 'others proxy logs']);
});

t.test('a stage waits for what it needs of other stages, unless it can do without', async (t) => {
  const rendered = shop({
    web: needing({
      migrate: 'service_completed_successfully',
      db: 'service_healthy',
      cache: 'service_started',
      api: 'service_healthy',
    }),
    api: needing({ db: 'service_healthy' }),
    worker: needing({ db: 'service_healthy' }, false),
  });
  const stage = (...services: string[]) => ({ services, isBeside: true });
  t.strictSame(requirementsOf(rendered, stage('web', 'api')), { healthy: ['db'], completed: ['migrate'] });
  t.strictSame(requirementsOf(rendered, stage('worker')), { healthy: [], completed: [] });
});
