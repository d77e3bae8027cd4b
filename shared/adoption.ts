// The words of what runs on a host without Longshore having started it, and of taking it over.
import type { AdoptedContainer, JobEndState, JobKind } from './jobs.ts';
import type { ContainerView } from './model.ts';

/** `compose`: all containers of a Compose project. `container`: one that belongs to none. */
export const FOUND_KINDS = ['compose', 'container'] as const;
export type FoundKind = (typeof FOUND_KINDS)[number];

/** What keeps a find from being adopted; the first two, by another name, no longer do. */
export const OBSTACLE_CODES = [
  'name_invalid',
  'name_taken',
  'foreign_part',
  'own_part',
  'swarm',
  'temporary',
  'shared_namespace',
] as const;

export interface Obstacle {
  code: (typeof OBSTACLE_CODES)[number];
  message: string;
}

/** A Compose project or a single container that no service has. */
export interface Find {
  kind: FoundKind;
  name: string;
  /** Where Compose was run, and with which files, as its labels tell; null and none for a single container. */
  workingDir: string | null;
  configFiles: string[];
  containers: ContainerView[];
  obstacle: Obstacle | null;
}

/** Any container of a host. */
export interface HostContainer extends ContainerView {
  /** Compose project; empty for a container that Compose did not make. */
  project: string;
  /** Null for one that no service has. */
  serviceId: string | null;
}

/** What a service would be made from to be what runs now. */
export interface AdoptionDraft {
  compose: string;
  variables: Record<string, string>;
  containers: AdoptedContainer[];
}

/** Whether a job that ends like this leaves no service: a removal that was done, an adoption that was not. */
export const endsService = (kind: JobKind, state: JobEndState): boolean =>
  kind === 'remove' ? state === 'succeeded' : kind === 'adopt' && state !== 'succeeded';
