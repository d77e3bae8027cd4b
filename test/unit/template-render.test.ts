import { createHmac, randomBytes } from 'node:crypto';
import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { renderTemplate } from '../../control/templates/render.ts';
import { manifestSchema, type TemplateDefinition } from '../../control/templates/schema.ts';

const random = { randomBytes, now: () => Date.UTC(2026, 0, 2) };

function template(variables: object[], compose = 'services: {}'): TemplateDefinition {
  const manifest = manifestSchema.parse({
    schema: 1,
    id: 'sample',
    name: 'Sample',
    tagline: 'one line',
    description: 'text',
    category: 'web',
    version: 1,
    appVersion: '1.0',
    variables: variables.map((variable) => ({ label: 'a label', ...variable })),
  });
  return { ...manifest, compose, files: { 'conf/site.conf': 'listen 80;' } };
}

/** The `fields` of the refusal, without the prefix that each has. */
function refusal(variables: object[], given: Record<string, string>): Record<string, string> {
  try {
    const { variables: rendered } = renderTemplate(template(variables), given, random);
    return { nothing: `rendered ${JSON.stringify(rendered)}` };
  } catch (error) {
    if (!(error instanceof LongshoreError) || error.code !== 'template_variable') throw error;
    return Object.fromEntries(
      Object.entries(error.fields ?? {}).map(([name, reason]) => [name.replace(/^variables\./, ''), reason]),
    );
  }
}

void t.test('what is not given comes from the default, also by way of another variable', async (t) => {
  const definition = template([
    { name: 'USER', default: 'app' },
    { name: 'DB', default: '${USER}_db' },
    { name: 'NOTE' },
  ]);
  t.same(renderTemplate(definition, {}, random).variables, { USER: 'app', DB: 'app_db', NOTE: '' });
  t.same(renderTemplate(definition, { USER: 'me' }, random).variables, { USER: 'me', DB: 'me_db', NOTE: '' });
  t.same(renderTemplate(definition, { DB: 'x' }, random).variables, { USER: 'app', DB: 'x', NOTE: '' });
});

void t.test('a required variable without a value is refused by name', async (t) => {
  const variables = [{ name: 'TITLE', required: true }];
  t.same(refusal(variables, {}), { TITLE: 'is required' });
  t.same(refusal(variables, { TITLE: '' }), { TITLE: 'is required' });
});

void t.test('every problem is told at once, and no message repeats a value', async (t) => {
  const variables = [
    { name: 'PORT', type: 'port' },
    { name: 'KEY', type: 'password', secret: true, min: 20 },
  ];
  t.same(refusal(variables, { PORT: 'hunter2', KEY: 'hunter2', OTHER: 'hunter2' }), {
    OTHER: 'is not a variable of this template',
    PORT: 'must be a port from 1 to 65535',
    KEY: 'must be at least 20 characters long',
  });
  t.throws(() => renderTemplate(template(variables), { KEY: 'hunter2' }, random), { code: 'template_variable' });
});

void t.test('a generated secret stays what it was when it is given again', async (t) => {
  const definition = template([{ name: 'SECRET', type: 'password', secret: true, generate: { kind: 'hex' } }]);
  const first = renderTemplate(definition, {}, random);
  t.match(first.variables['SECRET'], /^[0-9a-f]{32}$/);
  t.same(renderTemplate(definition, first.variables, random), first);
  t.not(renderTemplate(definition, {}, random).variables['SECRET'], first.variables['SECRET']);
  t.same(first.secretNames, ['SECRET']);
});

void t.test('an empty field of a form asks for a generated value', async (t) => {
  const definition = template([{ name: 'SECRET', type: 'password', secret: true, generate: { kind: 'hex' } }]);
  t.match(renderTemplate(definition, { SECRET: '' }, random).variables['SECRET'], /^[0-9a-f]{32}$/);
});

