// The contract of the Engine port, run against a real Docker and against the fake that other tests use.
import t, { type Test } from 'tap';
import { createDockerEngine } from '../../agent/docker/docker-engine.ts';
import type { Engine, EngineEvent } from '../../agent/docker/engine.ts';
import type { RunningExec } from '../../agent/docker/running-exec.ts';
import { SOCKET } from '../support/deploy-host.ts';
import { docker, ensureImages, missingDocker, uniqueName, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { toolImage } from '../../agent/backup/folders/tool-image.ts';
import { FakeEngine } from '../support/fake-engine.ts';

/** An engine and the few things that its port cannot do itself. */
interface Subject {
  engine: Engine;
  project: string;
  /** A container of the project that is not started; says one line and sleeps. `limited` has limits. Returns its id. */
  create: (service: string) => Promise<string>;
  createVolume: () => Promise<string>;
  createNetwork: () => Promise<string>;
}

const LABELS = (project: string, service: string) => ({
  'com.docker.compose.project': project,
  'com.docker.compose.service': service,
  'longshore.service': 'svc_contract',
});

async function real(t: Test): Promise<Subject> {
  await ensureImages();
  const project = uniqueProject(t, 'engine');
  const labels = (service: string) =>
    Object.entries(LABELS(project, service)).flatMap(([k, v]) => ['--label', `${k}=${v}`]);
  const label = `com.docker.compose.project=${project}`;
  return {
    engine: createDockerEngine({ socketPath: SOCKET }),
    project,
    create: (service) => {
      const command = ['sh', '-c', 'echo hello from inside; exec sleep 1000'];
      return docker([
        'create',
        '--init',
        '--name',
        `${project}-${service}`,
        ...labels(service),
        ...(service === 'limited' ? ['--cpus', '0.5', '--memory', '64m'] : []),
        'busybox:1',
        ...command,
      ]);
    },
    createVolume: () => docker(['volume', 'create', '--label', label, uniqueName('engine')]),
    createNetwork: () => docker(['network', 'create', '--label', label, uniqueName('engine')]),
  };
}

async function fake(): Promise<Subject> {
  const engine = new FakeEngine();
  const project = uniqueName('engine');
  engine.addImage('busybox:1');
  const add = (things: Map<string, string>) => async () => {
    const name = uniqueName('engine');
    things.set(name, project);
    return name;
  };
  return {
    engine,
    project,
    create: async (service) => {
      const labels = LABELS(project, service);
      const limits = service === 'limited' ? { cpuLimit: 0.5, memoryLimitBytes: 64 * 2 ** 20 } : {};
      const container = engine.addContainer({ name: `${project}-${service}`, project, service, labels, ...limits });
      engine.logs.set(container.id, ['hello from inside']);
      return container.id;
    },
    createVolume: add(engine.volumes),
    createNetwork: add(engine.networks),
  };
}

t.test('a real Docker', { skip: await missingDocker() }, (t) => contract(t, real));
t.test('the fake', (t) => contract(t, fake));

async function contract(t: Test, make: (t: Test) => Promise<Subject>): Promise<void> {
  await t.test('a copy is like the one it was made from, and does not run', async (t) => {
    const { engine, project, create } = await make(t);
    const web = await create('limited');
    const copy = await engine.copyContainer(web, `${project}-copy`, 'busybox:1');
    const found = await engine.findContainer(copy);
    const { labels, service, image, imageId, memoryLimitBytes, cpuLimit } = (await engine.findContainer(web)) ?? {};
    t.match(found, { name: `${project}-copy`, state: 'created', labels, service, image, memoryLimitBytes, cpuLimit });
    t.equal(found?.imageId, (await engine.findImage('busybox:1'))?.id ?? imageId);
    await t.rejects(engine.copyContainer('0'.repeat(64), 'x', 'busybox:1'), { code: 'docker_error' });
  });

  await t.test('the setup of a container that is gone is not known', async (t) => {
    const { engine, create } = await make(t);
    t.match(await engine.findSetup(await create('web')), { createdAt: Number, mounts: [], env: Array });
    t.equal(await engine.findSetup('0'.repeat(64)), undefined);
  });

  await t.test('a project lists its containers by name, with their state', async (t) => {
    const { engine, project, create } = await make(t);
    const [web, db] = [await create('web'), await create('db')];
    t.match(await engine.listProject(project), [
      {
        id: db,
        name: `${project}-db`,
        service: 'db',
        project,
        state: 'created',
        exitCode: null,
        startedAt: 0,
        health: 'unknown',
      },
      { id: web, service: 'web', image: 'busybox:1', restartPolicy: 'no', restartCount: 0, hasHealthCheck: false },
    ]);
    t.same(await engine.listProject(uniqueName('nobody')), []);
    const managed = (await engine.listManaged()).map(({ id }) => id);
    t.ok([web, db].every((id) => managed.includes(id)));
    t.match(
      (await engine.listAll()).find(({ id }) => id === db),
      { name: `${project}-db`, project, state: 'created', ports: [] },
    );
  });

  await t.test('as long as it is up an engine is the same one', async (t) => {
    const { engine, create } = await make(t);
    const before = await engine.instance();
    t.not(before, '');
    await engine.startContainer(await create('web'));
    t.equal(await engine.instance(), before);
  });

  await t.test('start, stop, restart and remove say nothing when it is so already', async (t) => {
    const { engine, create } = await make(t);
    const id = await create('web');
    await engine.startContainer(id);
    await engine.startContainer(id);
    const first = await engine.findContainer(id);
    t.match(first, { state: 'running', exitCode: null });
    await engine.restartContainer(id);
    t.ok(((await engine.findContainer(id))?.startedAt ?? 0) >= (first?.startedAt ?? Infinity));
    await engine.stopContainer(id);
    await engine.stopContainer(id);
    t.match(await engine.findContainer(id), { state: 'exited', exitCode: Number });
    await engine.restartContainer(id);
    t.match(await engine.findContainer(id), { state: 'running' });
    await engine.removeContainer(id);
    await engine.removeContainer(id);
    t.equal(await engine.findContainer(id), undefined);
    await engine.stopContainer(id);
    await t.rejects(engine.startContainer(id), { code: 'docker_error' });
  });

  await t.test('a container takes another name, if nobody has it', async (t) => {
    const { engine, project, create } = await make(t);
    const id = await create('web');
    await engine.renameContainer(id, `${project}-other`);
    t.match(await engine.findContainer(id), { name: `${project}-other` });
    await t.rejects(engine.renameContainer(await create('web'), `${project}-other`), { code: 'docker_error' });
  });

  await t.test('the last lines of a container', async (t) => {
    const { engine, create } = await make(t);
    const id = await create('web');
    await engine.startContainer(id);
    t.same(await eventually(() => engine.tailLogs(id, 5), { until: (lines) => lines.length > 0 }), [
      'hello from inside',
    ]);
    t.same(await engine.tailLogs('f'.repeat(64), 5), []);
  });

  await t.test(
    'a running container has a first process and counters of its usage, a stopped one has none',
    async (t) => {
      const { engine, create } = await make(t);
      const id = await create('web');
      t.match(await engine.findContainer(id), { pid: 0, failingStreak: 0, probedAt: 0 });
      t.equal(await engine.readUsage(id), undefined);
      await engine.startContainer(id);
      t.ok(((await engine.findContainer(id))?.pid ?? 0) > 1);
      const usage = await eventually(() => engine.readUsage(id), { until: (now) => (now?.cpuNanos ?? 0) > 0 });
      t.ok((usage?.memoryBytes ?? 0) > 0);
      await engine.stopContainer(id);
      t.equal((await engine.findContainer(id))?.pid, 0);
      t.equal(await engine.readUsage(id), undefined);
      t.equal(await engine.readUsage('f'.repeat(64)), undefined);
    },
  );

  await t.test('limits are told, also where there are none', async (t) => {
    const { engine, create } = await make(t);
    t.match(await engine.findContainer(await create('web')), { cpuLimit: null, memoryLimitBytes: null });
    t.match(await engine.findContainer(await create('limited')), { cpuLimit: 0.5, memoryLimitBytes: 64 * 2 ** 20 });
  });

  await t.test('how containers are set up is told, of a project and of some by id', async (t) => {
    const { engine, project, create } = await make(t);
    const [web, limited] = [await create('web'), await create('limited')];
    const described = await engine.describeProject(project);
    t.match(described, [
      { id: limited, service: 'limited', config: { image: 'busybox:1', cpus: 0.5, mem_limit: 64 * 2 ** 20 } },
      { id: web, name: `${project}-web`, project, isOneOff: false, state: 'created', config: { image: 'busybox:1' } },
    ]);
    t.notOk(described[1]?.config['mem_limit']);
    t.equal(described[1]?.imageId, (await engine.findContainer(web))?.imageId);
    t.same(await engine.describeContainers([web, 'f'.repeat(64)]), [described[1]]);
    t.same(await engine.describeContainers([]), []);
    t.same(await engine.describeProject(uniqueName('nobody')), []);
  });

  await t.test('volumes are told with their project and size', async (t) => {
    const { engine, project, createVolume } = await make(t);
    const name = await createVolume();
    t.match(
      (await engine.listVolumeSizes()).filter((volume) => volume.project === project),
      [{ name, project, sizeBytes: 0 }],
    );
  });

  await t.test('images are found, tagged and missed', async (t) => {
    const { engine } = await make(t);
    const image = await engine.findImage('busybox:1');
    t.match(image, { id: /^sha256:/, tags: ['busybox:1'] });
    const name = `${uniqueName('longshore-test/tagged')}:1`;
    t.equal(await engine.findImage(name), undefined);
    t.teardown(() => (engine instanceof FakeEngine ? undefined : docker(['rmi', name])));
    await engine.tagImage(image?.id ?? '', name);
    await engine.tagImage(image?.id ?? '', name);
    t.equal((await engine.findImage(name))?.id, image?.id);
    await t.rejects(engine.pullImage('longshore-test/nowhere:9'), {
      code: 'image_unavailable',
      message: 'Cannot pull image "longshore-test/nowhere:9"',
    });
  });

  await t.test('an image is made of a tar, and a sealed container of it', async (t) => {
    const { engine } = await make(t);
    const image = `${uniqueName('longshore-test/sealed')}:1`;
    const name = uniqueName('sealed');
    t.teardown(() => (engine instanceof FakeEngine ? undefined : docker(['rmi', image])));
    await engine.importImage(toolImage([]), image);
    t.match(await engine.findImage(image), { tags: [image] });
    const mounts = [{ path: '/usr', isReadOnly: true }];
    const setup = {
      image,
      command: ['true'],
      labels: { 'longshore.tool': 'me' },
      env: {},
      mounts,
      capabilities: ['CHOWN'],
    };
    const id = await engine.createSealed(name, setup);
    t.match(await engine.findContainer(id), { name, state: 'created', labels: setup.labels });
    await t.rejects(engine.createSealed(name, setup), { code: 'docker_error' });
    await engine.removeContainer(id);
  });

  await t.test('a program inside a container: its output, its input, its exit code', async (t) => {
    const { engine, create } = await make(t);
    const id = await create('web');
    await t.rejects(engine.startExec(id, { command: ['true'] }), { code: 'docker_error' });
    await engine.startContainer(id);
    const hostile = ['a; b', '$(id)', '`id`', 'c\nd', '--', "'", '"', '*'];
    const echo = await engine.startExec(id, { command: ['echo', ...hostile] });
    t.equal(await readAll(echo), `stdout: ${hostile.join(' ')}\n`);
    t.match(await ended(echo), { isRunning: false, exitCode: 0 });
    const failing = await engine.startExec(id, { command: ['false'] });
    t.equal(await readAll(failing), '');
    t.equal((await ended(failing)).exitCode, 1);
    const cat = await engine.startExec(id, { command: ['cat'], takesInput: true });
    t.match(await cat.inspect(), { isRunning: true, exitCode: null, pid: Number });
    await cat.write(Buffer.from('typed'));
    cat.endInput();
    cat.endInput();
    t.equal(await readAll(cat), 'stdout: typed');
    await cat.write(Buffer.from('too late'));
    const idle = await engine.startExec(id, { command: ['sleep', '60'], terminal: { columns: 80, rows: 24 } });
    await idle.resize({ columns: 100, rows: 30 });
    idle.detach();
    idle.detach();
    t.equal(await readAll(idle), '');
    t.match(await idle.inspect(), { isRunning: true }, 'nobody listens any more, and it goes on');
  });

  await t.test("a project's networks and volumes are listed and removed, and may be gone already", async (t) => {
    const { engine, project, createNetwork, createVolume } = await make(t);
    await Promise.all([createNetwork(), createVolume()]);
    const [network] = await engine.listNetworks(project);
    const [volume] = await engine.listVolumes(project);
    t.ok(network && volume);
    t.match(volume, { isPlain: true, mountpoint: new RegExp(`/${volume?.name}/_data$`) });
    t.same(await engine.listUsers(volume?.name ?? ''), []);
    for (let twice = 0; twice < 2; twice++) {
      await engine.removeNetwork(network?.id ?? '');
      await engine.removeVolume(volume?.name ?? '');
    }
    t.same([...(await engine.listNetworks(project)), ...(await engine.listVolumes(project))], []);
  });

  await t.test('the event stream tells of starts and ends until it is aborted', async (t) => {
    const { engine, project, create } = await make(t);
    const id = await create('web');
    const events: EngineEvent[] = [];
    const stop = new AbortController();
    const { closed } = await engine.openEvents((event) => void events.push(event), stop.signal);
    await engine.startContainer(id);
    await engine.stopContainer(id);
    const own = await eventually(() => events.filter(({ containerId }) => containerId === id), {
      until: (seen) => seen.some(({ action }) => action === 'die'),
    });
    t.match(
      own.find(({ action }) => action === 'start'),
      { project, service: 'web', exitCode: null },
    );
    t.match(
      own.find(({ action }) => action === 'die'),
      { exitCode: Number, at: Number },
    );
    stop.abort();
    await closed;
  });
}

/** Its output with the name of the stream before each piece that differs from the one before. */
async function readAll({ output }: RunningExec): Promise<string> {
  let [text, last] = ['', ''];
  for await (const { stream, bytes } of output) {
    text += stream === last ? bytes.toString() : `${stream}: ${bytes.toString()}`;
    last = stream;
  }
  return text;
}

/** The output may end a moment before Docker knows of the end. */
const ended = (exec: RunningExec) => eventually(() => exec.inspect(), { until: ({ isRunning }) => !isRunning });

t.test('a socket that is not there is `docker_unavailable`', async (t) => {
  const engine = createDockerEngine({ socketPath: '/nowhere/docker.sock' });
  await t.rejects(engine.ping(), { code: 'docker_unavailable' });
  await t.rejects(engine.listProject('x'), { code: 'docker_unavailable' });
  await t.rejects(
    engine.openEvents(() => undefined, new AbortController().signal),
    { code: 'docker_unavailable' },
  );
});
