// Reading a compose file within limits.
import t from 'tap';
import { COMPOSE_LIMITS, parseCompose } from '#shared/compose/parse.ts';
import { LongshoreError } from '#shared/errors.ts';

/** The error a text is refused with. */
function refusal(text: string): { code: string; details: string | undefined } {
  try {
    parseCompose(text);
  } catch (error) {
    if (error instanceof LongshoreError) return { code: error.code, details: error.details };
    throw error;
  }
  return { code: 'accepted', details: undefined };
}

const services = (count: number, body = '{image: x}') =>
  `services:\n${Array.from({ length: count }, (_, i) => `  s${i}: ${body}`).join('\n')}\n`;

/** Each level is nine times the one before: 9^10 values from 400 bytes. */
const aliasBomb = () => {
  const levels = 'abcdefghij'.split('').map((name, i, all) => {
    return `${name}: &${name} [${Array(9)
      .fill(i === 0 ? 'x' : `*${all[i - 1]}`)
      .join(',')}]`;
  });
  return `${levels.join('\n')}\nservices: {web: {image: x, command: *j}}\n`;
};

t.test('anchors and merge keys are expanded, variables are left as written', async (t) => {
  const { services: found } = parseCompose(`
x-base: &base {restart: always, environment: {A: "1"}}
services:
  web: {<<: *base, image: "web:\${TAG:-1}"}
`);
  t.same(found, { web: { restart: 'always', environment: { A: '1' }, image: 'web:${TAG:-1}' } });
});

t.test('a file that only includes others has no services of its own', async (t) => {
  t.same(parseCompose('include: [./other.yaml]').services, {});
});

t.test('what is not a compose file is refused with line and column', async (t) => {
  const cases: [string, string, string][] = [
    ['a duplicate key', 'services:\n  a:\n    image: x\n    image: y\n', '4:5: "image" is there twice'],
    [
      'bad indentation',
      'services:\n  a:\n   image: x\n  - b\n',
      '4:1: A block sequence may not be used as an implicit map key',
    ],
    ['a second document that is none', 'services: {a: {image: x}}\n---\n', 'the file is not a mapping'],
    ['brackets that never close', 'services: {a: [\nb', '2:1: Flow sequence'],
    ['quotes that never close', 'services: {a: "\nb', '2:2: Missing closing "quote'],
    ['a list', '- a', 'the file is not a mapping'],
    ['nothing', '', 'the file is not a mapping'],
    ['no services', 'volumes: {}', 'services: there is none'],
    ['services as a list', 'services: [a]', 'services: not a mapping'],
    ['a service as text', 'services: {a: b}', 'services.a: not a mapping'],
  ];
  for (const [name, text, details] of cases) {
    const found = refusal(text);
    t.equal(found.code, 'compose_invalid', name);
    t.ok(found.details?.startsWith(details), `${name}: ${found.details}`);
  }
});

t.test('documents lie on top of each other, and each is kept for itself', async (t) => {
  const {
    root,
    services: found,
    layers,
  } = parseCompose(`
services: {web: {image: a, env_file: [one], extends: {file: x}}}
---
volumes: {data: {}}
---
services: {web: {image: b, env_file: [two], extends: {file: y}}, db: {image: c}}
`);
  t.same(found, { web: { image: 'b', env_file: ['one', 'two'], extends: { file: 'y' } }, db: { image: 'c' } });
  t.same(root, { services: found, volumes: { data: {} } });
  t.same(
    layers?.map(({ services: own }) => Object.keys(own)),
    [['web'], [], ['web', 'db']],
  );
  t.match(layers?.[0], { services: { web: { extends: { file: 'x' } } } }, 'Compose reads it, whatever comes later');
});

