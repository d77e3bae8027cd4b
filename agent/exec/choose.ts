// Which container of a service a program runs in: the one that is named, or the only one there is.
import { LongshoreError } from '#shared/errors.ts';
import type { Container } from '../docker/engine.ts';

export interface Choice {
  /** A service of the compose file. */
  service: string | null;
  /** Name or id. */
  container: string | null;
}

type Candidate = Pick<Container, 'id' | 'name' | 'service' | 'state'>;

/** What `docker ps` shows of an id. */
const SHORT_ID_CHARS = 12;

/** Throws `validation_error` that names the choices, `state_conflict` where none of them runs. */
export function chooseContainer<C extends Candidate>(containers: readonly C[], { service, container }: Choice): C {
  const ofService = containers.filter((one) => service === null || one.service === service);
  if (service !== null && ofService.length === 0) throw unknown('service', containers);
  const named = ofService.filter((one) => container === null || isCalled(one, container));
  if (container !== null && named.length === 0) throw unknown('container', ofService);
  const running = named.filter(({ state }) => state === 'running');
  const [only, ...others] = running;
  if (!only) throw noneRuns(named);
  if (others.length === 0) return only;
  throw ambiguous(running.some((one) => one.service !== only.service) ? 'service' : 'container', running);
}

const isCalled = ({ id, name }: Candidate, wanted: string): boolean =>
  name === wanted || (wanted.length >= SHORT_ID_CHARS && id.startsWith(wanted));

type Field = 'service' | 'container';

const namesOf = (field: Field, containers: readonly Candidate[]): string =>
  [...new Set(containers.map((one) => (field === 'service' ? one.service : one.name)))].toSorted().join(', ');

function unknown(field: Field, containers: readonly Candidate[]): LongshoreError {
  const names = namesOf(field, containers);
  const message = names === '' ? 'There are none' : `There is no such ${field}; there are: ${names}`;
  return new LongshoreError('validation_error', { fields: { [field]: message } });
}

const ambiguous = (field: Field, containers: readonly Candidate[]): LongshoreError =>
  new LongshoreError('validation_error', { fields: { [field]: `Choose one of: ${namesOf(field, containers)}` } });

function noneRuns(containers: readonly Candidate[]): LongshoreError {
  const [first] = containers;
  const message =
    first && containers.length === 1 ? `Container "${first.name}" does not run` : 'No container of the service runs';
  return new LongshoreError('state_conflict', { message });
}
