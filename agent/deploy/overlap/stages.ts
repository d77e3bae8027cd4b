// In what order a project is brought up when some of its services get their new containers beside the old ones. Pure.
import { levelsOf, needsOf, type DependencyCondition, type Rendered } from '../rendered.ts';

export interface Stage {
  services: string[];
  /** New containers beside the old ones; else Compose replaces what has changed. */
  isBeside: boolean;
}

/** Dependencies first, and each service as early as it can be; what can be left to one run of Compose is one stage. */
export function stagesOf(rendered: Rendered, beside: readonly string[]): Stage[] {
  const ranks = new Map<string, number>();
  for (const name of levelsOf(rendered).flat()) ranks.set(name, rankOf(name, { rendered, beside, ranks }));
  const byRank = [...Map.groupBy(ranks, ([, rank]) => rank)].toSorted(([a], [b]) => a - b);
  return byRank.map(([rank, entries]) => ({ services: entries.map(([name]) => name), isBeside: isOdd(rank) }));
}

interface Ranking {
  rendered: Rendered;
  beside: readonly string[];
  /** Of what comes before. */
  ranks: ReadonlyMap<string, number>;
}

/** Odd ranks are for what comes beside, even ones for the others. */
function rankOf(name: string, { rendered: { services }, beside, ranks }: Ranking): number {
  const service = services[name] ?? {};
  const isBeside = beside.includes(name);
  const bounds = needsOf(service).map((need) => {
    // Compose would wait for the old containers of `need` as well, which may be unhealthy.
    const isOnItsOwn = isBeside && service.depends_on?.[need]?.condition === 'service_healthy';
    return (ranks.get(need) ?? 0) + (isOnItsOwn ? 1 : 0);
  });
  const first = Math.max(0, ...bounds);
  return isOdd(first) === isBeside ? first : first + 1;
}

const isOdd = (rank: number): boolean => rank % 2 === 1;

/** What a stage must find done in the stages before it: Compose sees only the services it is given. */
export interface Requirements {
  healthy: string[];
  completed: string[];
}

export function requirementsOf({ services }: Rendered, stage: Stage): Requirements {
  const needed = (wanted: DependencyCondition) => {
    const needs = stage.services.flatMap((name) => Object.entries(services[name]?.depends_on ?? {}));
    const names = needs.filter(([, { condition, required }]) => condition === wanted && required !== false);
    return [...new Set(names.map(([name]) => name))].filter((name) => !stage.services.includes(name));
  };
  return { healthy: needed('service_healthy'), completed: needed('service_completed_successfully') };
}
