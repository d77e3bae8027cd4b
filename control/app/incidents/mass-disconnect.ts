// Whether hosts went away together or each by itself. Pure: who is gone and since when in, who is told of how out. Asking
// again gives the same answer, whenever that is: a host is judged once every loss that could count with it is known.
//
//   lost at 0 s ─────────── 30 s: judged, with all that were lost from −30 s to 30 s
export interface Loss {
  hostId: string;
  /** Milliseconds since the epoch. */
  at: number;
}

export interface Absences {
  /** Hosts that the timeline says are connected, those that are gone included. */
  told: number;
  /** Of those, the ones that are gone. */
  gone: readonly Loss[];
  /** When an open incident lost its latest host; null: none is open. */
  latestLossAt: number | null;
  now: number;
}

export interface Judgement {
  /** One incident, or more of the one that is open. */
  together: Loss[];
  alone: Loss[];
}

/** Longer than an agent takes for its first tries to come back, and than a fault takes to be seen on all links. */
export const WINDOW_MS = 30_000;
/** Fewer are told of one by one. */
const MIN_HOSTS = 3;
const MIN_SHARE = 0.2;
/** Never chance: of ten thousand hosts, a few go away in half a minute by themselves. */
const MASS = 50;
/** A fault may come and go; what is lost together later than that is another one, though a host of the first stayed away. */
const SAME_FAULT_MS = 10 * 60_000;

export const isSameFault = (latestLossAt: number, at: number): boolean => at <= latestLossAt + SAME_FAULT_MS;

export function judgeAbsences({ told, gone, latestLossAt, now }: Absences): Judgement {
  const losses = gone.toSorted((a, b) => a.at - b.at);
  const least = Math.min(MASS, Math.max(MIN_HOSTS, Math.ceil(MIN_SHARE * told)));
  const together = new Set([...followers(losses, latestLossAt, now), ...crowds(losses, least, now)]);
  return {
    together: losses.filter((loss) => together.has(loss)),
    alone: losses.filter((loss) => !together.has(loss) && isDue(loss, now)),
  };
}

const isDue = ({ at }: Loss, now: number): boolean => at + WINDOW_MS <= now;

/** Whatever is lost soon after the latest loss of an open incident belongs to it, once it has not come back in time. */
function followers(losses: readonly Loss[], latestLossAt: number | null, now: number): Loss[] {
  if (latestLossAt === null) return [];
  let latest = latestLossAt;
  return losses.filter((loss) => {
    const isNear = isDue(loss, now) && loss.at <= latest + WINDOW_MS;
    if (isNear) latest = Math.max(latest, loss.at);
    return isNear;
  });
}

/** All losses of each window that is over and holds enough of them. */
function crowds(losses: readonly Loss[], least: number, now: number): Loss[] {
  const found = new Set<Loss>();
  let end = 0; // of the window that begins with `first`; ten thousand hosts may be gone
  let taken = 0;
  for (const [begin, first] of losses.entries()) {
    if (!isDue(first, now)) break;
    while (end < losses.length && (losses[end]?.at ?? 0) <= first.at + WINDOW_MS) end += 1;
    if (end - begin < least) continue;
    for (const loss of losses.slice(Math.max(begin, taken), end)) found.add(loss);
    taken = end;
  }
  return [...found];
}
