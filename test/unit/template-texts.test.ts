// Small readings of foreign texts: variables of a compose file, markup of a note, names.
import t from 'tap';
import { slugOf, webUrl } from '../../control/templates/import/conversion.ts';
import { variableNameOf } from '../../control/templates/import/form.ts';
import { oneLine, withoutMarkup } from '../../control/templates/import/markup.ts';
import {
  escapeDollars,
  interpolationsOf,
  namesUsedIn,
  renameVariables,
} from '../../control/templates/interpolation.ts';

t.test('variables are found in every form that Compose has, also within defaults', async (t) => {
  t.strictSame(interpolationsOf('$A ${B} ${C:-x} ${D:?why} ${E:-${F}-y} $$G ${H:+z}'), [
    { name: 'A', operator: '', argument: '' },
    { name: 'B', operator: '', argument: '' },
    { name: 'C', operator: ':-', argument: 'x' },
    { name: 'D', operator: ':?', argument: 'why' },
    { name: 'E', operator: ':-', argument: '${F}-y' },
    { name: 'F', operator: '', argument: '' },
    { name: 'H', operator: ':+', argument: 'z' },
  ]);
  t.same(namesUsedIn('${A} $A ${B:-$C} $$D'), ['A', 'B', 'C']);
  t.same(interpolationsOf('${A:-never closed'), [{ name: 'A', operator: ':-', argument: '' }]);
});

t.test('a renamed variable keeps its operator; a literal dollar stays one', async (t) => {
  t.equal(
    renameVariables('$A ${A:-${B}} $$A', (name) => `X_${name}`),
    '${X_A} ${X_A:-${X_B}} $$A',
  );
  t.equal(escapeDollars('5$ ${A}'), '5$$ $${A}');
});

t.test('a note loses its markup and what nobody reads', async (t) => {
  t.equal(
    withoutMarkup('<p>One &amp; <b>two</b></p><style>x{}</style><script>alert(1)</script><ul><li>a</li></ul>'),
    'One & two\n\na',
  );
  t.equal(withoutMarkup('&amp;lt;script&amp;gt; 1 < 2'), '&lt;script&gt; 1 < 2');
  t.equal(oneLine('a <br> b\n c', 80), 'a b c');
  t.equal(oneLine('abcdef', 4), 'abc…');
});

t.test('names follow our grammars, links are those a browser would follow', async (t) => {
  t.same(['Uptime Kuma!', '--', 'Ärger & Co', 'x'.repeat(99)].map(slugOf), [
    'uptime-kuma',
    'template',
    'a-rger-co',
    'x'.repeat(63),
  ]);
  t.same(['db-pass', '1st', 'COMPOSE_FILE', 'PATH', ''].map(variableNameOf), [
    'db_pass',
    '_1st',
    'APP_COMPOSE_FILE',
    'APP_PATH',
    'VALUE',
  ]);
  t.same(['https://a.example/x', 'javascript:alert(1)', 'a.example', 5].map(webUrl), [
    'https://a.example/x',
    undefined,
    undefined,
    undefined,
  ]);
});
