// Whose deploys stop at their plan, and what is said of one that waits. Pure.
import { LongshoreError } from '#shared/errors.ts';
import type { JobKind, ProposalMark } from '#shared/jobs.ts';
import type { DeployMethod } from '#shared/model.ts';
import type { WaitingMark } from '../../store/reviews.ts';

const COMMIT_CHARS = 12;

interface Asked {
  kind: JobKind;
  /** This time; undefined: as the service wants it. */
  review?: boolean | undefined;
  approves?: string | undefined;
}

/** What is done about a deploy that was asked for. What was approved, or ran before, was reviewed then. */
export function kindOf({ kind, review, approves }: Asked, method: DeployMethod, isWanted: boolean): JobKind {
  if (method !== 'ai' || (kind !== 'deploy' && kind !== 'redeploy') || approves !== undefined) return kind;
  return (review ?? isWanted) ? 'propose' : kind;
}

/** Throws `validation_error` for services that nobody proposes. */
export function requireReviewable(method: DeployMethod, review: boolean | undefined): void {
  if (review === undefined || method === 'ai') return;
  const problem = `is for services by AI, and this one is made from ${method}`;
  throw new LongshoreError('validation_error', { fields: { review: problem } });
}

/** The proposal that waits. Throws `state_conflict` when it is not the one that was shown. */
export function requireWaiting(name: string, waiting: WaitingMark | null, shownId: string): WaitingMark {
  if (waiting?.id === shownId) return waiting;
  throw new LongshoreError('state_conflict', {
    message: waiting ? `Another proposal for "${name}" waits by now` : `No proposal for "${name}" waits for review`,
    details: 'Nothing was changed. Look at the proposal again and decide anew.',
  });
}

export const shortCommit = ({ commit }: Pick<ProposalMark, 'commit'>): string => commit.slice(0, COMMIT_CHARS);

/** Why a service is as it is, where nothing else is wrong; null when nothing waits. */
export const reasonToWait = (waiting: ProposalMark | null): string | null =>
  waiting && `A proposal for commit ${shortCommit(waiting)} waits for review`;
