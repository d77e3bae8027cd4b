// What a host tells of a repository that the AI shall look at, and what comes back. The rules of schema.ts hold here too:
// append-only, built on first use. Both are written by strangers: the limits are the receiver's only promise.
import * as z from 'zod';
import { lazy } from './parts.ts';

/** Together well below a frame, also when JSON escapes every second character. */
export const DESCRIPTION_LIMITS = {
  files: 400,
  texts: 30,
  textChars: 12_000,
  /** Of all texts together. */
  allChars: 120_000,
  pathChars: 200,
} as const;

export const PROPOSAL_LIMITS = {
  composeChars: 64 * 1024,
  dockerfileChars: 32 * 1024,
  variables: 50,
  reasons: 20,
  textChars: 1_000,
} as const;

/** Names that are told of those which the user has given. */
export const MAX_GIVEN_VARIABLES = 500;

/** What the end of a failed attempt said, for the AI to read. */
export const FAILURE_LOG_CHARS = 8_000;

const path = () => z.string().max(DESCRIPTION_LIMITS.pathChars);

/** A commit in so far as it may leave its host: no secrets, nothing binary. */
export const repositoryDescription = lazy(() =>
  z.object({
    /** Those nearest to the top. */
    files: z.array(z.object({ path: path(), bytes: z.number().int().nonnegative() })).max(DESCRIPTION_LIMITS.files),
    /** Of all. */
    fileCount: z.number().int().nonnegative(),
    texts: z
      .array(z.object({ path: path(), text: z.string().max(DESCRIPTION_LIMITS.textChars), isCut: z.boolean() }))
      .max(DESCRIPTION_LIMITS.texts),
  }),
);
export type RepositoryDescription = z.infer<ReturnType<typeof repositoryDescription>>;

const text = () => z.string().max(PROPOSAL_LIMITS.textChars);

export const aiProposal = lazy(() =>
  z.object({
    compose: z.string().max(PROPOSAL_LIMITS.composeChars),
    /** For the compose services that are built and name no Dockerfile of the repository. */
    dockerfile: z.string().max(PROPOSAL_LIMITS.dockerfileChars).nullable(),
    /** For `${NAME}` in the compose text; without a value: the user has to give one. */
    variables: z
      .array(z.object({ name: z.string().max(100), value: text().nullable(), purpose: text() }))
      .max(PROPOSAL_LIMITS.variables),
    /** Where the containers answer; null for what answers nowhere. */
    port: z.number().int().min(1).max(65_535).nullable(),
    /** An HTTP path that says whether they are well. */
    healthPath: text().nullable(),
    reasons: z.array(text()).max(PROPOSAL_LIMITS.reasons),
  }),
);
export type AiProposal = z.infer<ReturnType<typeof aiProposal>>;

export const aiQuestion = lazy(() =>
  z.object({
    /** Empty for a plan, which no job asks for. */
    jobId: z.string(),
    /** Of a plan: what control gave along with its request. */
    grant: z.string().max(64).optional(),
    repository: repositoryDescription(),
    /** Names of variables that the user has given. */
    variables: z.array(z.string().max(255)).max(MAX_GIVEN_VARIABLES),
    /** What was proposed before; `failure` says what became of it, without: it runs, made from an earlier commit. */
    previous: z
      .object({
        compose: z.string().max(PROPOSAL_LIMITS.composeChars),
        dockerfile: z.string().max(PROPOSAL_LIMITS.dockerfileChars).nullable(),
        failure: z
          .object({
            code: z.string().max(64),
            message: z.string().max(4096),
            log: z.string().max(FAILURE_LOG_CHARS),
          })
          .nullable(),
      })
      .nullable(),
  }),
);
export type AiQuestion = z.infer<ReturnType<typeof aiQuestion>>;