t.test('A44: what several documents are together is measured, and no key gets lost between them', async (t) => {
  const many = Array.from({ length: COMPOSE_LIMITS.services + 1 }, (_, i) => `services: {s${i}: {image: x}}`);
  t.equal(refusal(many.join('\n---\n')).code, 'yaml_resource_limit');
  const { services: found } = parseCompose(
    'services: {a: {image: x}}\n---\nservices: {a: {__proto__: {privileged: true}}}',
  );
  t.ok(Object.hasOwn(found['a'] ?? {}, '__proto__'));
});

t.test('what the letter of YAML forbids and Compose takes is read as Compose reads it', async (t) => {
  const cases: [string, string, unknown][] = [
    ['brackets at the margin', '{web: {\nimage: x,\n\tcommand: [\na,\n b\n]\n}}', { image: 'x', command: ['a', 'b'] }],
    ['text in quotes at the margin', '{web: {image: "a\nb", command: \'c\nd\'}}', { image: 'a b', command: 'c d' }],
    ['a comment right behind quotes', '\n  web:\n    image: "x"#note\n', { image: 'x' }],
    ['returns as line ends', '\r  web:\r    image: x\r', { image: 'x' }],
  ];
  for (const [name, text, web] of cases) t.same(parseCompose(`services: ${text}`).services['web'], web, name);
});

t.test('A44: a text that is wrong in many places is not read again and again', async (t) => {
  const wrong = (lines: number) => `services: {a: {image: x, command: [\n${'b,\n'.repeat(lines)}]}}`;
  t.equal(refusal(wrong(40)).code, 'accepted');
  t.match(refusal(wrong(80)), { code: 'compose_invalid', details: /Flow sequence/ });
});

t.test('A44: an alias bomb is refused', async (t) => {
  t.same(refusal(aliasBomb()), { code: 'yaml_resource_limit', details: 'aliases multiply' });
});

t.test('A44: aliases that contain themselves are refused', async (t) => {
  t.equal(refusal('a: &a {<<: *a}\nservices: {w: {image: x}}').code, 'yaml_resource_limit');
  t.equal(refusal('a: &a [*a]\nservices: {w: {image: x}}').code, 'yaml_resource_limit');
  t.equal(refusal('services: &s\n  w: {<<: *s, image: x}').code, 'yaml_resource_limit');
});

t.test('A44: size, services, aliases and depth have limits, and what is just within passes', async (t) => {
  const aliased = (count: number) => `x: &x {a: b}\ny: [${Array(count).fill('*x').join(',')}]\n${services(1)}`;
  const nested = (depth: number) => `x: ${'{a: '.repeat(depth)}1${'}'.repeat(depth)}\n${services(1)}`;
  const padded = (bytes: number) => services(1) + '#'.repeat(bytes - services(1).length);
  const limits: [string, (n: number) => string, number][] = [
    ['bytes', padded, COMPOSE_LIMITS.bytes],
    ['services', services, COMPOSE_LIMITS.services],
    ['aliases', aliased, COMPOSE_LIMITS.aliases],
    ['depth', nested, COMPOSE_LIMITS.depth - 1],
  ];
  for (const [name, make, most] of limits) {
    t.equal(refusal(make(most)).code, 'accepted', `${name}: ${most}`);
    t.equal(refusal(make(most + 1)).code, 'yaml_resource_limit', `${name}: ${most + 1}`);
  }
  t.equal(refusal(services(10_000)).code, 'yaml_resource_limit');
  t.equal(refusal('x'.repeat(5_000_000)).code, 'yaml_resource_limit');
});

t.test('A44: nesting that would exhaust the stack is refused', async (t) => {
  for (const text of ['['.repeat(100_000), '{a: '.repeat(60_000), '- '.repeat(100_000), '? '.repeat(100_000)]) {
    t.equal(refusal(text).code, 'yaml_resource_limit', text.slice(0, 6));
  }
});

t.test('a key named __proto__ stays a plain key', async (t) => {
  const { services: found } = parseCompose('services: {a: {image: x, __proto__: {privileged: true}}}');
  t.ok(Object.hasOwn(found['a'] ?? {}, '__proto__'));
  t.equal((found['a'] as { privileged?: unknown }).privileged, undefined);
});
