import t from 'tap';
import { compareVersions, isVersion } from '#shared/release/version.ts';
import { compareVersions as compareAsRoot } from '../../systemd/upgrade-release.mts';

/** As semver.org lists them, the oldest first. */
const ORDER = [
  '0.1.0-alpha',
  '0.1.0-alpha.1',
  '0.1.0-alpha.beta',
  '0.1.0-beta.2',
  '0.1.0-beta.11',
  '0.1.0-rc.1',
  '0.1.0',
  '0.1.1',
  '0.2.0-test',
  '0.2.0',
  '0.10.0',
  '1.0.0',
];

for (const [name, compare] of Object.entries({ everybody: compareVersions, root: compareAsRoot })) {
  t.test(`versions are ordered as semver says, for ${name}`, async (t) => {
    for (const [i, one] of ORDER.entries()) {
      for (const [j, other] of ORDER.entries()) {
        t.equal(Math.sign(compare(one, other)), Math.sign(i - j), `${one} and ${other}`);
      }
    }
  });
}

t.test('what is no version is older than any, and none', async (t) => {
  t.ok(compareVersions('unknown', '0.0.1') < 0);
  for (const text of ['', 'v1.0.0', '1.0', '1.0.0+build', '1.0.0-', '1.0.0/../..', '1'.repeat(70)]) {
    t.notOk(isVersion(text), text);
  }
  for (const text of ORDER) t.ok(isVersion(text), text);
});
