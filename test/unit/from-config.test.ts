// What `docker compose config` prints, put right.
import t from 'tap';
import { fromConfig } from '../../agent/deploy/from-config.ts';

/** `services` as they come out. */
const mended = (services: object) => fromConfig(JSON.stringify({ name: 'shop', services })).services;

t.test('keys get their dollars back, values keep them doubled for the next reading', async (t) => {
  const web = { labels: { a$$b: 'c$$d', '$$${X}': '' }, command: ['echo', '$$HOME'] };
  t.same(mended({ web }), { web: { labels: { a$b: 'c$$d', '$${X}': '' }, command: ['echo', '$$HOME'] } });
});

t.test('nobody waits for a service that is left out and may be missing', async (t) => {
  const needs = {
    debug: { condition: 'service_started', required: false },
    db: { condition: 'service_healthy', required: false },
    gone: { condition: 'service_started', required: true },
  };
  const { web } = mended({ web: { depends_on: needs }, db: {} });
  t.same(Object.keys(web?.depends_on ?? {}), ['db', 'gone'], 'what must be there is still named');
});

t.test('a limit of zero is zero', async (t) => {
  const ulimits = { core: {}, nofile: { hard: 5 }, nproc: 65_535, stack: { soft: 1, hard: 2 } };
  t.same(mended({ web: { ulimits } })['web']?.['ulimits'], {
    core: { soft: 0, hard: 0 },
    nofile: { soft: 0, hard: 5 },
    nproc: 65_535,
    stack: { soft: 1, hard: 2 },
  });
});

t.test('everything else comes through as it is', async (t) => {
  const file = {
    name: 'shop',
    services: { web: { image: 'x', environment: { A: null }, ports: [{ target: 80 }], init: false } },
    networks: { default: { name: 'shop_default', ipam: {} } },
    'x-note': [1, { a: null }],
  };
  t.same(fromConfig(JSON.stringify(file)), file);
  t.same(fromConfig('{"name":"shop"}').services, {});
});
