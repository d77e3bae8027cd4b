// Bad schedules over HTTP, as the list of attacks has them.
import t from 'tap';
import { startRealHttp } from '../support/real-http.ts';

const NIGHTLY = { name: 'nightly', kind: 'restart', cron: '0 4 * * *', targets: { all: true } };

t.test('A66: a line, a nickname or a zone that makes no schedule is 422 invalid_schedule', async (t) => {
  const { http, key } = await startRealHttp(t);
  const bad = [
    { cron: '* * * * * *' },
    { cron: '*/1 * * * * *' },
    { cron: '0-59 * * * * *' },
    { cron: '99 * * * *' },
    { cron: '@reboot' },
    { timezone: '../../etc' },
    { timezone: '/etc/localtime' },
    { timezone: '' },
  ];
  for (const over of bad) {
    const refused = await http.error('POST', '/api/schedules', { key, body: { ...NIGHTLY, ...over } });
    t.match(refused, { status: 422, code: 'invalid_schedule' }, JSON.stringify(over));
  }
  const { body } = await http.get<{ data: unknown[] }>('/api/schedules', key);
  t.strictSame(body.data, []);
});

t.test('A67: a command is a list of words for a container; no text, no host, no script', async (t) => {
  const { http, key } = await startRealHttp(t);
  const exec = { ...NIGHTLY, kind: 'exec' };
  const bad = [
    { ...exec, command: 'rm -rf /' },
    { ...exec, command: [] },
    { ...exec, command: ['sh', 1] },
    { ...exec, command: ['true'], host: 'self' },
    { ...exec, script: '#!/bin/sh' },
    { ...NIGHTLY, kind: 'script', command: ['/root/run.sh'] },
    { ...NIGHTLY, command: ['true'] },
  ];
  for (const body of bad) {
    const refused = await http.error('POST', '/api/schedules', { key, body });
    t.equal(refused.status, 422, JSON.stringify(body));
  }
  const words = { ...exec, command: ['echo', '$(id); `id`'] };
  const made = await http.call('POST', '/api/schedules', { key, body: words });
  t.match(made, { status: 201, body: { command: ['echo', '$(id); `id`'] } }, 'words stay words');
});
