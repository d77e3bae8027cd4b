// The words between a deploy and whoever answers its question about a repository.
import type { AiProposal, AiQuestion } from '#shared/protocol/ai-parts.ts';

/** Null: there is no AI endpoint. Fails with `ai_unavailable`, `ai_failed`, and what the proposal was refused for. */
export type AskAi = (question: AiQuestion, signal: AbortSignal) => Promise<AiProposal | null>;

/** Why a proposal did not work. */
export type AiFailure = NonNullable<NonNullable<AiQuestion['previous']>['failure']>;

/** What the AI says of the commit that a job deploys. */
export interface Advice {
  proposal: AiProposal;
  /** The proposed ones beneath those of the user. */
  variables: Record<string, string>;
  /** Once it has failed; the next proposal is made from it. */
  failure?: AiFailure;
}
