// The text that Prometheus reads.
import t from 'tap';
import { renderMetrics } from '../../control/http/metrics/exposition.ts';
import { fleetFamilies } from '../../control/http/metrics/fleet.ts';

t.test('values are lines, what is not known has none, and a family without any is left out', async (t) => {
  const text = renderMetrics([
    {
      name: 'up',
      help: 'Whether',
      type: 'gauge',
      series: [{ value: true }, { labels: { a: '1', b: null }, value: 0.25 }],
    },
    { name: 'none', help: 'Nothing', type: 'counter', series: [{ value: null }] },
  ]);
  t.equal(text, '# HELP up Whether\n# TYPE up gauge\nup 1\nup{a="1"} 0.25\n');
});

t.test('no label ends its line or its quotes', async (t) => {
  const labels = { name: 'a"b\\c\nup 9' };
  const text = renderMetrics([{ name: 'up', help: 'x\ny', type: 'gauge', series: [{ labels, value: 1 }] }]);
  t.equal(text, String.raw`# HELP up x\ny` + '\n# TYPE up gauge\n' + String.raw`up{name="a\"b\\c\nup 9"} 1` + '\n');
});

t.test('what is beyond the limit is counted', async (t) => {
  const page = { items: [], page: 1, perPage: 1000 };
  const text = renderMetrics(
    fleetFamilies({ hosts: { ...page, total: 0 }, services: { ...page, total: 234 }, control: null }),
  );
  t.match(text, 'longshore_left_out{kind="services"} 234\n');
});
