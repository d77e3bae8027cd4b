// Picks a version that has an image from what manifests ask for: ranges of npm, pip, Composer and Bundler.

/** Longer ones are no ranges that anybody wrote. */
const RANGE_CHARS = 200;
const BOUND = /^(\^|~>|~=|~|>=|<=|>|<|={1,3}|!=)?v?(\d{1,3}(?:\.(?:\d{1,5}|[x*]))*)$/i;

/**
 * The first of `candidates` (`24`, or `3.13`: its newest release) that fits; the very first for a range that says nothing.
 * Undefined when none fits.
 */
export function pickVersion(range: string | undefined, candidates: readonly string[]): string | undefined {
  const alternatives = range === undefined || range.length > RANGE_CHARS ? [] : range.split(/\|\|?/).map(boundsOf);
  if (alternatives.length === 0 || alternatives.includes(undefined)) return candidates[0];
  return candidates.find((candidate) =>
    alternatives.some((bounds) => bounds?.every((bound) => fits(numbersOf(candidate), bound))),
  );
}

interface Bound {
  operator: string;
  version: number[];
}

/** All of them must hold; undefined for what is no range. */
function boundsOf(text: string): Bound[] | undefined {
  const words = text
    .trim()
    .replace(/^v?([\d.]+)\s+-\s+v?([\d.]+)$/, '>=$1 <=$2')
    .replace(/([\^~<>=!]+)\s+/g, '$1')
    .split(/[\s,]+/);
  const bounds = words.filter((word) => word !== '' && word !== '*').map(boundOf);
  return bounds.some((bound) => bound === undefined) ? undefined : (bounds as Bound[]);
}

function boundOf(word: string): Bound | undefined {
  const match = BOUND.exec(word);
  return match ? { operator: match[1] ?? '=', version: numbersOf(match[2] ?? '') } : undefined;
}

const numbersOf = (text: string): number[] =>
  text
    .split('.')
    .filter((part) => /^\d+$/.test(part))
    .map(Number);

/** `candidate` stands for its newest release, so a bound that is more exact lies below it. */
function fits(candidate: number[], { operator, version }: Bound): boolean {
  const order = compare(candidate, version);
  const isMoreExact = version.length > candidate.length;
  if (operator === '!=') return true;
  if (operator === '>=' || operator === '>') return order > 0 || (order === 0 && (operator === '>=' || isMoreExact));
  if (operator === '<' || operator === '<=') return order < 0 || (order === 0 && operator === '<=' && !isMoreExact);
  const kept = keptParts(operator, version.length);
  return compare(candidate.slice(0, kept), version.slice(0, kept)) === 0 && (operator.startsWith('=') || order >= 0);
}

/** How many leading numbers an operator holds still. */
function keptParts(operator: string, length: number): number {
  if (operator === '^') return 1;
  if (operator === '~') return Math.min(length, 2);
  return operator.startsWith('=') ? length : Math.max(1, length - 1);
}

/** By the parts that both have. */
function compare(a: readonly number[], b: readonly number[]): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
