// Which shared variables a service takes, as a table: what the text refers to, what it has itself, what values refer to.
import t from 'tap';
import { fillShared } from '../../control/app/variables/shared-variables.ts';

const shared = (name: string, value: string, isSecret = true) => ({ id: `var_${name}`, name, value, isSecret });
const SCOPE = [
  shared('HOST', 'mail.example.com', false),
  shared('PASS', 'shared-secret'),
  shared('UNUSED', 'never-sent'),
];
const compose = (web: string, more = '') => `services: {web: {image: "busybox:1", ${web}}}\n${more}`;
const fill = (text: string, variables: Record<string, string> = {}, secretNames: string[] = []) =>
  fillShared({ compose: text, variables, secretNames, method: 'compose' }, SCOPE);

t.test('the compose text takes what it refers to, in any form, and nothing else', async (t) => {
  const texts = {
    braced: compose('environment: {A: "${PASS}"}'),
    plain: compose('command: "run $PASS"'),
    'with a default': compose('command: "${PASS:-none}"'),
    'within a default': compose('command: "${OTHER:-${PASS}}"'),
    'as a key': compose('environment: ["X=${PASS}"]'),
    'passed through a list': compose('environment: [PASS]'),
    'passed through a map': compose('environment: {PASS: }'),
    'a secret': compose('secrets: [s]', 'secrets: {s: {environment: PASS}}'),
    'a config': compose('configs: [c]', 'configs: {c: {environment: PASS}}'),
  };
  for (const [form, text] of Object.entries(texts)) {
    t.strictSame(
      fill(text),
      {
        variables: { PASS: 'shared-secret' },
        secretNames: ['PASS'],
        secrets: ['shared-secret'],
        taken: ['var_PASS'],
        offeredNames: [],
      },
      form,
    );
  }
  for (const text of [compose('command: "$$PASS"'), compose('command: "PASS"'), compose('environment: ["PASS=x"]')])
    t.strictSame(fill(text), { variables: {}, secretNames: [], secrets: [], taken: [], offeredNames: [] }, text);
});

t.test('a variable of the service itself goes first', async (t) => {
  const own = { PASS: 'own' };
  t.strictSame(fill(compose('command: "${PASS} ${HOST}"'), own), {
    variables: { PASS: 'own', HOST: 'mail.example.com' },
    secretNames: [],
    secrets: [],
    taken: ['var_HOST'],
    offeredNames: [],
  });
});

t.test('a value may refer to shared variables, and is secret when one of them is', async (t) => {
  const variables = { URL: 'smtp://u:${PASS}@${HOST}', PLAIN: '${HOST}:25', LITERAL: '$PASS ${NOBODY}' };
  t.strictSame(fill(compose('environment: [URL, PLAIN, LITERAL]'), variables), {
    variables: {
      URL: 'smtp://u:shared-secret@mail.example.com',
      PLAIN: 'mail.example.com:25',
      LITERAL: '$PASS ${NOBODY}',
    },
    secretNames: ['URL'],
    secrets: ['shared-secret'],
    taken: ['var_PASS', 'var_HOST'],
    offeredNames: [],
  });
});

t.test('what a shared value refers to is not filled again', async (t) => {
  const scope = [shared('A', '${B}'), shared('B', 'b')];
  const service = {
    compose: compose('command: x'),
    variables: { V: '${A}' },
    secretNames: [],
    method: 'compose' as const,
  };
  const filled = fillShared(service, scope);
  t.equal(filled.variables['V'], '${B}');
});

t.test('a repository takes all of its scope: only the host reads its file', async (t) => {
  const filled = fill('', { OWN: '${HOST}' });
  t.strictSame(filled.taken, ['var_HOST', 'var_PASS', 'var_UNUSED']);
  t.strictSame(filled.offeredNames, ['HOST', 'PASS', 'UNUSED'], 'and is told which ones nobody asked for');
  t.strictSame(fill(compose('command: "$PASS"')).offeredNames, []);
});

t.test("A56: a stranger's repository gets what the service's own variables name, and nothing else", async (t) => {
  const service = { compose: '', variables: { OWN: '${HOST}' }, secretNames: [], method: 'ai' as const };
  t.strictSame(fillShared(service, SCOPE), {
    variables: { OWN: 'mail.example.com' },
    secretNames: [],
    secrets: [],
    taken: ['var_HOST'],
    offeredNames: [],
  });
});