void t.test('compose text and files are passed on untouched, whatever the values are', async (t) => {
  const compose = 'services: { a: { image: "x:${TAG}", command: "${TAG} $$HOME" } }';
  const definition = template([{ name: 'TAG' }], compose);
  const rendered = renderTemplate(definition, { TAG: '"\'; id # ${OTHER} {{constructor}} $(id)' }, random);
  t.equal(rendered.compose, compose);
  t.same(rendered.files, { 'conf/site.conf': 'listen 80;' });
});

void t.test('A57: a newline is refused where one line is meant, and fine where it is not', async (t) => {
  const attack = 'x\n privileged: true';
  t.same(refusal([{ name: 'V' }], { V: attack }), { V: 'must be one line' });
  t.same(refusal([{ name: 'V', type: 'password', secret: true }], { V: attack }), { V: 'must be one line' });
  t.equal(renderTemplate(template([{ name: 'V', type: 'text' }]), { V: attack }, random).variables['V'], attack);
});

void t.test(
  'A57: references and template syntax in a value stay text, also where a default refers to it',
  async (t) => {
    const definition = template([{ name: 'A' }, { name: 'B', default: 'is ${A}' }, { name: 'C', default: 'secret' }]);
    for (const value of ['${C}', '$C', '{{constructor}}', '"; id', '$(id)', '`id`', '%{C}', "$&$1$'"]) {
      t.same(renderTemplate(definition, { A: value }, random).variables, { A: value, B: `is ${value}`, C: 'secret' });
    }
  },
);

void t.test('A57: names that mean something to the language are no variables', async (t) => {
  const given = JSON.parse('{"__proto__":"x","constructor":"x","toString":"x"}') as Record<string, string>;
  t.same(Object.keys(refusal([{ name: 'A' }], given)).toSorted(), ['__proto__', 'constructor', 'toString']);
  t.same(renderTemplate(template([{ name: 'constructor', default: 'd' }]), {}, random).variables, { constructor: 'd' });
});

void t.test('A57: control characters and bidirectional overrides are refused in every type', async (t) => {
  for (const character of ['\0', '\r', '\u001b[31m', '\u007f', '\u0085', '\u2028', '\u202e']) {
    for (const type of ['string', 'text', 'url']) {
      const found = refusal([{ name: 'V', type }], { V: `x${character}` });
      t.same(found, { V: 'holds a control character' }, `U+${character.codePointAt(0)?.toString(16)} in ${type}`);
    }
  }
});

const TYPES: [type: string, good: string[], bad: string[]][] = [
  ['integer', ['0', '-5', '42'], ['1.5', '1e3', ' 1', '0x10', '١']],
  ['number', ['0', '-5.25'], ['1e3', '.5', '1,5', 'NaN']],
  ['boolean', ['true', 'false'], ['yes', '1', 'True']],
  ['email', ['a@example.com'], ['a', 'a b@example.com', '<a@example.com>']],
  ['url', ['https://example.com/x', 'http://127.0.0.1:80'], ['javascript:alert(1)', 'file:///etc', 'example.com']],
  ['host', ['example.com', 'db', '10.0.0.1', '::1'], ['-x', 'a..b', 'a_b', 'a/b', 'x'.repeat(64)]],
  ['ip', ['127.0.0.1', '::'], ['127.1', 'localhost', '[::1]']],
  ['port', ['1', '65535'], ['0', '65536', '080', '80/tcp', '-1']],
  ['timezone', ['UTC', 'Europe/Berlin'], ['Mars/Olympus', '../../etc/passwd', '+01:00']],
];

void t.test('each type takes its own and refuses the rest', async (t) => {
  for (const [type, good, bad] of TYPES) {
    for (const value of good)
      t.same(renderTemplate(template([{ name: 'V', type }]), { V: value }, random).variables, { V: value });
    for (const value of bad)
      t.match(refusal([{ name: 'V', type }], { V: value }), { V: /^must be / }, `${type} ${value}`);
  }
});

