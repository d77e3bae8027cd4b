// What a host does by itself while its control plane is dead, and that all of it is told once, in order, when it is
// back. On an engine of the test's own, because that is restarted as well.
import t, { type Test } from 'tap';
import { ensureImages, requireDocker, uniqueName } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { startNestedEngine, type NestedEngine } from '../support/nested-engine.ts';
import { Oracle } from '../support/oracle.ts';
import { startStack, type Stack } from '../support/stack.ts';

const SECRET = 'canary-away-91c2';

/** Ends with code 3 when it is told to, and does not come back by itself. */
const FRAIL = `[sh, -c, "while [ ! -e /crash ]; do sleep 0.1; done; rm /crash; exit 3"]`;
const composeOf = (command: string) => `services:
  web:
    image: busybox:1
    init: true
    network_mode: none
    restart: "no"
    stop_grace_period: 0s
    environment: { PASSWORD: "\${PASSWORD}" }
    command: ${command}
`;

interface Host {
  stack: Stack;
  engine: NestedEngine;
  calm: Deployed;
  frail: Deployed;
}

interface Deployed {
  id: string;
  name: string;
}

async function deploy({ api }: Stack, prefix: string, command: string): Promise<Deployed> {
  const name = uniqueName(prefix);
  const { body } = await api.post<{ id: string; deploy_job_id: string }>('/api/services', {
    name,
    deploy_method: 'compose',
    compose: composeOf(command),
    variables: { PASSWORD: SECRET },
  });
  const end = await api.jobEnd(body.deploy_job_id);
  if (end.state !== 'succeeded') throw new Error(JSON.stringify(end));
  return { id: body.id, name };
}

async function startHost(t: Test): Promise<Host> {
  const engine = await startNestedEngine(t);
  const stack = await startStack({ agentEnv: { LONGSHORE_DOCKER_SOCKET: engine.socket } });
  t.teardown(() => stack.stop());
  const [calm, frail] = await Promise.all([deploy(stack, 'calm', '[sleep, "1000"]'), deploy(stack, 'frail', FRAIL)]);
  return { stack, engine, calm, frail };
}

/** `up` with the time of its start, or how it is. */
const standing = ({ engine }: Host, { name }: Deployed) =>
  engine.docker('inspect', '-f', '{{.State.Status}} {{.State.StartedAt}}', `${name}-web-1`);

/** Resolves when it runs again, or for the first time, since it was as `before` says. */
const untilStarted = (host: Host, service: Deployed, before: string) =>
  eventually(() => standing(host, service), {
    until: (now) => now.startsWith('running') && now !== before,
    timeoutMs: 90_000,
  });

/** Once a minute, first in so many seconds. */
const lineIn = (seconds: number): string => `${(new Date().getUTCSeconds() + seconds) % 60} * * * * *`;

interface Run {
  state: string;
  due_at: string;
  targets: { output: string | null }[];
}

t.test('while control is dead', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const host = await startHost(t);
  const { stack, engine, calm, frail } = host;
  const { api, control, agent } = stack;
  const oracle = new Oracle(stack, (args) => engine.docker(...args));
  oracle.secret(SECRET);
  for (const { id } of [calm, frail]) oracle.acknowledged(`/api/services/${id}`);
  await oracle.remember(calm.name);

  const ask = async (t: Test) => {
    control.start();
    await stack.untilConnected();
    const { faults, healedMs } = await oracle.ask();
    t.comment(`I9: all was told and shown ${healedMs} ms after the host was connected`);
    if (faults.length > 0) t.comment(agent.output.slice(-4000), control.output.slice(-4000));
    t.strictSame(faults, []);
  };

  await t.test('F21: a crashed container is healed and a cron runs on time; each is told once, in order', async (t) => {
    const exec = { name: uniqueName('by-itself'), kind: 'exec', command: ['sh', '-c', 'echo ran; touch /fired'] };
    const order = { ...exec, cron: lineIn(8), targets: { service_id: calm.id } };
    const { body, status } = await api.post<{ id: string }>('/api/schedules', order);
    t.equal(status, 201);
    oracle.acknowledged(`/api/schedules/${body.id}`);
    await eventually(() => oracle.countOnHost('schedules') === 1);

    await control.end('SIGKILL');
    const killedAt = new Date().toISOString();
    const before = await standing(host, frail);
    await engine.docker('exec', `${frail.name}-web-1`, 'touch', '/crash');
    await untilStarted(host, frail, before);
    await agent.end('SIGKILL');
    agent.start();
    const isFired = () => engine.docker('exec', `${calm.name}-web-1`, 'test', '-e', '/fired').then(() => true);
    await eventually(isFired, { timeoutMs: 90_000 });
    const until = new Date().toISOString();
    await ask(t);

    const hosts = await api.get<{ data: { id: string }[] }>('/api/hosts');
    const asked = `/api/hosts/${hosts.body.data[0]?.id}/stats?since=${killedAt}&until=${until}`;
    const { points } = (await api.get<{ points: { sampled_at: string | null }[] }>(asked)).body;
    t.ok(
      points.some((point) => point.sampled_at !== null),
      'what it measured meanwhile is there to be asked for',
    );
    const { data: runs } = (await api.get<{ data: Run[] }>(`/api/schedules/${body.id}/runs?order=asc`)).body;
    t.match(runs[0], { state: 'succeeded', targets: [{ output: 'ran\n' }] });
    const due = runs.map((run) => run.due_at);
    t.strictSame(due, [...new Set(due)].toSorted(), 'each run once, in order');
    const { data: events } = (
      await api.get<{ data: { status: string; message: string }[] }>(`/api/services/${frail.id}/events?type=heal`)
    ).body;
    t.match(events, [{ status: 'restarted', message: /exited with code 3.*restart 1 of 5/ }]);
  });

  await t.test('F21: the agent and the engine of the machine restart, and all comes back', async (t) => {
    await control.end('SIGKILL');
    const before = await Promise.all([calm, frail].map((service) => standing(host, service)));
    await agent.end('SIGKILL');
    await engine.stop();
    agent.start();
    await engine.start();
    await Promise.all([calm, frail].map((service, i) => untilStarted(host, service, before[i] ?? '')));
    await oracle.remember(calm.name); // the engine had ended it
    await ask(t);
    for (const { id } of [calm, frail]) t.match((await api.get(`/api/services/${id}`)).body, { status: 'running' });
  });
});
