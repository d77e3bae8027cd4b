// A container as it is set up now; live-config.ts makes it from Docker's answers.
import type { ComposeMap } from '#shared/compose/values.ts';
import type { ContainerState } from '#shared/model.ts';

/** A compose service in its long form. Plain data; networks and volumes by the names Docker has for them. */
export interface LiveConfig extends ComposeMap {
  image: string;
  container_name?: string;
  environment?: Record<string, string | null>;
  labels?: Record<string, string>;
  networks?: Record<string, ComposeMap>;
  ports?: ComposeMap[];
  volumes?: ComposeMap[];
}

export interface LiveContainer {
  id: string;
  name: string;
  /** Compose project, service and number; empty and 0 for a container that Compose did not make. */
  project: string;
  service: string;
  number: number;
  /** Made by `docker compose run`. */
  isOneOff: boolean;
  state: ContainerState;
  imageId: string;
  /** All of them, also those that `config.labels` leaves out; but no hash of Compose's that the image brought. */
  labels: Readonly<Record<string, string>>;
  config: LiveConfig;
  /** Its anonymous volumes, also those that the image asks for: place in the container → name. */
  anonymousVolumes: Readonly<Record<string, string>>;
}
