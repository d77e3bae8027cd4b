// Asks control what the AI says. The link may break while the model thinks: control knows the job still, so the question
// is asked again once the link is back.
import { LongshoreError } from '#shared/errors.ts';
import type { Peer } from '#shared/protocol/peer-types.ts';
import { sleep, type Clock } from '#shared/time.ts';
import type { AskAi } from '../deploy/ai/question.ts';

/** Control gives up earlier; a question may wait behind others of this host. */
const ANSWER_LIMIT_MS = 30 * 60_000;
const LOOK_AGAIN_MS = 1_000;
/** How often one looks for a link in all: about as many seconds. */
const MAX_LOOKS = 120;

export interface AskAiDeps {
  /** Undefined while there is no link. */
  findPeer: () => Pick<Peer, 'request'> | undefined;
  clock: Clock;
}

export function createAskAi({ findPeer, clock }: AskAiDeps): AskAi {
  return async (question, signal) => {
    for (let looks = 0; looks < MAX_LOOKS; looks++) {
      try {
        const answer = await findPeer()?.request('ai.propose', question, { timeoutMs: ANSWER_LIMIT_MS, signal });
        if (answer) return answer.proposal;
      } catch (error) {
        if (!(error instanceof LongshoreError)) throw error;
        if (error.code === 'unsupported') return null; // an older control plane
        if (error.code === 'timed_out') throw new LongshoreError('ai_unavailable', { cause: error });
        if (error.code !== 'link_closed') throw error;
      }
      await sleep(clock, LOOK_AGAIN_MS, signal);
    }
    throw new LongshoreError('ai_unavailable', { details: 'The control plane, which asks it, cannot be reached' });
  };
}
