// What a registry's manifests say of a download: real shapes, and what a registry that means no good would say.
import t from 'tap';
import { readManifest } from '../../agent/images/manifest.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const part = (letter: string, size: unknown) => ({ digest: digest(letter), size });
const image = (...layers: unknown[]) => JSON.stringify({ config: part('c', 1000), layers });
const entry = (letter: string, architecture: string, variant?: string, os = 'linux') => ({
  ...part(letter, 500),
  platform: { os, architecture, ...(variant !== undefined && { variant }) },
});
const index = (...manifests: unknown[]) => JSON.stringify({ manifests });

t.test('a manifest is its config and its layers, each once', async (t) => {
  const layers = [part('1', 20_000), part('2', 32), part('2', 32)];
  t.same(readManifest(image(...layers), 'linux/amd64'), { bytes: 21_032 });
  t.same(readManifest(image(), 'linux/amd64'), { bytes: 1000 });
});

t.test('an index leads to the manifest of the platform', async (t) => {
  const unknown = entry('0', 'unknown', undefined, 'unknown');
  const text = index(
    unknown,
    entry('1', 'amd64'),
    entry('6', 'arm', 'v6'),
    entry('7', 'arm', 'v7'),
    entry('8', 'arm64'),
  );
  const answers = [
    ['linux/amd64', '1'],
    ['linux/amd64/v2', '1'],
    ['linux/arm64/v8', '8'],
    ['linux/arm/v7', '7'],
    ['linux/arm', '6'],
  ] as const;
  for (const [platform, letter] of answers) t.same(readManifest(text, platform), { digest: digest(letter) }, platform);
  for (const none of ['linux/s390x', 'windows/amd64', 'linux/arm/v5', 'amd64', '']) {
    t.equal(readManifest(text, none), undefined, none);
  }
});

t.test('what says no size, or none that can be, says nothing', async (t) => {
  for (const size of [-1, 1.5, 2 ** 53, 1e308, '20', null, undefined]) {
    t.equal(readManifest(image(part('1', size)), 'linux/amd64'), undefined, String(size));
  }
  const huge = Number.MAX_SAFE_INTEGER;
  t.equal(readManifest(image(part('1', huge), part('2', huge)), 'linux/amd64'), undefined, 'a sum beyond all numbers');
  const { config } = JSON.parse(image()) as { config: unknown };
  for (const odd of [
    { layers: [] },
    { config },
    { config, layers: 'x' },
    { config, layers: [null] },
    { fsLayers: [] },
  ]) {
    t.equal(readManifest(JSON.stringify(odd), 'linux/amd64'), undefined, JSON.stringify(odd));
  }
  for (const odd of ['', 'null', '[]', '7', '"x"', image().slice(0, -1), '<html>']) {
    t.equal(readManifest(odd, 'linux/amd64'), undefined, odd);
  }
});

t.test('an index leads nowhere but to a digest', async (t) => {
  const platform = { os: 'linux', architecture: 'amd64' };
  for (const odd of ['../../../admin', 'latest', `${digest('1')}/x`, 7, undefined]) {
    t.equal(readManifest(index({ digest: odd, platform }), 'linux/amd64'), undefined, String(odd));
  }
  for (const odd of [null, 'x', { digest: digest('1') }, { digest: digest('1'), platform: 'linux/amd64' }]) {
    t.equal(readManifest(index(odd), 'linux/amd64'), undefined, JSON.stringify(odd));
  }
});
