// What healing reads off a container before it judges it. Pure.
import { SERVICE_LABEL, type Container } from '../docker/engine.ts';
import { knownOf, type HealingRecord } from './record.ts';

const ONE_OFF_LABEL = 'com.docker.compose.oneoff';

/** A namesake's, and what `docker compose run` made, are not the service's. */
export const isOwn = ({ labels }: Container, serviceId: string): boolean =>
  labels[SERVICE_LABEL] === serviceId && labels[ONE_OFF_LABEL] !== 'True';

/** Killed in its present or last run, and nobody was told. */
export const isUntoldOom = (record: HealingRecord, { id, oomKilled, startedAt }: Container): boolean =>
  oomKilled && knownOf(record, id).oomAt < startedAt;
