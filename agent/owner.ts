// Whose container it is. The agent's table says which project is whose; the label only tells a service from its removed
// namesake, and of an adopted container the engine shows the label that it would have.
import { PROJECT_LABEL } from './docker/container-view.ts';
import { SERVICE_LABEL, type ContainerSummary } from './docker/engine.ts';

export interface OwnService {
  serviceId: string;
  /** The Compose project. */
  name: string;
}

/** Undefined for a container that no service of this host has. */
export const ownerOf = (
  { project, labels }: Pick<ContainerSummary, 'project' | 'labels'>,
  services: readonly OwnService[],
): OwnService | undefined =>
  services.find(({ serviceId, name }) => name === project && labels[SERVICE_LABEL] === serviceId);

/**
 * Which containers of a Compose project are the service's own: a project of its name may be a removed namesake's, or one
 * that somebody else runs, and what those log or do is not the service's to show.
 */
export const isOf =
  (serviceId: string) =>
  ({ labels }: Pick<ContainerSummary, 'labels'>): boolean =>
    labels[SERVICE_LABEL] === serviceId;

/** Adopted, and unknown to Compose: `docker run` made it, or a Compose project of another name. */
export const isForeign = ({ project, labels }: Pick<ContainerSummary, 'project' | 'labels'>): boolean =>
  labels[PROJECT_LABEL] !== project;
