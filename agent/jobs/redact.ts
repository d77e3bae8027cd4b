// Takes a service's secrets out of what its jobs say: Docker and Compose like to quote the command line they choke on.
import { LongshoreError } from '#shared/errors.ts';
import type { ServiceSpec } from '#shared/model.ts';
import type { JobOutcome } from '../deploy/job-run.ts';

/** A shorter value is a word like any other: blacking it out would garble the text and guard nothing. */
const MIN_SECRET_CHARS = 8;

export type Redact = (text: string) => string;

/** Replaces each secret variable's value, longest first, so that one inside another leaves no rest. */
export function redactorOf({ variables, secretNames }: Pick<ServiceSpec, 'variables' | 'secretNames'>): Redact {
  const values = secretNames
    .map((name) => variables[name] ?? '')
    .filter((value) => value.length >= MIN_SECRET_CHARS)
    .toSorted((a, b) => b.length - a.length);
  return (text) => values.reduce((rest, value) => rest.replaceAll(value, '***'), text);
}

/** The same end, told without secrets. The cause stays as it is: it never leaves this process. */
export function redactOutcome(outcome: JobOutcome, redact: Redact): JobOutcome {
  if (outcome.state === 'succeeded') return outcome;
  const { code, message, details, fields, cause } = outcome.error;
  const error = new LongshoreError(code, {
    message: redact(message),
    ...(details !== undefined && { details: redact(details) }),
    ...(fields !== undefined && { fields: mapValues(fields, redact) }),
    cause,
  });
  return { ...outcome, error };
}

const mapValues = (fields: Record<string, string>, redact: Redact): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, redact(text)]));
