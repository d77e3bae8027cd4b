// Proposes how to run a repository: asks the endpoint, reads the answer, and lets out only what a stranger may ask for.
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { AiProposal, AiQuestion } from '#shared/protocol/ai-parts.ts';
import { readAnswer } from './answer.ts';
import { checkProposal } from './check-proposal.ts';
import type { Endpoint } from './endpoint.ts';
import { promptOf } from './prompt.ts';

export interface AdviserDeps {
  endpoint: Pick<Endpoint, 'ask'>;
  /** Host ports of Longshore itself. */
  reservedPorts: () => readonly number[];
  log: Logger;
}

export class Adviser {
  readonly #deps: AdviserDeps;

  constructor(deps: AdviserDeps) {
    this.#deps = deps;
  }

  /** `project`: the service's name. Throws `ai_unavailable`, `ai_failed`, what checkProposal throws, or the signal's reason. */
  readonly propose = async (question: AiQuestion, project: string, signal: AbortSignal): Promise<AiProposal> => {
    const { endpoint, reservedPorts, log } = this.#deps;
    try {
      const proposal = readAnswer(await endpoint.ask(promptOf(question), signal));
      checkProposal(proposal, { project, reservedPorts: reservedPorts() });
      return proposal;
    } catch (error) {
      signal.throwIfAborted();
      log.warn({ err: error, project }, 'the AI endpoint gave no proposal');
      throw asAdvice(toLongshoreError(error));
    }
  };
}

/** The user wrote no file: whose it is that was refused has to be said. */
function asAdvice(error: LongshoreError): LongshoreError {
  if (!FILE_FAULTS.includes(error.code)) return error;
  const { code, details, fields } = error;
  const rest = { ...(details !== undefined && { details }), ...(fields && { fields }) };
  return new LongshoreError(code, {
    message: `The AI's proposal was refused: ${error.message}`,
    ...rest,
    cause: error,
  });
}

const FILE_FAULTS: readonly string[] = ['compose_invalid', 'yaml_resource_limit', 'compose_policy'];
