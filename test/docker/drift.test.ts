// Drift on a real Docker: what somebody does to containers by hand is found, put back or taken as it is.
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { draftAccepted } from '../../agent/drift/draft.ts';
import { findDrift } from '../../agent/drift/drift.ts';
import { driftMessage } from '../../agent/drift/message.ts';
import { showDrift } from '../../agent/drift/show.ts';
import { hideIn } from '../../agent/secrets/hide.ts';
import { secretsOf } from '../../agent/secrets/mask.ts';
import { startDeployHost, type DeployHost } from '../support/deploy-host.ts';
import { docker, ensureImages, missingDocker, uniqueName } from '../support/docker.ts';

const skip = await missingDocker();
const SECRET = 'canary-of-the-drift';

const COMPOSE = `services:
  # the front
  web:
    image: busybox:1
    command: [sleep, "1000"]
    init: true
    stop_grace_period: 0s
    environment:
      LEVEL: "\${LEVEL}" # from the variables
      PASSWORD: "\${PASSWORD}"
    volumes: [/kept]
  side: {image: busybox:1, command: [sleep, "1000"], init: true, stop_grace_period: 0s}
`;
const SPEC = {
  compose: COMPOSE,
  variables: { LEVEL: 'info', PASSWORD: SECRET },
  secretNames: ['PASSWORD'],
  files: { 'notes.txt': 'as it was\n' },
};

const driftOf = async (host: DeployHost) => {
  const { live: _live, good: _good, ...drift } = await findDrift(host, host);
  return drift;
};
const shown = async (host: DeployHost) =>
  showDrift({ ...(await driftOf(host)), checkedAt: 0 }, hideIn(secretsOf(host.spec)));
const idOf = async (host: DeployHost, service: string) => (await host.containerIds())[service] ?? '';
const inspect = (id: string, format: string) => docker(['inspect', '-f', format, id]);
/** What an operator does in the folder of the service. */
const composeUp = (host: DeployHost, env: Record<string, string>, ...args: string[]) =>
  docker(['compose', '-p', host.spec.name, 'up', '-d', '--quiet-pull', ...args], {
    cwd: host.folder,
    env: { ...process.env, ...env },
  });
const accept = async (host: DeployHost) => {
  const { compose } = await draftAccepted(host, host);
  return host.deploy({ compose }, { kind: 'accept' });
};

t.before(() => (skip ? undefined : ensureImages()));

t.test('what was deployed has not drifted; what somebody changes since is found by name', { skip }, async (t) => {
  const host = await startDeployHost(t, 'drift', SPEC);
  t.match(await host.deploy(), { state: 'succeeded' });
  t.match(await driftOf(host), { state: 'in_sync', revision: 1, services: [], files: [] });
  await docker(['stop', '-t', '0', await idOf(host, 'side')]);
  t.match(await driftOf(host), { state: 'in_sync' }, 'whether it runs is a matter of health');
  await docker(['start', await idOf(host, 'side')]);

  const network = await outsideNetwork(t);
  const [web, side] = [await idOf(host, 'web'), await idOf(host, 'side')];
  await docker(['update', '--memory', '64m', '--memory-swap', '128m', '--restart', 'always', web]);
  await docker(['network', 'connect', '--alias', 'backdoor', network, web]);
  appendFileSync(join(host.folder, 'notes.txt'), 'and more\n');
  await docker(['rm', '-f', side]);
  const name = host.spec.name;
  t.match(await shown(host), {
    state: 'drifted',
    services: [
      { service: 'side', container: `${name}-side-1`, change: 'missing', fields: [] },
      {
        service: 'web',
        container: `${name}-web-1`,
        change: 'changed',
        fields: [
          { path: `networks.${network}`, expected: null, actual: '{"aliases":["backdoor"]}' },
          { path: 'restart', expected: null, actual: 'always' },
          { path: 'mem_limit', expected: null, actual: String(64 * 2 ** 20) },
        ],
      },
    ],
    files: [{ path: 'notes.txt', change: 'changed' }],
  });
  t.equal(
    driftMessage(await driftOf(host)),
    `Drifted from revision 1: ${name}-side-1 is missing; ` +
      `${name}-web-1 has another networks.${network}, restart, mem_limit; file notes.txt changed`,
  );

  await t.test('a redeploy that keeps the container does not hide it', async (t) => {
    t.match(await host.deploy(), {
      state: 'succeeded',
      plan: [{ service: 'side', action: 'create' }, { action: 'keep' }],
    });
    t.equal(await idOf(host, 'web'), web);
    t.match(await driftOf(host), { state: 'drifted', revision: 2, services: [{ service: 'web' }], files: [] });
  });

  await t.test('a revert recreates what drifted, and keeps its data and the rest', async (t) => {
    await docker(['exec', web, 'touch', '/kept/data']);
    appendFileSync(join(host.folder, 'notes.txt'), 'and more\n');
    const before = await idOf(host, 'side');
    t.match(await host.run({ kind: 'revert' }), {
      state: 'succeeded',
      goodRevision: 2,
      plan: [
        { service: 'side', action: 'keep' },
        { service: 'web', action: 'recreate', reason: `drifted: networks.${network}, restart, mem_limit` },
      ],
    });
    t.match(await driftOf(host), { state: 'in_sync', revision: 2 });
    t.equal(await idOf(host, 'side'), before);
    const now = await idOf(host, 'web');
    t.not(now, web);
    t.equal(await inspect(now, '{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}}'), '0 no');
    t.equal(await docker(['exec', now, 'ls', '/kept']), 'data');
    t.equal(readFileSync(join(host.folder, 'notes.txt'), 'utf8'), 'as it was\n');
    t.match(await host.run({ kind: 'revert' }), { state: 'succeeded', unchanged: true });
    t.equal(await idOf(host, 'web'), now);
  });
});

