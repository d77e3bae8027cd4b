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

t.test('limits are written as Compose reads them', async (t) => {
  const written = { core: {}, nofile: { hard: 5 }, nproc: 65_535, stack: { soft: 1, hard: 2 } };
  const ulimits = {
    core: { soft: 0, hard: 0 },
    nofile: { soft: 0, hard: 5 },
    nproc: 65_535,
    stack: { soft: 1, hard: 2 },
  };
  const { web, built } = mended({
    web: {
      ulimits: written,
      memswap_limit: '-1',
      blkio_config: { weight: 300, device_read_bps: [{ Path: '/dev/a', Rate: '1024' }] },
    },
    built: { build: { context: '/x', ulimits: { core: {} } }, memswap_limit: '1024' },
  });
  t.same(web, {
    ulimits,
    memswap_limit: -1,
    blkio_config: { weight: 300, device_read_bps: [{ path: '/dev/a', rate: '1024' }] },
  });
  t.same(built, { build: { context: '/x', ulimits: { core: { soft: 0, hard: 0 } } }, memswap_limit: '1024' });
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
