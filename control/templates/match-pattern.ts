// A variable's pattern comes from whoever wrote the template, and the value from somebody else: together they can keep a
// backtracking matcher busy for years. So a pattern is walked as a machine that is in many states at once (Thompson,
// 1968): each character of the value is looked at once, at most once for each state.
import { parsePattern, type Pattern } from './parse-pattern.ts';

/** The longest of 2 500 in other systems' templates has about 200. */
const MAX_PATTERN_CHARS = 500;
/** `[a-z]{1,63}` takes 64 times two. Counted repeats of counted repeats multiply. */
const MAX_STATES = 1000;

/** Whether a template may have it as a pattern. */
export const isPattern = (text: string): boolean => readPattern(text) !== undefined;

function readPattern(text: string): Pattern | undefined {
  const pattern = text.length > MAX_PATTERN_CHARS ? undefined : parsePattern(text);
  return pattern && sizeOf(pattern) <= MAX_STATES ? pattern : undefined;
}

/** What the values of one template may cost together. Real ones take hundreds of steps, a million about 50 ms. */
export class Effort {
  #left = 1_000_000;

  /** False when nothing is left. */
  spend(): boolean {
    return --this.#left >= 0;
  }
}

/** Whether the pattern takes the whole value; undefined when the effort is spent. */
export function matchesWhole(text: string, value: string, effort: Effort): boolean | undefined {
  const pattern = readPattern(text);
  return pattern && new Machine(pattern).takes(Array.from(value), effort);
}

/** An upper bound of its states, by arithmetic: nothing is built that is too large. */
function sizeOf(part: Pattern): number {
  if (part.kind === 'sequence' || part.kind === 'choice')
    return part.parts.reduce((sum, inner) => sum + sizeOf(inner), 1);
  if (part.kind !== 'repeat') return 1;
  const copies = part.max === Infinity ? part.min + 1 : part.max;
  return 1 + copies * (1 + sizeOf(part.part));
}

type State =
  | { kind: 'char'; char: CharTest; next: number }
  | { kind: 'start' | 'end'; next: number }
  | { kind: 'fork'; next: number[] }
  | { kind: 'taken' };

/** One character by JavaScript's own rules, so that classes and escapes mean here what they mean there. */
class CharTest {
  readonly #pattern: RegExp;
  readonly #known = new Map<string, boolean>();

  constructor(source: string) {
    this.#pattern = new RegExp(`^${source}$`, 'u');
  }

  accepts(char: string): boolean {
    const known = this.#known.get(char);
    if (known !== undefined) return known;
    const isAccepted = this.#pattern.test(char);
    this.#known.set(char, isAccepted);
    return isAccepted;
  }
}

class Machine {
  readonly #states: State[] = [{ kind: 'taken' }];
  readonly #chars = new Map<string, CharTest>();
  readonly #first: number;

  constructor(pattern: Pattern) {
    this.#first = this.#build(pattern, 0);
  }

  takes(value: readonly string[], effort: Effort): boolean | undefined {
    let current = new Set<number>();
    const enter = (into: Set<number>, first: number, at: number) => {
      const open = [first];
      for (let index = open.pop(); index !== undefined; index = open.pop()) {
        if (into.has(index)) continue;
        into.add(index);
        open.push(...this.#onwards(index, at, value.length));
      }
    };
    enter(current, this.#first, 0);
    for (const [at, char] of value.entries()) {
      const following = new Set<number>();
      for (const index of current) {
        if (!effort.spend()) return undefined;
        const state = this.#states[index];
        if (state?.kind === 'char' && state.char.accepts(char)) enter(following, state.next, at + 1);
      }
      current = following;
    }
    return current.has(0);
  }

  /** Where it goes on without taking a character. */
  #onwards(index: number, at: number, end: number): number[] {
    const state = this.#states[index];
    if (state?.kind === 'fork') return state.next;
    const isThere = (state?.kind === 'start' && at === 0) || (state?.kind === 'end' && at === end);
    return isThere ? [state.next] : [];
  }

  /** The state that stands for a part, before the one that stands for what comes behind it. */
  // oxlint-disable-next-line typescript/consistent-return -- the switch is exhaustive, and another rule keeps it so
  #build(part: Pattern, next: number): number {
    switch (part.kind) {
      case 'char':
        return this.#add({ kind: 'char', char: this.#charOf(part.source), next });
      case 'start':
      case 'end':
        return this.#add({ kind: part.kind, next });
      case 'sequence':
        return part.parts.reduceRight((behind, inner) => this.#build(inner, behind), next);
      case 'choice':
        return this.#add({ kind: 'fork', next: part.parts.map((inner) => this.#build(inner, next)) });
      case 'repeat':
        return this.#buildRepeat(part, next);
    }
  }

  #buildRepeat({ part, min, max }: Extract<Pattern, { kind: 'repeat' }>, next: number): number {
    const isEndless = max === Infinity;
    let entry = isEndless ? this.#buildLoop(part, next) : next;
    for (let optional = isEndless ? 0 : max - min; optional > 0; optional--)
      entry = this.#add({ kind: 'fork', next: [this.#build(part, entry), next] });
    for (let copies = 0; copies < min; copies++) entry = this.#build(part, entry);
    return entry;
  }

  #buildLoop(part: Pattern, next: number): number {
    const fork = { kind: 'fork' as const, next: [next] };
    const entry = this.#add(fork);
    fork.next.push(this.#build(part, entry));
    return entry;
  }

  #charOf(source: string): CharTest {
    const char = this.#chars.get(source) ?? new CharTest(source);
    this.#chars.set(source, char);
    return char;
  }

  #add(state: State): number {
    return this.#states.push(state) - 1;
  }
}
