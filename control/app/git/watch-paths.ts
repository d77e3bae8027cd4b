// Which pushes concern a service: patterns of the files it is made from. As in .gitignore the last one that fits a file
// counts, and what fits a folder fits all that is in it. Pure.
//
//   *   any characters of one name      ?   one of them      **   any folders, or none      !…   an exception

export const MAX_WATCH_PATHS = 50;
export const MAX_WATCH_PATH_CHARS = 255;

/** What comparing one push may cost, in looks at a character. A thousand files and ten patterns take about a tenth. */
const MAX_EFFORT = 2_000_000;

/** Relative, of plain names: nothing that climbs, no empty name. */
export const isWatchPath = (text: string): boolean =>
  /^!?[^!/]/u.test(text) && !/(^!?|\/)(\.{0,2})(\/|$)|[\p{Cc}\\]/u.test(text);

/** Whether any of the files counts; undefined where finding out would take too long. */
export function isAnyWatched(patterns: readonly string[], files: readonly string[]): boolean | undefined {
  const effort = new Effort();
  const rules = patterns.map(toRule);
  for (const file of files) {
    const isCounted = countsBy(rules, file.split('/').map(toChars), effort);
    if (effort.isSpent) return undefined;
    if (isCounted) return true;
  }
  return false;
}

class Effort {
  #left = MAX_EFFORT;

  spend(): void {
    this.#left--;
  }

  get isSpent(): boolean {
    return this.#left < 0;
  }
}

interface Rule {
  isException: boolean;
  /** The characters of each name; null for any folders. */
  names: (string[] | null)[];
}

const toChars = (text: string): string[] => Array.from(text);

function toRule(pattern: string): Rule {
  const isException = pattern.startsWith('!');
  const names = pattern.slice(isException ? 1 : 0).split('/');
  return { isException, names: names.map((name) => (name === '**' ? null : toChars(name))) };
}

/** Where there are only exceptions, everything else counts. */
function countsBy(rules: readonly Rule[], file: readonly string[][], effort: Effort): boolean {
  const last = rules.findLast(({ names }) => fits(names, file, effort));
  return last ? !last.isException : rules.every(({ isException }) => isException);
}

const fits = (names: Rule['names'], file: readonly string[][], effort: Effort): boolean =>
  walk(names, file, {
    isGap: (name) => name === null,
    takes: (name, own) => name !== null && nameFits(name, own, effort),
    isWithin: true, // a folder above the file
    effort,
  });

const nameFits = (pattern: readonly string[], name: readonly string[], effort: Effort): boolean =>
  walk(pattern, name, {
    isGap: (char) => char === '*',
    takes: (char, own) => char === '?' || char === own,
    isWithin: false,
    effort,
  });

interface Way<Part, Item> {
  /** Takes any number of items. */
  isGap: (part: Part) => boolean;
  takes: (part: Part, item: Item) => boolean;
  /** Whether items may be left over behind the last part. */
  isWithin: boolean;
  effort: Effort;
}

/**
 * Goes on with the first way in which the parts up to a gap fit: what does not fit behind that gap then fits behind no
 * earlier one either. So there is one place to go back to, and each part looks at each item at most once.
 */
function walk<Part, Item>(parts: readonly Part[], items: readonly Item[], way: Way<Part, Item>): boolean {
  let [part, item] = [0, 0];
  let gap: { part: number; item: number } | undefined;
  while (item < items.length && !way.effort.isSpent) {
    way.effort.spend();
    if (part === parts.length && way.isWithin) return true;
    const isLeft = part < parts.length;
    if (isLeft && way.isGap(parts[part] as Part)) {
      part++;
      gap = { part, item };
    } else if (isLeft && way.takes(parts[part] as Part, items[item] as Item)) {
      part++;
      item++;
    } else if (gap) {
      gap.item++;
      ({ part, item } = gap);
    } else return false;
  }
  return parts.slice(part).every(way.isGap);
}
