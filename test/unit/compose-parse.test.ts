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
    ['two documents', 'services: {a: {image: x}}\n---\na: b\n', '2:1: Source contains multiple documents'],
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
