// The names that Compose gives its containers: who has one has not been given any other. Pure.
import { COMPOSE_SERVICE_LABEL, PROJECT_LABEL, withoutSlash } from './container-view.ts';
import type { RawContainer } from './raw-container.ts';

/** In front of a container's name for the moment while it replaces another. */
const REPLACING = /^[0-9a-f]{12}_/;

/** Its name, if somebody chose it. */
export function ownName(container: RawContainer): string | undefined {
  const name = withoutSlash(container.Name).replace(REPLACING, '');
  return isGivenName(container, name) ? undefined : name;
}

/** Aliases that every container has; nobody asked for those. After a rename the first name is among them. */
export function isGivenAlias(container: RawContainer, alias: string): boolean {
  const service = container.Config.Labels?.[COMPOSE_SERVICE_LABEL];
  const name = withoutSlash(container.Name);
  const own = [service, name, name.replace(REPLACING, ''), container.Id.slice(0, 12)];
  return own.includes(alias) || isGivenName(container, alias.replace(REPLACING, ''));
}

/** `project-service-1`; with underscores from older versions. */
function isGivenName({ Config: { Labels: labels } }: RawContainer, name: string): boolean {
  const [project, service] = [labels?.[PROJECT_LABEL], labels?.[COMPOSE_SERVICE_LABEL]];
  if (project === undefined || service === undefined) return false;
  const starts = [`${project}-${service}`, `${project}_${service}`];
  return starts.some((start) => name.startsWith(start) && /^[-_]\d+$/.test(name.slice(start.length)));
}
