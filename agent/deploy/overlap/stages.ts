// In what order a project is brought up when some of its services get their new containers beside the old ones. Pure.
import { levelsOf, type DependencyCondition, type Rendered } from '../rendered.ts';

export interface Stage {
  services: string[];
  /** New containers beside the old ones; else Compose replaces what has changed. */
  isBeside: boolean;
}

/** Dependencies first; what can be left to one run of Compose is one stage. */
export function stagesOf(rendered: Rendered, beside: readonly string[]): Stage[] {
  const stages: Stage[] = [];
  for (const level of levelsOf(rendered)) {
    for (const isBeside of [false, true]) {
      const services = level.filter((name) => beside.includes(name) === isBeside);
      const last = stages.at(-1);
      if (last?.isBeside === isBeside) last.services.push(...services);
      else if (services.length > 0) stages.push({ services, isBeside });
    }
  }
  return stages;
}

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
