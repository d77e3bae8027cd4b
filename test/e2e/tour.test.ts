// The tour of the README, run as it is written: its ```sh blocks, one after another, in one shell. The port and the project
// that it names belong to it alone.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { docker, ensureAliases, removeProject, requireDocker } from '../support/docker.ts';
import { standInsFor } from '../support/stand-ins.ts';
import { startUp } from '../support/up.ts';

const run = promisify(execFile);
const README = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');
const blocks = [...README.matchAll(/^```sh\n(.*?)^```/gms)].map((match) => match[1] ?? '');

void t.test('the tour of the README does what it says', async (t) => {
  if (!(await requireDocker(t))) return;
  const images = [...README.matchAll(/image: ([^\s\\]+)/g)].map((match) => match[1] ?? '');
  await ensureAliases(...standInsFor(images));
  t.teardown(() => removeProject('hello'));
  const up = await startUp(t);

  const script = ['set -euo pipefail', ...blocks.map((block, i) => `echo; echo "== block ${i}"\n${block}`)].join('\n');
  const env = { ...process.env, LONGSHORE_URL: up.url };
  const { stdout } = await run('bash', ['-c', script], { cwd: dirname(up.dataDir), env, timeout: 120_000 });
  const said = stdout.split(/^== block \d+$/m).slice(1);

  const [ready, , created = '', shown = '', logs = '', changed = '', removed = ''] = said;
  t.equal(said.length, blocks.length);
  t.match(ready, 'ok');
  t.match(created, '"status":"deploying"');
  t.match(stdout, /"type":"deploy.progress".*"step":"apply","state":"done"/, 'progress came while it happened');
  t.match(shown, '"status":"running"');
  t.match(shown, '"url":"http://127.0.0.1:8088"');
  t.match(logs, /"stream":"stdout","message":"serving standin on port 80","container":"hello-web-1"/);
  for (const message of ['Service stopped', 'Service started', 'Service restarted', '"deploy_job_id"'])
    t.match(changed, message);
  t.match(removed, '204\n');
  t.match(removed, '"total":0');
  t.equal(await docker(['ps', '-aq', '--filter', 'label=com.docker.compose.project=hello']), '');
  t.equal(await docker(['volume', 'ls', '-q', '--filter', 'label=com.docker.compose.project=hello']), '');
});
