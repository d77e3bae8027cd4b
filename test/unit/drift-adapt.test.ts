// What lives, said by the compose file: the file, what differs, and the file afterwards.
import t from 'tap';
import { parseCompose } from '#shared/compose/parse.ts';
import type { Rendered, RenderedService } from '../../agent/deploy/rendered.ts';
import type { LiveConfig } from '../../agent/docker/live-container.ts';
import { adaptCompose } from '../../agent/drift/adapt.ts';
import { compareContainers } from '../../agent/drift/compare.ts';
import type { Snapshot } from '../../agent/drift/snapshot.ts';

const group = (service: string, ...configs: Partial<LiveConfig>[]): Snapshot =>
  configs.map((config, i) => ({
    id: `${service}-${i}`,
    service,
    name: `shop-${service}-${i + 1}`,
    imageId: 'sha256:1',
    owner: 'svc_1',
    config: { image: 'web:1', ...config },
  }));

const RENDERED: Rendered = {
  name: 'shop',
  services: { web: {} },
  networks: { default: { name: 'shop_default' }, back: { name: 'shop_back' } },
  volumes: { data: { name: 'shop_data' } },
};

function adapt(text: string, before: Snapshot, live: Snapshot, service: RenderedService = {}): string {
  const rendered = { ...RENDERED, services: { web: service } };
  return adaptCompose(text, { drifted: compareContainers(before, live), expected: before, live, rendered });
}

const webOf = (text: string, before: Partial<LiveConfig>, live: Partial<LiveConfig>): unknown =>
  parseCompose(adapt(`services: {web: ${text}}`, group('web', before), group('web', live))).services['web'];

const CASES: [name: string, web: string, before: Partial<LiveConfig>, live: Partial<LiveConfig>, after: object][] = [
  ['a key that is new', '{image: a}', {}, { user: '5' }, { image: 'a', user: '5' }],
  ['a key that is gone', '{image: a, user: "5"}', { user: '5' }, {}, { image: 'a' }],
  [
    'a dollar stays a dollar, and references of other values stay references',
    '{environment: {A: "${A}", B: x}}',
    { environment: { A: '1', B: 'x' } },
    { environment: { A: '1', B: 'a$b' } },
    { environment: { A: '${A}', B: 'a$$b' } },
  ],
  [
    'an environment as a list',
    '{environment: ["A=${A}", "B=x", C]}',
    { environment: { A: '1', B: 'x' } },
    { environment: { A: '1', D: 'y' } },
    { environment: { A: '${A}', C: null, D: 'y' } },
  ],
  [
    'limits stand where the file has them',
    '{deploy: {resources: {limits: {memory: 64m, cpus: "1"}}}}',
    { mem_limit: 67108864, cpus: 1 },
    { mem_limit: 134217728, cpus: 1, pids_limit: 5 },
    { deploy: { resources: { limits: { memory: '134217728', cpus: '1' } } }, pids_limit: 5 },
  ],
  [
    'the restart policy that would win goes',
    '{deploy: {replicas: 1, restart_policy: {condition: any}}}',
    { restart: 'always' },
    {},
    { deploy: { replicas: 1 }, restart: 'no' },
  ],
  [
    'a network of the project by its key, where the service was in the default one',
    '{image: a}',
    { networks: { shop_default: {} } },
    { networks: { shop_default: {}, shop_back: { aliases: ['x'] } } },
    { image: 'a', networks: { default: null, back: { aliases: ['x'] } } },
  ],
  [
    'a network it left',
    '{networks: [default, back]}',
    { networks: { shop_default: {}, shop_back: {} } },
    { networks: { shop_default: {} } },
    { networks: { default: null } },
  ],
  [
    'mounts by their target, the others as they were written',
    '{volumes: ["./a:/a", "data:/data:ro"]}',
    {
      volumes: [
        { type: 'bind', source: '/s/a', target: '/a' },
        { type: 'volume', source: 'shop_data', target: '/data', read_only: true },
      ],
    },
    {
      volumes: [
        { type: 'bind', source: '/s/a', target: '/a' },
        { type: 'volume', source: 'shop_data', target: '/data' },
      ],
    },
    { volumes: ['./a:/a', { type: 'volume', source: 'data', target: '/data' }] },
  ],
  [
    'a health check as it is',
    '{healthcheck: {test: "true", interval: 5s}}',
    { healthcheck: { test: ['CMD-SHELL', 'true'], interval: '5s' } },
    { healthcheck: { test: ['CMD', 'x'] } },
    { healthcheck: { test: ['CMD', 'x'] } },
  ],
];

for (const [name, web, before, live, after] of CASES) {
  t.test(name, async (t) => t.strictSame(webOf(web, before, live), after));
}

t.test('what did not change stays to the letter', async (t) => {
  const text = 'services:\n  # the front\n  web:\n    image: a # ours\n    user: "5"\nx-more: { a: 1 }\n';
  t.equal(adapt(text, group('web', { user: '5' }), group('web', { user: '6' })), text.replace('"5"', '"6"'));
});

