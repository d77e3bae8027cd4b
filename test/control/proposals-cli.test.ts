// Review of AI deploys through the command, against the real API.
import t, { type Test } from 'tap';
import type { WaitingProposal } from '#shared/protocol/deploy-parts.ts';
import { runCli } from '../support/cli.ts';
import { startRealHttp } from '../support/real-http.ts';

const ID = 'a'.repeat(64);
const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const WAITING: WaitingProposal = {
  id: ID,
  jobId: 'job_1',
  madeAt: 0,
  compose: 'services:\n  web:\n    image: app:2\n',
  runs: null,
  plan: {
    services: [{ service: 'web', action: 'create', reason: 'it is new', fields: [] }],
    images: [],
    ports: [],
    volumes: [],
    downtime: [],
    findings: [],
    preflight: [],
    commit: COMMIT,
    digest: ID,
    proposal: {
      compose: 'services:\n  web:\n    image: app:2\n',
      dockerfile: null,
      variables: [{ name: 'LEVEL', value: 'info', purpose: 'how much it says', isGiven: false }],
      port: 3000,
      healthPath: null,
      reasons: ['it is a web server'],
    },
  },
};

async function start(t: Test) {
  const { world, http, key } = await startRealHttp(t);
  const host = await world.join();
  host.answers = {
    'service.plan': async () => ({ plan: WAITING.plan }),
    'service.proposal': async () => ({ proposal: WAITING }),
    'service.reject': async () => ({}),
  };
  await host.connect(world);
  const run = (...args: string[]) => runCli(args, { url: http.url, env: { LONGSHORE_API_KEY: key } });
  const propose = async (jobId: string) => {
    t.match(await host.offered(jobId), { kind: 'propose' });
    await host.finish(jobId, { proposal: { id: ID, commit: COMMIT } }, { lifecycle: 'stopped', containers: [] });
  };
  return { world, host, run, propose };
}

const jobIn = ({ stdout }: { stdout: string }): string => /job_\w+/.exec(stdout)?.[0] ?? 'no job';

t.test('what an AI proposes is looked at, rejected, proposed anew and approved', async (t) => {
  const { host, run, propose } = await start(t);
  await propose(jobIn(await run('deploy', '--ai', 'https://example.com/x', '--review', '--name', 'app')));
  const shown = await run('services', 'proposal', 'app');
  t.match(shown, { exitCode: 0, stdout: /it is a web server/ });
  for (const part of [COMMIT, /create\s+web/, /LEVEL=info/, /\+ {4}image: app:2/]) t.match(shown.stdout, part);
  t.match(await run('services', 'proposal', 'app', '--reject'), { exitCode: 0, stdout: /rejected/ });
  t.match(await run('services', 'proposal', 'app'), { exitCode: 3 });
  await propose(jobIn(await run('services', 'redeploy', 'app')));
  t.match(await run('services', 'proposal', 'app', '--approve', '--id', 'b'.repeat(64)), {
    stderr: /Another proposal/,
  });
  t.match(await run('services', 'proposal', 'app', '--approve'), { exitCode: 2, stderr: /id/ }, 'nothing unseen');
  const approved = await run('services', 'proposal', 'app', '--approve', '--id', ID);
  t.match(await host.offered(jobIn(approved)), { kind: 'deploy', approves: ID });
});

t.test('review is switched by an update, and means nothing elsewhere', async (t) => {
  const { world, host, run } = await start(t);
  const source = { method: 'ai' as const, git: { url: 'https://example.com/x.git', branch: null } };
  const id = await world.deployed(host, 'app', { source });
  t.match(await run('services', 'update', 'app', '--review'), { exitCode: 0, stdout: /nothing to deploy/ });
  t.ok(world.stores.reviews.isWanted(id));
  t.match(await run('services', 'update', 'app', '--no-review'), { exitCode: 0 });
  t.notOk(world.stores.reviews.isWanted(id));
  t.match(await run('services', 'redeploy', 'app', '--review', '--json'), { exitCode: 0 });
  t.match(host.offers().at(-1), { kind: 'propose' });
  t.match(await run('deploy', '--git', 'https://example.com/x', '--review', '--name', 'b'), { exitCode: 2 });
  t.match(await run('deploy', '--ai', 'https://example.com/x', '--branch', 'b', '--name', 'b'), { exitCode: 2 });
});
