// A whole agent inside the test's process, on a real engine and with its control played by the test: what it may be
// told when it starts (limits, a clock) is the test's to choose.
import { join } from 'node:path';
import type { Test } from 'tap';
import { newId } from '#shared/ids.ts';
import type { JobKind } from '#shared/jobs.ts';
import { Scope } from '#shared/lifecycle.ts';
import { silentLogger } from '#shared/log.ts';
import type { ServiceSpec } from '#shared/model.ts';
import { systemClock } from '#shared/time.ts';
import { loadAgentConfig } from '../../agent/config.ts';
import type { HealingLimits } from '../../agent/healing/limits.ts';
import { startAgent } from '../../agent/system.ts';
import { specOf } from './agent-core.ts';
import { eventually } from './eventually.ts';
import { startFakeControl } from './fake-control.ts';
import { makeFolder } from './folder.ts';

const JOB_LIMIT = { timeoutMs: 90_000 };

export interface RealHostOptions {
  healing?: HealingLimits;
  socket?: string;
}

export async function startRealHost(t: Test, { healing, socket }: RealHostOptions = {}) {
  const dir = makeFolder(t, 'host');
  const control = await startFakeControl(t, () => undefined);
  const place = socket === undefined ? [] : ['--docker-socket', socket];
  const config = await loadAgentConfig(['--token', control.token, '--data-dir', join(dir, 'data'), ...place]);
  let scope = new Scope(silentLogger());
  const start = async () => {
    scope = new Scope(silentLogger());
    const deps = { clock: systemClock, log: silentLogger(), random: Math.random, agentVersion: '0.0.0' };
    await startAgent(config, { ...deps, ...(healing && { healing }) }, scope);
  };
  t.teardown(() => scope.stop());
  await start();

  const resultOf = (jobId: string) =>
    eventually(() => control.results().find((result) => result.jobId === jobId), JOB_LIMIT);
  const run = async (kind: JobKind, serviceId: string, spec?: ServiceSpec) => {
    const jobId = newId('job');
    await control.offer({ jobId, serviceId, kind, epoch: 1, ...(spec && { spec }) });
    return resultOf(jobId);
  };
  return {
    control,
    start,
    stop: () => scope.stop(),
    run,
    /** Returns the id of the service. */
    deploy: async (name: string, compose: string) => {
      const id = newId('svc');
      const result = await run('deploy', id, specOf({ id, name, compose, variables: {}, secretNames: [] }));
      if (result?.state !== 'succeeded') throw new Error(`not deployed: ${JSON.stringify(result?.error)}`);
      return id;
    },
    enable: (serviceId: string, isEnabled: boolean) => control.send({ kind: 'service.enable', serviceId, isEnabled }),
    report: (serviceId: string) =>
      control.events.reduce<ReturnType<typeof reportIn>>((last, body) => reportIn(body, serviceId) ?? last, undefined),
    timeline: (serviceId: string) =>
      control.events.flatMap((body) => (body.kind === 'service.event' && body.serviceId === serviceId ? [body] : [])),
  };
}

function reportIn(body: Awaited<ReturnType<typeof startFakeControl>>['events'][number], serviceId: string) {
  const report = body.kind === 'service.report' || body.kind === 'job.finished' ? body.report : null;
  return report?.serviceId === serviceId ? report : undefined;
}
