// A plan as people read it.
import t from 'tap';
import { runCli } from '../support/cli.ts';
import { startFakeApi } from '../support/fake-api.ts';

const image = (source: string, more: object = {}) => ({ reference: `${source}:1`, source, ...more });

void t.test('what is pulled is told with its size, where that is known', async (t) => {
  const images = [
    image('present'),
    image('pull', { download_bytes: 45_210_112 }),
    image('refresh', { download_bytes: null }),
    image('build'), // of a control plane that tells no sizes
  ];
  const nothing = { services: [], volumes: [], findings: [], preflight: [], downtime: { services: [] } };
  const plan = { plan_id: null, deploys: true, commit: null, proposal: null, ...nothing, images };
  const api = await startFakeApi(t, () => ({ body: plan }));
  const { stdout } = await runCli(['services', 'plan', 'svc_000001'], api);
  const lines = stdout.split('\n').filter((line) => /^(present|pull|refresh|build) /.test(line));
  t.same(lines, ['pull pull:1 (45.2MB compressed)', 'refresh refresh:1', 'build build:1']);
});