t.test('what was made anew by hand is shown without its secrets, and can be put back', { skip }, async (t) => {
  const host = await startDeployHost(t, 'drift', SPEC);
  await host.deploy();
  await composeUp(host, { LEVEL: 'debug', PASSWORD: 'another-of-the-drift' }, '--force-recreate', 'web');
  const found = await shown(host);
  t.match(found, {
    state: 'drifted',
    services: [
      {
        service: 'web',
        change: 'changed',
        fields: [
          { path: 'environment.LEVEL', expected: 'info', actual: 'debug' },
          { path: 'environment.PASSWORD', expected: '***', actual: '***' },
          { path: 'labels.longshore.service', expected: host.spec.id, actual: null },
        ],
      },
    ],
  });
  t.notMatch(JSON.stringify(found), /of-the-drift/);
  t.notMatch(driftMessage(await driftOf(host)), /of-the-drift/);
  t.match(await host.run({ kind: 'revert' }), { state: 'succeeded' });
  t.equal(await docker(['exec', await idOf(host, 'web'), 'sh', '-c', 'echo $LEVEL']), 'info');
  t.match(await driftOf(host), { state: 'in_sync' });
});

t.test('what lives is accepted without touching a container, and deploys keep it', { skip }, async (t) => {
  const host = await startDeployHost(t, 'drift', SPEC);
  await host.deploy();
  const network = await outsideNetwork(t);
  await composeUp(host, { LEVEL: 'debug' }, '--force-recreate', 'web');
  const web = await idOf(host, 'web');
  await docker(['update', '--memory', '64m', '--memory-swap', '128m', web]);
  await docker(['network', 'connect', network, web]);
  await composeUp(host, {}, '--scale', 'side=2', '--no-recreate', 'side');
  const before = (await host.engine.listProject(host.spec.name)).map(({ id }) => id);

  t.match(await accept(host), { state: 'succeeded', goodRevision: 2 });
  const ids = async () => (await host.engine.listProject(host.spec.name)).map(({ id }) => id);
  t.same(await ids(), before);
  t.match(await driftOf(host), { state: 'in_sync', revision: 2 });
  const { compose } = host.spec;
  t.match(compose, /# the front/, 'what did not change stays as it was written');
  t.match(compose, /PASSWORD: "?\$\{PASSWORD\}"?\n/);
  t.match(compose, /LEVEL: debug\n/);
  t.match(compose, new RegExp(`mem_limit: ${64 * 2 ** 20}\n`));
  t.match(compose, /scale: 2/);

  t.match(await host.deploy(), { state: 'succeeded', unchanged: true }, 'the same again');
  t.match(await host.deploy({}, { kind: 'redeploy', pull: 'missing' }), { state: 'succeeded' });
  t.same(await ids(), before, 'a redeploy keeps them too');
  t.match(await driftOf(host), { state: 'in_sync' });

  await docker(['update', '--memory', '96m', '--memory-swap', '192m', web]);
  t.match(await host.run({ kind: 'revert' }), { state: 'succeeded', goodRevision: 4 });
  const put = await idOf(host, 'web');
  t.not(put, web, 'what was taken over is put back by Compose like any other');
  t.equal(await inspect(put, '{{.HostConfig.Memory}}'), String(64 * 2 ** 20));
  t.match(await driftOf(host), { state: 'in_sync' });

  await host.deploy({ compose: compose.replace('LEVEL: debug', 'LEVEL: trace') });
  const now = await idOf(host, 'web');
  t.not(now, put);
  t.equal(await docker(['exec', now, 'sh', '-c', 'echo $LEVEL']), 'trace');
  t.equal(await inspect(now, '{{.HostConfig.Memory}}'), String(64 * 2 ** 20), 'what was accepted is in the file');
  t.match(await inspect(now, '{{json .NetworkSettings.Networks}}'), new RegExp(network));
});

t.test(
  'going back from what was accepted takes it away again, although Compose sees no change',
  { skip },
  async (t) => {
    const host = await startDeployHost(t, 'drift', SPEC);
    await host.deploy();
    const [web, side] = [await idOf(host, 'web'), await idOf(host, 'side')];
    await docker(['exec', web, 'touch', '/kept/data']);
    await docker(['update', '--memory', '64m', '--memory-swap', '128m', web]);
    t.match(await accept(host), { state: 'succeeded', goodRevision: 2 });
    t.match(await host.rollBack(1, { compose: COMPOSE }), {
      state: 'succeeded',
      plan: [
        { service: 'side', action: 'keep' },
        { service: 'web', action: 'recreate', reason: 'mem_limit removed' },
      ],
    });
    const now = await idOf(host, 'web');
    t.not(now, web);
    t.equal(await inspect(now, '{{.HostConfig.Memory}}'), '0');
    t.equal(await docker(['exec', now, 'ls', '/kept']), 'data');
    t.equal(await idOf(host, 'side'), side);
    t.match(await driftOf(host), { state: 'in_sync', revision: 3 });
  },
);

t.test('what a host refuses is not accepted, and nothing has changed', { skip }, async (t) => {
  const limits = { cpu: null, memoryMb: 128 };
  const host = await startDeployHost(t, 'drift', { ...SPEC, customerId: 'cust_1', limits });
  await host.deploy();
  const network = await outsideNetwork(t);
  await docker(['network', 'connect', network, await idOf(host, 'web')]);
  t.match(await accept(host), { state: 'failed', error: { code: 'compose_policy' }, goodRevision: 1 });
  t.match(await driftOf(host), { state: 'drifted', revision: 1, files: [] });
  t.equal(readFileSync(join(host.folder, 'compose.yaml'), 'utf8'), COMPOSE);

  await composeUp(host, {}, '--force-recreate', 'web');
  t.match(await accept(host), { state: 'failed', error: { code: 'plan_limit' }, goodRevision: 1 }, 'it has no limit');
  t.match(await host.run({ kind: 'revert' }), { state: 'succeeded' });
  t.equal(await inspect(await idOf(host, 'web'), '{{.HostConfig.Memory}}'), String(64 * 2 ** 20));
});

async function outsideNetwork(t: { teardown: (work: () => unknown) => void }): Promise<string> {
  const network = uniqueName('drift-outside');
  await docker(['network', 'create', network]);
  t.teardown(async () => {
    const json = await docker(['network', 'inspect', '-f', '{{range $id, $_ := .Containers}}{{$id}} {{end}}', network]);
    for (const id of json.split(' ').filter(Boolean)) await docker(['network', 'disconnect', '-f', network, id]);
    await docker(['network', 'rm', network]);
  });
  return network;
}