t.test('of an environment the other variables stay to the letter too', async (t) => {
  const text = 'services:\n  web:\n    environment:\n      A: 1_000 # a thousand\n      B: x\n';
  const [before, live] = [group('web', { environment: { B: 'x' } }), group('web', { environment: { B: 'y' } })];
  t.equal(adapt(text, before, live), text.replace('B: x', 'B: y'));
});

t.test('what Compose would take for a number or a date is quoted', async (t) => {
  const live = { environment: { A: '1_000', B: '0B11', C: '2020-01-01', D: '+1_0' } };
  const text = adapt('services: {web: {image: a}}', group('web', {}), group('web', live));
  t.match(text, '{ A: "1_000", B: "0B11", C: "2020-01-01", D: "+1_0" }');
});

t.test("somebody else's network and volume are declared as such", async (t) => {
  const live = {
    networks: { shop_default: {}, edge: {} },
    volumes: [{ type: 'volume', source: 'pool', target: '/p' }],
  };
  const text = adapt('services: {web: {}}', group('web', { networks: { shop_default: {} } }), group('web', live));
  t.strictSame(parseCompose(text).root, {
    services: { web: { networks: { default: null, edge: null }, volumes: live.volumes } },
    networks: { edge: { name: 'edge', external: true } },
    volumes: { pool: { name: 'pool', external: true } },
  });
});

t.test('more or fewer of the same are a number', async (t) => {
  const scaled = (web: string) =>
    parseCompose(adapt(`services: {web: ${web}}`, group('web', {}), group('web', {}, {}, {}))).services['web'];
  t.strictSame(scaled('{image: a}'), { image: 'a', scale: 3 });
  t.strictSame(scaled('{deploy: {replicas: 1}}'), { deploy: { replicas: 3 } });
});

t.test('a service that stands as an alias gets a text of its own', async (t) => {
  const text = 'x-web: &web {image: a, user: "5"}\nservices:\n  web: *web\n  other: *web\n';
  const { services } = parseCompose(adapt(text, group('web', { user: '5' }), group('web', { user: '6' })));
  t.strictSame(services, { web: { image: 'a', user: '6' }, other: { image: 'a', user: '5' } });
});

const REFUSED: [name: string, text: string, before: Snapshot, live: Snapshot, why: RegExp][] = [
  ['a container of no service', 'services: {web: {}}', [], group('toy', {}), /"shop-toy-1" belongs to no service/],
  ['a service without a container', 'services: {web: {}}', group('web', {}), [], /"web" has no container left/],
  [
    'replicas that differ',
    'services: {web: {}}',
    group('web', {}, {}),
    group('web', {}, { user: '0' }),
    /"shop-web-1" and "shop-web-2" are not set up alike/,
  ],
  [
    'a service of another file',
    'include: [other.yaml]\nservices: {}',
    group('web', {}),
    group('web', { user: '0' }),
    /not written in the file itself/,
  ],
  [
    'another image of what is built',
    'services: {web: {build: .}}',
    group('web', {}),
    group('web', { image: 'b' }),
    /built from the file/,
  ],
  [
    "a stranger's namespace",
    'services: {web: {}}',
    group('web', {}),
    group('web', { network_mode: 'container:abc' }),
    /network_mode is the namespace of a container outside/,
  ],
  [
    'a variable that another file gave',
    'services: {web: {env_file: a.env}}',
    group('web', { environment: { A: '1' } }),
    group('web', {}),
    /the environment may come from an env_file/,
  ],
  [
    'a variable that a list of the file does not have',
    'services: {web: {environment: [B=1]}}',
    group('web', { environment: { A: '1', B: '1' } }),
    group('web', { environment: { B: '1' } }),
    /environment.A is not in the file itself/,
  ],
  [
    'what an extended service may have too',
    'services: {web: {extends: {file: a.yaml, service: b}, user: "5"}}',
    group('web', { user: '5' }),
    group('web', {}),
    /user may come from what the service extends/,
  ],
  [
    'a part that another service refers to',
    'services:\n  web: {environment: &e {A: "1"}}\n  other: {environment: *e}',
    group('web', { environment: { A: '1' } }),
    group('web', { environment: { A: '2' } }),
    /"other" would become another one by an anchor/,
  ],
  [
    'a part with an anchor that would go',
    'services:\n  web: {command: [&a x]}\n  other: {command: [*a]}',
    group('web', { command: ['x'] }),
    group('web', { command: ['y'] }),
    /an anchor that another part of the file refers to/,
  ],
  [
    'a key that comes from elsewhere',
    'x-a: &a {user: "5"}\nservices: {web: {<<: *a, image: b}}',
    group('web', { user: '5' }),
    group('web', {}),
    /"web" would become another one by an anchor or a merged key/,
  ],
  [
    'a file of several documents',
    'services: {web: {}}\n---\nservices: {web: {}}',
    group('web', {}),
    group('web', { user: '0' }),
    /more than one YAML document/,
  ],
];

for (const [name, text, before, live, why] of REFUSED) {
  t.test(`refused by name: ${name}`, async (t) => {
    t.throws(() => adapt(text, before, live), { code: 'state_conflict', message: why });
  });
}
