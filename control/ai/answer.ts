// The answer that the AI endpoint is asked for, and how it is read. Written by a machine that read a stranger's repository:
// whatever does not fit to the letter is refused.
import * as z from 'zod';
import { LongshoreError } from '#shared/errors.ts';
import { aiProposal, type AiProposal } from '#shared/protocol/ai-parts.ts';

/** As strict schemas want it: every field there, nothing else; the limits are our own business, see aiProposal. */
export const answerSchema = () =>
  z.strictObject({
    compose: z.string().describe('The compose file'),
    dockerfile: z.string().nullable().describe("For services with `build: .`; null when the repository's own is used"),
    variables: z.array(
      z.strictObject({
        name: z.string(),
        value: z.string().nullable().describe('A default; null for what the user has to give, secrets above all'),
        purpose: z.string(),
      }),
    ),
    port: z.int().nullable().describe('The port in the container that answers; null when none does'),
    health_path: z.string().nullable().describe('An HTTP path that answers 200 when all is well'),
    reasons: z.array(z.string()).describe('One short sentence for each choice'),
  });

/** Throws `ai_failed`, saying where it does not fit. */
export function readAnswer(text: string): AiProposal {
  const answer = answerSchema().safeParse(parseJson(text));
  if (!answer.success) throw misfit(answer.error);
  const { health_path: healthPath, ...rest } = answer.data;
  const proposal = aiProposal().safeParse({ ...rest, healthPath });
  if (!proposal.success) throw misfit(proposal.error);
  return proposal.data;
}

/** Endpoints that do not know strict schemas like to put their JSON between fences. */
const FENCED = /^\s*```(?:json)?\s*\n([\s\S]*?)\n\s*```\s*$/;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(FENCED.exec(text)?.[1] ?? text);
  } catch (error) {
    throw new LongshoreError('ai_failed', { details: 'Its answer is not JSON', cause: error });
  }
}

function misfit(error: z.ZodError): LongshoreError {
  const [issue] = error.issues;
  const where = issue?.path.join('.') || 'the top level';
  return new LongshoreError('ai_failed', { details: `Its answer does not fit at ${where}: ${issue?.message ?? ''}` });
}
