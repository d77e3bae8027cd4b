// Takes a service's secrets out of what its jobs say: Docker and Compose like to quote the command line they choke on.
import { LongshoreError } from '#shared/errors.ts';
import type { PlanStep } from '#shared/jobs.ts';
import type { JobOutcome } from '../deploy/job-run.ts';
import { createMask } from '../secrets/mask.ts';

export type Redact = (text: string) => string;

/** Replaces each secret, in every form that the mask of the service's logs knows too. */
export function redactorOf(secrets: readonly string[]): Redact {
  const mask = createMask(secrets);
  return mask ? (text) => mask.text(text) : (text) => text;
}

/** The same end, told without secrets. The cause stays as it is: it never leaves this process. */
export function redactOutcome(outcome: JobOutcome, redact: Redact): JobOutcome {
  const plan = outcome.plan && { plan: outcome.plan.map((step) => redactStep(step, redact)) };
  if (outcome.state === 'succeeded') return { ...outcome, ...plan };
  return { ...outcome, ...plan, error: redactError(outcome.error, redact) };
}

export const redactError = ({ code, message, details, fields, cause }: LongshoreError, redact: Redact) =>
  new LongshoreError(code, {
    message: redact(message),
    ...(details !== undefined && { details: redact(details) }),
    ...(fields !== undefined && { fields: mapValues(fields, redact) }),
    cause,
  });

/** A reason may quote an image's name, a user or a path, and a variable may stand in any. */
export function redactStep<T extends PlanStep>(step: T, redact: Redact): T {
  const { replacement } = step;
  const hidden = replacement && { replacement: { ...replacement, reason: redact(replacement.reason) } };
  return { ...step, reason: redact(step.reason), ...hidden };
}

const mapValues = (fields: Record<string, string>, redact: Redact): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, redact(text)]));
