// Asking registries how much a deploy would download, over real sockets.
import t from 'tap';
import type { Lookup } from '#shared/guarded-lookup.ts';
import { measureDownloads } from '../../agent/images/downloads.ts';
import { Registries } from '../../agent/images/registry.ts';
import { DIGEST, startFakeRegistry, type Say } from '../support/fake-registry.ts';
import { ManualClock } from '../support/manual-clock.ts';

const NEVER = new AbortController().signal;
const IMAGE = JSON.stringify({ config: { digest: 'a', size: 10 }, layers: [{ digest: 'b', size: 32 }] });
const INDEX = JSON.stringify({
  manifests: [{ digest: DIGEST, platform: { os: 'linux', architecture: 'amd64' } }],
});

const measure = (references: string[], { deadlineMs = 5_000, signal = NEVER, lookup }: Options = {}) => {
  const fetchSettings = async () => ({ insecureRanges: ['127.0.0.0/8'], insecureServers: [], mirrors: [] });
  const registries = new Registries({ fetchSettings, clock: new ManualClock(), ...(lookup && { lookup }) });
  const downloads = references.map((reference) => ({ reference, platform: 'linux/amd64', login: undefined }));
  return measureDownloads({ registries, deadlineMs }, downloads, signal);
};

interface Options {
  deadlineMs?: number;
  signal?: AbortSignal;
  lookup?: Lookup;
}

const sayIndex: Say = ({ url }, response) => response.end(url?.endsWith(DIGEST) ? IMAGE : INDEX);

t.test('an index and the manifest of the platform tell, by tag and by digest', async (t) => {
  const { port, asked } = await startFakeRegistry(t, sayIndex);
  const [tagged, fixed] = [`127.0.0.1:${port}/team/web:1`, `127.0.0.1:${port}/team/web:1@${DIGEST}`];
  t.same(await measure([tagged]), new Map([[tagged, 42]]));
  t.same(asked, ['GET /v2/team/web/manifests/1 nobody', `GET /v2/team/web/manifests/${DIGEST} nobody`]);
  t.same(await measure([fixed]), new Map([[fixed, 42]]));
  t.equal(asked.length, 3);
});

t.test('Docker Hub is not asked, and no registry for what is no name of an image', async (t) => {
  const { port, asked } = await startFakeRegistry(t, sayIndex);
  const lookup: Lookup = (name) => t.fail(`asked for ${name}`);
  t.same(await measure(['nginx:1', 'docker.io/team/web:1'], { lookup }), new Map());
  const odd = ['../../admin:1', 'web:1?x=1', 'web%2f..:1', 'Web:1', 'web@sha256:1', `web@${DIGEST}/../../x`];
  t.same(await measure(odd.map((name) => `127.0.0.1:${port}/${name}`)), new Map());
  t.same(asked, []);
});

t.test('a registry that says nothing of use leaves its image without a size, and the others theirs', async (t) => {
  const good = await startFakeRegistry(t, sayIndex);
  const circle = await startFakeRegistry(t, (_request, response) => response.end(INDEX));
  const absent = await startFakeRegistry(t, (_request, response) => response.writeHead(404).end(IMAGE));
  const endless = await startFakeRegistry(t, (_request, response) => {
    const more = () => void (response.destroyed || response.write(' '.repeat(65_536), more));
    more();
  });
  const silent = await startFakeRegistry(t, () => undefined);
  const images = [silent, endless, absent, circle, good].map(({ port }) => `127.0.0.1:${port}/web:1`);
  t.same([...(await measure(images, { deadlineMs: 1_000 }))], [[images[4], 42]]);
  t.equal(circle.asked.length, 2);
});

t.test('registries and resolvers that hang are waited for no longer than all of them together may take', async (t) => {
  const { port, asked } = await startFakeRegistry(t, () => undefined);
  const many = Array.from({ length: 20 }, (_, each) => `127.0.0.1:${port}/web:${each}`);
  t.same(await measure(many, { deadlineMs: 300 }), new Map());
  t.equal(asked.length, 4, 'and a few questions at a time');
  t.same(await measure(['registry.example/web:1'], { deadlineMs: 100, lookup: () => undefined }), new Map());
});

t.test('a plan that is no longer wanted asks no further', async (t) => {
  const stop = new AbortController();
  const { port } = await startFakeRegistry(t, () => stop.abort(new Error('gone')));
  await t.rejects(measure([`127.0.0.1:${port}/web:1`], { signal: stop.signal }), { message: 'gone' });
});
