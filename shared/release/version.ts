// Versions of releases, ordered as semver.org says. Pure. systemd/upgrade-release.mts has the same order of its own, because what
// root runs imports nothing; a test compares the two.

const VERSION = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/;

/** Without build metadata: two files of one version would not be told apart. */
export const isVersion = (text: string): boolean => text.length <= 64 && VERSION.test(text);

/** Below 0: `a` is older; above: newer. What is no version is older than any. */
export function compareVersions(a: string, b: string): number {
  const [one, other] = [VERSION.exec(a), VERSION.exec(b)];
  if (!one || !other) return Number(one !== null) - Number(other !== null);
  for (const part of [1, 2, 3]) {
    const difference = Number(one[part]) - Number(other[part]);
    if (difference !== 0) return difference;
  }
  return comparePreReleases(one[4]?.split('.') ?? [], other[4]?.split('.') ?? []);
}

/** None is newer than any; more parts are newer than the same with less; numbers are older than words. */
function comparePreReleases(a: string[], b: string[]): number {
  if (a.length === 0 || b.length === 0) return b.length - a.length;
  const at = a.findIndex((part, i) => part !== b[i]);
  if (at === -1 || b[at] === undefined) return a.length - b.length;
  return comparePart(a[at] ?? '', b[at]);
}

function comparePart(one: string, other: string): number {
  const [isNumber, isOtherNumber] = [/^\d+$/.test(one), /^\d+$/.test(other)];
  if (isNumber && isOtherNumber) return Number(one) - Number(other);
  if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
  return one < other ? -1 : 1;
}
