// What systemd does to an agent, and that services never notice: the watchdog, the kernel out of memory, a stop.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { docker, ensureImages, missingDocker, removeProject, uniqueName } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { startNotifySocket } from '../support/notify-socket.ts';
import { Program, startStack } from '../support/stack.ts';
import { Supervisor, watchdogEnv } from '../support/supervisor.ts';

const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
/** A word every half a second. */
const LIMIT_MS = 1_500;
const WAIT = { timeoutMs: 60_000 };
const REPLICAS = 6;
/** What Docker remembers of its events. */
const REPLAYED_EVENTS = 256;

t.test('an agent under systemd', { skip: await missingDocker() }, async (t) => {
  await ensureImages();
  const socket = await startNotifySocket(t);
  const stack = await startStack({ agentEnv: watchdogEnv(socket, LIMIT_MS) });
  t.teardown(() => stack.stop());
  const { api, agent } = stack;
  const name = uniqueName('calm');
  t.teardown(() => removeProject(name));
  const compose = `services:
  web: { image: "busybox:1", network_mode: none, command: [sleep, "600"], stop_grace_period: 0s, deploy: { replicas: ${REPLICAS} } }
`;
  const { body } = await api.post('/api/services', { name, deploy_method: 'compose', compose });
  t.match(await api.jobEnd(String(body['deploy_job_id'])), { state: 'succeeded' });
  const ids = (await docker(['ps', '-aq', '--no-trunc', '--filter', `label=com.docker.compose.project=${name}`])).split(
    '\n',
  );
  const look = () => docker(['inspect', '-f', '{{.Id}} {{.State.Status}} {{.State.StartedAt}}', ...ids]);
  const before = await look();

  /** Another process than `pid` answers, through control, for the service. */
  const untilBack = async (pid: number) => {
    await eventually(() => agent.pid !== pid, WAIT);
    const fetchLogs = () => api.get(`/api/services/${String(body['id'])}/logs?tail=1`);
    await eventually(fetchLogs, { until: ({ status }) => status === 200, ...WAIT });
  };

  await t.test('F04: one that hangs is killed and started anew, and what it was cannot write any more', async (t) => {
    const frozen = agent.pid;
    await eventually(() => socket.said().filter((words) => words.startsWith('WATCHDOG=1')).length > 1, WAIT);
    process.kill(frozen, 'SIGSTOP');
    const second = new Program([CLI, 'agent', '--data-dir', join(stack.dir, 'agent')], join(stack.dir, 'second.log'));
    second.start();
    await second.gone();
    t.match(second.output, 'another one is running', 'frozen, it still holds the journal');
    // From here on only: a busy machine may keep a sound agent quiet for as long as that.
    const supervisor = new Supervisor({ program: agent, socket, limitMs: LIMIT_MS });
    t.teardown(() => supervisor.stop());
    await eventually(() => agent.pid !== frozen, WAIT);
    await supervisor.stop();
    await untilBack(frozen);
    t.throws(() => process.kill(frozen, 'SIGCONT'), { code: 'ESRCH' }, 'there is nobody to thaw');
    t.equal(await look(), before);
  });

  await t.test('F07: one that the kernel kills for want of memory comes back', async (t) => {
    const victim = agent.pid;
    const supervisor = new Supervisor({ program: agent, socket, limitMs: Infinity });
    t.teardown(() => supervisor.stop());
    const group = memoryGroup();
    if (group) t.teardown(group.remove);
    else t.comment('no control group of memory can be made here: SIGKILL in its place');
    const isKilled = () => agent.pid !== victim;
    if (group) group.squeeze(victim);
    else process.kill(victim, 'SIGKILL');
    // Each question wants some memory.
    await eventually(() => api.get(`/api/services/${String(body['id'])}/logs?tail=1000`).then(isKilled), WAIT);
    if (group) t.ok(group.kills() > 0, 'by the kernel');
    await untilBack(victim);
    t.equal(await look(), before);
  });

  /** More than Docker would tell again; in the end one container is paused, and which is new. */
  const commotion = async (paused: string) => {
    for (let events = 0; events <= REPLAYED_EVENTS; events += 2 * ids.length) {
      await docker(['pause', ...ids]);
      await docker(['unpause', ...ids]);
    }
    await docker(['pause', paused]);
  };
  /** As control shows it without asking the host. */
  const untilShown = async (paused: string) => {
    const fetchPaused = async () => {
      const view = await api.get<{ containers: { id: string; state: string }[] }>(
        `/api/services/${String(body['id'])}`,
      );
      return view.body.containers.filter(({ state }) => state === 'paused').map(({ id }) => id);
    };
    await eventually(fetchPaused, { until: (shown) => shown.join() === paused, timeoutMs: 90_000 });
  };

  await t.test('F15: a stop leaves services alone, and the next start sees what became of them', async (t) => {
    const last = agent.pid;
    t.equal(await agent.end('SIGTERM'), 0);
    t.equal(await look(), before);
    const [first = ''] = ids;
    await commotion(first);
    agent.start();
    await untilBack(last);
    await untilShown(first);
    await docker(['unpause', first]);
    await untilShown('');
    t.equal(await look(), before);
  });

  await t.test('F15: an agent that does not read while much happens sees where it ended', async (t) => {
    const second = ids[1] ?? '';
    process.kill(agent.pid, 'SIGSTOP');
    await commotion(second).finally(() => process.kill(agent.pid, 'SIGCONT'));
    await untilShown(second);
    await docker(['unpause', second]);
    await untilShown('');
    t.equal(await look(), before);
  });
});

/** A control group (v1 or v2) with too little memory for an agent; undefined where none can be made. */
function memoryGroup() {
  const isV1 = existsSync('/sys/fs/cgroup/memory/memory.limit_in_bytes');
  const folder = join(`/sys/fs/cgroup${isV1 ? '/memory' : ''}`, uniqueName('longshore-oom'));
  const limit = join(folder, isV1 ? 'memory.limit_in_bytes' : 'memory.max');
  try {
    mkdirSync(folder);
    writeFileSync(limit, String(2 * 1024 ** 2));
  } catch {
    return undefined;
  }
  const events = join(folder, isV1 ? 'memory.oom_control' : 'memory.events');
  return {
    squeeze: (pid: number) => writeFileSync(join(folder, 'cgroup.procs'), String(pid)),
    kills: () => Number(/oom_kill (\d+)/.exec(readFileSync(events, 'utf8'))?.[1]),
    /** Its last process may be on its way out still. */
    remove: () => eventually(() => rmdirSync(folder) === undefined),
  };
}
