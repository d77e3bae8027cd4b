// The engine of the machine restarts, agent and all, with the control plane away: what ran comes back, what its user
// stopped stays stopped whatever its restart policy says.
import t from 'tap';
import { ensureImages, requireDocker, uniqueName } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { startNestedEngine } from '../support/nested-engine.ts';
import { startRealHost } from '../support/real-host.ts';

const PATIENCE = { timeoutMs: 60_000 };

const composeOf = (restart: string) => `services:
  web:
    image: busybox:1
    network_mode: none
    restart: "${restart}"
    stop_grace_period: 0s
    command: [sh, -c, "trap 'exit 0' TERM; while true; do sleep 0.1; done"]
`;

t.test('what ran comes back with the engine, what was stopped does not, with control away', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const engine = await startNestedEngine(t);
  const host = await startRealHost(t, { socket: engine.socket });
  const names = { ran: uniqueName('ran'), always: uniqueName('always'), off: uniqueName('off') };
  const [ran] = await Promise.all([
    host.deploy(names.ran, composeOf('no')),
    host.deploy(names.always, composeOf('always')),
    host.deploy(names.off, composeOf('always')).then((off) => host.run('stop', off)),
  ]);
  await eventually(() => host.report(ran)?.healing, PATIENCE); // its engine is known by then

  const look = async (name: string) => {
    const [state = '', startedAt = ''] = (
      await engine.docker('inspect', '-f', '{{.State.Status}} {{.State.StartedAt}}', `${name}-web-1`)
    ).split(' ');
    return { state, startedAt };
  };
  /** Everything is as it was; also what was stopped, which the engine has started meanwhile. */
  const untilRight = async (startedAt: string) => {
    const all = async () => ({
      ran: await look(names.ran),
      always: await look(names.always),
      off: await look(names.off),
    });
    await eventually(all, {
      ...PATIENCE,
      until: ({ ran, always, off }) =>
        ran.state === 'running' && always.state === 'running' && off.state === 'exited' && off.startedAt !== startedAt,
    });
  };

  await t.test('while the agent runs on', async (t) => {
    const { startedAt } = await look(names.off);
    await engine.stop();
    await engine.start();
    await t.resolves(untilRight(startedAt));
  });

  await t.test('while the agent is down as well, and control cannot be reached when it starts', async (t) => {
    await host.stop();
    await host.control.server.stop();
    const { startedAt } = await look(names.off);
    await engine.stop();
    await engine.start();
    await host.start();
    await t.resolves(untilRight(startedAt));
  });
});
