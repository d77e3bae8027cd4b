// Real servers, deployed as people deploy them: over the API, on a real engine, from files like theirs
// (test/fixtures/stacks). Each is asked whether it does its work, not only whether it runs.
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { Api, type Job } from '../support/api.ts';
import {
  docker,
  ensureImages,
  ensureLanguages,
  ensureServers,
  requireDocker,
  uniqueProject,
} from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { GitRepository } from '../support/git-repository.ts';
import { startUp } from '../support/up.ts';

const fileOf = (stack: string): string =>
  readFileSync(new URL(`../fixtures/stacks/${stack}.yaml`, import.meta.url), 'utf8');

/** One deployed stack, and ways to ask its containers. */
class Stack {
  readonly name: string;
  readonly #api: Api;
  readonly #id: string;

  constructor(api: Api, id: string, name: string) {
    this.#api = api;
    this.#id = id;
    this.name = name;
  }

  page(service: string, path = '/'): Promise<string> {
    return eventually(async () => {
      const port = await this.#portOf(service);
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } });
      if (!answer.ok) throw new Error(`answers ${answer.status}`);
      return (await answer.text()).trim();
    });
  }

  async exec(service: string, ...command: string[]): Promise<string> {
    return docker(['exec', await this.#containerOf(service), ...command]);
  }

  sql(service: string, query: string, user = 'postgres', database = 'shop'): Promise<string> {
    return this.exec(service, 'psql', '-U', user, '-d', database, '-Atc', query);
  }

  async redeploy(): Promise<Job> {
    const { body } = await this.#api.post(`/api/services/${this.#id}/redeploy`, { pull: 'missing' });
    return this.#api.jobEnd(String(body['deploy_job_id']));
  }

  async update(change: Record<string, unknown>): Promise<Job> {
    const { body } = await this.#api.call('PATCH', `/api/services/${this.#id}`, change);
    return this.#api.jobEnd(String(body['deploy_job_id']));
  }

  /** Compose services that have a container, by state. */
  async services(): Promise<string[]> {
    const { body } = await this.#api.get<{ containers: { service: string; state: string }[] }>(
      `/api/services/${this.#id}`,
    );
    return [...new Set(body.containers.map(({ service, state }) => `${service} ${state}`))].toSorted();
  }

  async #portOf(service: string): Promise<string> {
    return (await docker(['port', await this.#containerOf(service)])).split(':').at(-1) ?? '';
  }

  /** Any of them; a start-first deploy has given it another number. */
  async #containerOf(service: string): Promise<string> {
    const labels = { project: this.name, service };
    const filters = Object.entries(labels).flatMap(([name, value]) => [
      '--filter',
      `label=com.docker.compose.${name}=${value}`,
    ]);
    return (await docker(['ps', '-q', ...filters])).split('\n')[0] ?? '';
  }
}

void t.test('stacks of real servers', { jobs: 4 }, async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  await Promise.all([ensureLanguages(), ensureServers()]);
  const up = await startUp(t, { LONGSHORE_ALLOW_FILE_GIT: '1' });
  const api = new Api(up.url, up.key);

  const deploy = async (t: Test, source: Record<string, unknown>): Promise<Stack> => {
    const name = uniqueProject(t, 'stack');
    const { status, body } = await api.post('/api/services', { name, ...source });
    t.equal(status, 201, JSON.stringify(body));
    const job = await api.jobEnd(String(body['deploy_job_id']));
    t.equal(job.state, 'succeeded', JSON.stringify(job.error));
    return new Stack(api, String(body['id']), name);
  };
  const deployFile = (t: Test, stack: string, variables: Record<string, string> = {}) =>
    deploy(t, { deploy_method: 'compose', compose: fileOf(stack), variables });

  void t.test('a server with its settings and its page in the file', async (t) => {
    const site = await deployFile(t, 'site', { GREETING: 'the harbour' });
    t.equal(await site.page('web'), 'the page of the harbour');
    t.equal(await site.page('web', '/variables'), 'GET the harbour');
    t.equal((await site.update({ variables: { GREETING: 'the pier' } })).state, 'succeeded');
    t.equal(await site.page('web'), 'the page of the pier', 'another content is another container');
  });

  void t.test('data in a volume outlives its container', async (t) => {
    const data = await deployFile(t, 'data', { MEMORY: '16mb' });
    await data.exec('cache', 'redis-cli', 'set', 'kept', 'yes');
    t.equal((await data.update({ variables: { MEMORY: '32mb' } })).state, 'succeeded');
    t.equal(await data.exec('cache', 'redis-cli', 'get', 'kept'), 'yes');
    t.match(await data.exec('cache', 'redis-cli', 'config', 'get', 'maxmemory'), '33554432');
  });

  void t.test('a database, its migration, and what waits for both', async (t) => {
    const shop = await deployFile(t, 'migrations', { DB_PASSWORD: 'p$ss "word" #1' });
    t.equal(await shop.sql('db', 'SELECT count(*) FROM goods'), '2');
    t.same(await shop.services(), ['db running', 'migrate exited', 'web running']);
    t.match(await shop.redeploy(), { state: 'succeeded', unchanged: true }, 'a migration that is done is not repeated');
  });

  void t.test('a program that counts in a database', async (t) => {
    const counter = await deployFile(t, 'counter');
    t.equal(await counter.page('app', '/count'), 'visitor 1');
    t.equal(await counter.page('app', '/count'), 'visitor 2');
    t.equal((await counter.update({ variables: { GREETING: 'guest' } })).state, 'succeeded');
    t.equal(await counter.page('app', '/count'), 'guest 3', 'the database was left alone');
  });

  void t.test('a program behind a proxy', async (t) => {
    const proxied = await deployFile(t, 'proxied');
    t.equal(await proxied.page('proxy'), 'served by python');
  });

  void t.test('three of the same behind one name', async (t) => {
    const replicas = await deployFile(t, 'replicas');
    const seen = new Set<string>();
    await eventually(async () => seen.add(await replicas.page('balancer')).size === 3);
    t.equal(seen.size, 3);
  });

  void t.test('profiles run when a variable asks for them', async (t) => {
    const profiles = await deployFile(t, 'profiles');
    t.same(await profiles.services(), ['web running']);
    t.match(await profiles.update({ variables: { COMPOSE_PROFILES: 'debug' } }), { state: 'succeeded', error: null });
    t.same(await profiles.services(), ['console running', 'web running']);
  });

  void t.test('a new database is filled by its scripts', async (t) => {
    const harbour = await deployFile(t, 'first-data', { POSTGRES_PASSWORD: 'secret-of-the-captain' });
    t.equal(await harbour.sql('db', 'SELECT name FROM ships ORDER BY name', 'captain', 'harbour'), 'Fram\nGjøa');
    t.equal(await harbour.sql('db', 'SHOW max_connections', 'captain', 'harbour'), '17');
  });

  void t.test('a queue, its producer and two workers', async (t) => {
    const queue = await deployFile(t, 'queue');
    await eventually(async () => (await queue.exec('queue', 'redis-cli', 'llen', 'done')) === '6');
    t.same(await queue.services(), ['producer exited', 'queue running', 'worker running']);
  });

  void t.test('an image that is built on the host', async (t) => {
    const built = await deployFile(t, 'built', { EDITION: 'first' });
    t.equal(await built.page('web'), 'edition first');
    t.equal((await built.update({ variables: { EDITION: 'second' } })).state, 'succeeded');
    t.equal(await built.page('web'), 'edition second');
  });

  void t.test('a network that only some can reach', async (t) => {
    const isolated = await deployFile(t, 'isolated');
    t.equal(await isolated.exec('inside', 'redis-cli', '-h', 'store', 'ping'), 'PONG');
    await t.rejects(isolated.exec('outside', 'redis-cli', '-h', 'store', 'ping'));
  });

  void t.test('secrets and configs as files of another user', async (t) => {
    const secrets = await deployFile(t, 'secrets', { TOKEN: 'a-token', LEVEL: 'debug' });
    t.equal(await secrets.page('app'), 'a-token 444, level=debug 440');
  });

  void t.test('a repository with a compose file and sources to build', async (t) => {
    const repository = await GitRepository.create(t, {
      'compose.yaml': 'services:\n  app:\n    build: .\n    init: true\n    ports: ["127.0.0.1::8000"]\n',
      Dockerfile:
        'FROM longshore-test/python:3.13\nCOPY site /site\nCMD ["python", "-m", "http.server", "8000", "--directory", "/site"]\n',
      'site/index.html': 'the first commit\n',
    });
    const app = await deploy(t, { deploy_method: 'git', git_url: repository.url });
    t.equal(await app.page('app'), 'the first commit');
    t.match(await app.redeploy(), { state: 'succeeded', unchanged: true }, 'the same commit is no work');
    await repository.commit({ 'site/index.html': 'the second commit\n' });
    t.equal((await app.redeploy()).state, 'succeeded');
    t.equal(await app.page('app'), 'the second commit');
  });
});
