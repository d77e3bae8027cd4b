// Jobs about backups in the agent's journal: what they leave alone, and what they need not know.
import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import type { JobOffer } from '#shared/jobs.ts';
import type { ExecuteJob } from '../../agent/deploy/job-run.ts';
import { containerOf, FakeDocker, offerOf, startCore, type CoreOptions } from '../support/agent-core.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';

const BACKUP_ID = 'bkp_000001';
const SUMMARY = { snapshotId: 'f6561d62', files: 1, totalBytes: 10, addedBytes: 5 };

const execute: ExecuteJob = async ({ offer, service, steps }) => {
  await steps.run(offer.kind === 'backup' ? 'backup' : 'stop', async (say) => {
    say({ percent: 50, bytesDone: 5, totalBytes: 10 });
  });
  const { goodRevision } = service;
  if (offer.backupId === 'bkp_broken') {
    return { state: 'failed', error: new LongshoreError('backup_failed'), goodRevision };
  }
  return { state: 'succeeded', goodRevision: goodRevision ?? 1, ...(offer.backupId && { backup: SUMMARY }) };
};

async function start(t: Parameters<typeof startCore>[0], more: Partial<CoreOptions> = {}) {
  const docker = new FakeDocker();
  docker.projects.set('web', [containerOf({ state: 'exited', exitCode: 0, health: 'unknown' })]);
  const core = startCore(t, { dir: makeFolder(t, 'agent'), execute, docker, ...more });
  const run = async (offer: JobOffer) => {
    const answer = core.offer(offer);
    if (answer.refused[0]) return answer.refused[0].error;
    return eventually(() => core.results().find(({ jobId }) => jobId === offer.jobId));
  };
  return { core, run };
}

t.test('a backup of a stopped service leaves it wanted stopped, also when it fails', async (t) => {
  const { core, run } = await start(t);
  await run(offerOf('deploy'));
  await run(offerOf('stop'));
  const before = core.state.services.find('svc_1');
  t.match(before, { desired: 'stopped', failure: null });
  t.match(await run(offerOf('backup', { backupId: BACKUP_ID })), { state: 'succeeded', backup: SUMMARY });
  t.match(await run(offerOf('backup', { backupId: 'bkp_broken' })), { state: 'failed' });
  t.match(core.state.services.find('svc_1'), { desired: 'stopped', failure: null, goodRevision: before?.goodRevision });
});

t.test('progress carries bytes as well as percent', async (t) => {
  const { core, run } = await start(t);
  await run(offerOf('deploy'));
  await run(offerOf('backup', { backupId: BACKUP_ID }));
  t.match(core.progress.at(-1), { step: 'backup', percent: 50, bytesDone: 5, totalBytes: 10 });
});

t.test('a backup is deleted also when the host knows its service no more', async (t) => {
  const deleted: (string | undefined)[] = [];
  const forgetBackup: NonNullable<CoreOptions['forgetBackup']> = async ({ offer, steps }) => {
    await steps.run('forget', () => Promise.resolve());
    deleted.push(offer.backupId);
  };
  const { run } = await start(t, { forgetBackup });
  t.match(await run(offerOf('forget_backup', { backupId: BACKUP_ID })), { state: 'succeeded' });
  t.strictSame(deleted, [BACKUP_ID]);
});

t.test('what else is asked about backups of an unknown service, or without naming one, is refused', async (t) => {
  const { run } = await start(t);
  for (const kind of ['backup', 'restore'] as const)
    t.match(await run(offerOf(kind, { backupId: BACKUP_ID })), { code: 'not_found' }, kind);
  await run(offerOf('deploy'));
  for (const kind of ['backup', 'restore', 'forget_backup'] as const)
    t.match(await run(offerOf(kind)), { code: 'protocol_violation', details: 'it names no backup' }, kind);
  t.match(await run(offerOf('backup', { backupId: '../../etc' })), { code: 'protocol_violation' });
});

t.test(
  'the password of a repository is made once, kept over a restart, and not readable in the database',
  async (t) => {
    const dir = makeFolder(t, 'agent');
    const first = startCore(t, { dir, execute });
    const password = first.state.backupPasswords.provide('svc_1');
    t.equal(first.state.backupPasswords.provide('svc_1'), password);
    t.equal(first.state.backupPasswords.find('svc_2'), undefined);
    await first.stop();
    const files = readdirSync(dir).map((name) => readFileSync(`${dir}/${name}`, 'latin1'));
    t.notOk(files.some((text) => text.includes(password)));
    t.equal(startCore(t, { dir, execute }).state.backupPasswords.find('svc_1'), password);
  },
);
