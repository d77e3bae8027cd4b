// An agent with its socket and without a control plane: journal, runner, outbox and socket are real, Docker and the work
// are the test's.
import { join } from 'node:path';
import type { Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { Scope } from '#shared/lifecycle.ts';
import { LOCAL_SOCKET, localFolderOf } from '#shared/local.ts';
import { silentLogger } from '#shared/log.ts';
import type { JobRun } from '../../agent/deploy/job-run.ts';
import { LocalJobs } from '../../agent/jobs/local-jobs.ts';
import type { Link } from '../../agent/link/session.ts';
import { startLocal, type LocalDeps } from '../../agent/local/local.ts';
import { containerOf, offerOf, startCore, type CoreOptions } from './agent-core.ts';
import { runCli, startCli, type CliOptions } from './cli.ts';
import { eventually } from './eventually.ts';
import { makeFolder } from './folder.ts';

const AWAY: Link = {
  current: undefined,
  state: 'waiting',
  since: Date.parse('2026-10-31T00:00:00Z'),
  lastError: new LongshoreError('link_closed', { message: 'the control plane is away' }),
  onUp: () => undefined,
  onDown: () => undefined,
  onRevoked: () => undefined,
};

const done = async ({ steps, offer, service }: JobRun) => {
  await steps.run(offer.kind === 'stop' ? 'stop' : 'restart', async () => undefined);
  return { state: 'succeeded' as const, goodRevision: service.spec.revision };
};

export interface LocalHostOptions extends Partial<CoreOptions> {
  streamLogs?: LocalDeps['streamLogs'];
  isDockerAway?: boolean;
}

/** With one deployed service, `web`. Gone when the test ends. */
export async function startLocalHost(t: Test, { streamLogs, ...options }: LocalHostOptions = {}) {
  const dir = options.dir ?? makeFolder(t, 'local');
  const core = startCore(t, { dir, execute: done, ...options });
  core.docker.projects.set('web', [containerOf()]);
  if (!core.state.services.find('svc_1')) {
    core.offer(offerOf('deploy', { jobId: 'job_first' }));
    await eventually(() => core.results().length === 1);
  }
  const scope = new Scope(silentLogger());
  t.teardown(() => scope.stop());
  const { state, clock, runner, watch } = core;
  const version = async () => {
    if (core.docker.isAway) throw new LongshoreError('docker_unavailable');
    return { version: '28.0', apiVersion: '1.48' } as Awaited<ReturnType<LocalDeps['engine']['version']>>;
  };
  const unknown = () => Promise.reject(new LongshoreError('unsupported'));
  await startLocal(
    {
      state,
      clock,
      jobs: new LocalJobs({ state, clock, runner }),
      observe: (id) => watch.observe(id),
      engine: { version },
      link: AWAY,
      controlUrl: 'https://panel.example.com',
      agentVersion: '0.0.0-test',
      dataDir: dir,
      streamLogs: streamLogs ?? unknown,
      log: silentLogger(),
    },
    scope,
  );
  const withDir = (args: string[]) => ['local', ...args, '--data-dir', dir];
  return {
    core,
    dir,
    socketPath: join(localFolderOf(dir), LOCAL_SOCKET),
    /** What an agent does when it stops: its socket first. */
    stop: async () => {
      await scope.stop();
      await core.stop();
    },
    run: (...args: string[]) => runCli(withDir(args)),
    start: (args: string[], cli?: CliOptions) => startCli(withDir(args), cli),
    json: async <T = Record<string, unknown>>(...args: string[]): Promise<T> => {
      const { exitCode, stdout, stderr } = await runCli(withDir([...args, '--json']));
      if (exitCode !== 0) throw new LongshoreError('internal', { details: stderr });
      return JSON.parse(stdout) as T;
    },
  };
}
