// What stays of the logs of containers that a deploy replaces, on a real Docker, and that a search finds it.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { silentLogger } from '#shared/log.ts';
import { systemClock } from '#shared/time.ts';
import { startEventHub } from '../../agent/docker/events.ts';
import type { FindLogFile } from '../../agent/docker/log-file.ts';
import { findLogFileBy } from '../../agent/docker/log-path.ts';
import { createKeptLogs } from '../../agent/kept-logs/kept-logs.ts';
import { Searches } from '../../agent/search/searches.ts';
import { SOCKET, startDeployHost } from '../support/deploy-host.ts';
import { missingDocker } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { runSearch } from '../support/search-host.ts';

const skip = await missingDocker();

const SCRIPT = `trap 'echo "$WHO goes"; exit 0' TERM; echo "$WHO is up"; while :; do sleep 0.05; done`;
const COMPOSE = `
services:
  web:
    image: busybox:1
    init: true
    environment: {WHO: "\${WHO}"}
    command: ["sh", "-c", ${JSON.stringify(SCRIPT.replaceAll('$', '$$$$'))}]
    stop_grace_period: 2s
`;
/** Stands for a host where the agent may not read Docker's files. */
const unreadable: FindLogFile = async () => undefined;

/** A host whose jobs keep logs, and a search on it. */
async function start(t: Test, findLogFile: FindLogFile) {
  const host = await startDeployHost(t, 'kept', { compose: COMPOSE, secretNames: ['TOKEN'] });
  const stopped = new AbortController();
  t.teardown(() => stopped.abort());
  const { engine } = host;
  const reading = { socketPath: SOCKET, engine, findLogFile, clock: systemClock, log: silentLogger() };
  const hub = startEventHub(reading, stopped.signal);
  await eventually(() => hub.isConnected);
  const services = { find: () => host, secretsOf: () => ['one-and-only-secret'] };
  const kept = createKeptLogs({ ...reading, dataDir: host.dataDir, hub });
  host.around = (execute) => kept.around(execute);
  const searches = new Searches({ ...reading, services, listKept: (id) => kept.list(id) });
  const search = async (query: string) => {
    const { matches } = await runSearch(searches, { serviceIds: [host.spec.id], query });
    return matches.map(({ message, isReplaced }) => ({ message, isReplaced }));
  };
  /** Waits until the container has said so: Docker writes what it says a moment later. */
  const deploy = async (who: string) => {
    const outcome = await host.deploy({ variables: { WHO: who } });
    await eventually(() => search(`${who} is up`), { until: (found) => found.length > 0 });
    return outcome;
  };
  return { host, kept, search, deploy, folder: join(host.dataDir, 'logs', host.spec.id) };
}

for (const [how, findLogFile] of [
  ['its files', findLogFileBy(SOCKET)],
  ["the Engine's API", unreadable],
] as const) {
  t.test(`a replaced container's log is kept to its last line, by ${how}`, { skip }, async (t) => {
    const { search, deploy, folder } = await start(t, findLogFile);
    t.match(await deploy('first'), { state: 'succeeded' });
    t.match(await deploy('second'), { state: 'succeeded' });
    t.same(await search('is up'), [
      { message: 'second is up', isReplaced: false },
      { message: 'first is up', isReplaced: true },
    ]);
    t.same(await search('goes'), [{ message: 'first goes', isReplaced: true }], 'what it said when it was stopped');

    const names = readdirSync(folder);
    t.match(names, [/^\d{8}T\d{6}\.\d{3}Z_[0-9a-f]{12}_kept-\w+-web-1\.log\.gz$/]);
    const path = join(folder, names[0] ?? '');
    t.equal(statSync(path).mode & 0o777, 0o600);
    t.match(gunzipSync(readFileSync(path)).toString('utf8'), /^\{"log":"first is up\\n","stream":"stdout","time":"/);
  });
}

t.test('a deploy that replaces nothing keeps nothing', { skip }, async (t) => {
  const { host, deploy, kept } = await start(t, findLogFileBy(SOCKET));
  await deploy('only');
  t.match(await host.deploy(), { state: 'succeeded', unchanged: true });
  t.same(await kept.list(host.spec.id), []);

  await t.test('what a failed deploy made and took back again can be read', async (t) => {
    const fails = `${COMPOSE}    healthcheck: {test: [CMD, "false"], interval: 1s, retries: 1}\n`;
    t.match(await host.deploy({ compose: fails, variables: { WHO: 'bad' } }), { state: 'failed' });
    const containers = (await kept.list(host.spec.id)).map(({ path }) =>
      gunzipSync(readFileSync(path)).toString('utf8'),
    );
    t.ok(containers.some((text) => text.includes('bad is up')));
  });

  await t.test('a service that is removed leaves nothing', async (t) => {
    t.match(await host.run({ kind: 'remove' }), { state: 'succeeded' });
    t.same(await kept.list(host.spec.id), []);
  });
});