void t.test('options, bounds and patterns hold for the whole value', async (t) => {
  const options = [
    { value: 'a', label: 'A' },
    { value: 'b', label: 'B' },
  ];
  t.same(refusal([{ name: 'V', type: 'enum', options }], { V: 'c' }), { V: 'must be one of a, b' });
  t.same(refusal([{ name: 'V', type: 'integer', min: 2, max: 4 }], { V: '5' }), { V: 'must be at most 4' });
  t.same(refusal([{ name: 'V', min: 2 }], { V: 'x' }), { V: 'must be at least 2 characters long' });
  t.same(refusal([{ name: 'V', pattern: 'a|b' }], { V: 'ab' }), { V: 'must match a|b' });
  t.same(refusal([{ name: 'V', pattern: '[a-z]+', patternHint: 'must be letters' }], { V: 'a1' }), {
    V: 'must be letters',
  });
});

void t.test('each generator makes what its name says, as long as asked', async (t) => {
  const expected: [generate: object, shape: RegExp][] = [
    [{ kind: 'alnum', chars: 9 }, /^[A-Za-z0-9]{9}$/],
    [{ kind: 'lower' }, /^[a-z0-9]{32}$/],
    [{ kind: 'hex', chars: 64 }, /^[0-9a-f]{64}$/],
    [{ kind: 'base64', bytes: 16 }, /^[A-Za-z0-9+/]{22}==$/],
    [{ kind: 'base64url', bytes: 16 }, /^[\w-]{22}$/],
    [{ kind: 'password', chars: 200, symbols: true }, /^(?=.*[-_.!*])[\w.!*-]{200}$/],
    [{ kind: 'uuid' }, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/],
    [{ kind: 'username' }, /^[a-z][a-z0-9]{11}$/],
    [{ kind: 'port' }, /^(2\d{4}|3[0-2]\d{3})$/],
    [{ kind: 'timestamp' }, /^2026-01-02T00:00:00\.000Z$/],
  ];
  for (const [generate, shape] of expected) {
    t.match(renderTemplate(template([{ name: 'V', generate }]), {}, random).variables['V'], shape);
  }
});

void t.test('a token is signed with the variable above it and says what the template says', async (t) => {
  const definition = template([
    { name: 'SECRET', default: 'correct-horse' },
    { name: 'TOKEN', generate: { kind: 'jwt', from: 'SECRET', claims: { role: 'anon', exp: 5 } } },
  ]);
  const [head = '', body = '', signature] = (renderTemplate(definition, {}, random).variables['TOKEN'] ?? '').split(
    '.',
  );
  const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  t.same(read(head), { alg: 'HS256', typ: 'JWT' });
  t.same(read(body), { iat: Date.UTC(2026, 0, 2) / 1000, exp: 5, role: 'anon' });
  t.equal(signature, createHmac('sha256', 'correct-horse').update(`${head}.${body}`).digest('base64url'));
});

void t.test('a time may be in seconds or milliseconds', async (t) => {
  const made = (unit: string) =>
    renderTemplate(template([{ name: 'V', generate: { kind: 'timestamp', unit } }]), {}, random).variables['V'];
  t.same([made('s'), made('ms')], ['1767312000', '1767312000000']);
});

void t.test('generated characters are drawn evenly: bytes past the last full multiple are thrown away', async (t) => {
  const drawn = [0xff, 0xff, 0x00, 0x01, 0x00, 0x00]; // 65535 is past 1057 × 62, so the second pair counts
  const scripted = { randomBytes: (count: number) => Uint8Array.from(drawn.splice(0, count)), now: () => 0 };
  const definition = template([{ name: 'V', generate: { kind: 'alnum', chars: 2 } }]);
  t.equal(renderTemplate(definition, {}, scripted).variables['V'], 'ba');
});

void t.test('every template takes SERVICE_NAME, as the documented example gives it', async (t) => {
  const { variables } = renderTemplate(
    template([{ name: 'USER', default: 'app' }]),
    { SERVICE_NAME: 'my-app' },
    random,
  );
  t.same(variables, { USER: 'app', SERVICE_NAME: 'my-app' });
  t.same(renderTemplate(template([{ name: 'USER', default: 'app' }]), {}, random).variables, { USER: 'app' });
  t.same(Object.keys(refusal([], { SERVICE_NAME: 'two\nlines' })), ['SERVICE_NAME']);
});
