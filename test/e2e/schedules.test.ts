// Schedules on a real host while its control plane is dead: processes, containers and the clock on the wall.
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { docker, ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { startStack, type Stack } from '../support/stack.ts';

const COMPOSE = `services:
  web: { image: "busybox:1", command: [sleep, "1000"], init: true, stop_grace_period: 0s }
`;

interface Run {
  state: string;
  trigger: string;
  targets: { state: string; job_id: string | null; output: string | null }[];
}

async function deploy({ api }: Stack, name: string): Promise<string> {
  const { body } = await api.post<{ id: string; deploy_job_id: string }>('/api/services', {
    name,
    deploy_method: 'compose',
    compose: COMPOSE,
  });
  await api.jobEnd(body.deploy_job_id);
  return body.id;
}

/** Once a minute, for the first time in so many seconds; on a slow machine it may be the time after that. */
const lineIn = (seconds: number): string => `${(new Date().getUTCSeconds() + seconds) % 60} * * * * *`;

async function create({ api }: Stack, serviceId: string, order: object): Promise<string> {
  const targets = { service_id: serviceId };
  const { status, body } = await api.post<{ id: string }>('/api/schedules', { targets, cron: lineIn(6), ...order });
  t.equal(status, 201, JSON.stringify(body));
  return body.id;
}

function countOnHost({ dir }: Stack): unknown {
  const db = new Database(join(dir, 'agent', 'agent.db'), { readonly: true });
  try {
    return db.prepare('SELECT count(*) FROM schedules').pluck().get();
  } finally {
    db.close();
  }
}

const FIRES_WITHIN = { timeoutMs: 75_000 };

const startedAt = (project: string) => docker(['inspect', '--format', '{{.State.StartedAt}}', `${project}-web-1`]);

t.test('F21: with control killed a cron restarts a service and runs a program; control hears of both', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const stack = await startStack();
  t.teardown(() => stack.stop());
  const [restarted, commanded] = [uniqueProject(t, 'cron-restart'), uniqueProject(t, 'cron-exec')];
  const services = await Promise.all([deploy(stack, restarted), deploy(stack, commanded)]);
  const before = await startedAt(restarted);
  const exec = { name: 'by program', kind: 'exec', command: ['sh', '-c', 'echo ran; touch /fired'] };
  const ids = await Promise.all([
    create(stack, services[0] ?? '', { name: 'by clock', kind: 'restart' }),
    create(stack, services[1] ?? '', exec),
  ]);
  await eventually(() => countOnHost(stack) === 2);
  await stack.control.end('SIGKILL');
  await eventually(async () => (await startedAt(restarted)) !== before, FIRES_WITHIN);
  await eventually(() => docker(['exec', `${commanded}-web-1`, 'test', '-e', '/fired']).then(() => true), FIRES_WITHIN);

  stack.control.start();
  const firstRun = async (id: string | undefined): Promise<Run | undefined> =>
    (await stack.api.get<{ data: Run[] }>(`/api/schedules/${id}/runs?order=asc`)).body.data[0];
  const isDone = { until: (run: Run | undefined) => run?.state === 'succeeded', timeoutMs: 30_000 };
  const restart = await eventually(() => firstRun(ids[0]), isDone);
  const program = await eventually(() => firstRun(ids[1]), isDone);
  t.match(program, { trigger: 'schedule', targets: [{ output: 'ran\n' }] });
  const job = (await stack.api.get(`/api/jobs/${restart?.targets[0]?.job_id}`)).body;
  t.match(job, { kind: 'restart', state: 'succeeded' });
  const id = await create(stack, '', { name: 'figures', kind: 'statistics', cron: '@daily', targets: { all: true } });
  await stack.untilConnected();
  t.equal((await stack.api.post(`/api/schedules/${id}/run`)).status, 202);
  const report = await eventually(() => firstRun(id), isDone);
  const { cpus, hours } = JSON.parse(report?.targets[0]?.output ?? '') as { cpus: number; hours: object[] };
  t.ok(cpus > 0);
  t.match(hours.at(-1), { memoryBytes: Number });
  for (const id of services) await stack.api.delete(`/api/services/${id}`);
});
