// The Git side of services in bodies and answers: what of a repository is deployed, and with which credentials.
import { z } from 'zod';
import { LongshoreError } from '#shared/errors.ts';
import type { GitSource } from '#shared/model.ts';
import { DEFAULT_GIT_USERNAME, type ServiceChange, type ShownGit } from '../../app/api/services.ts';
import { MAX_WATCH_PATH_CHARS, MAX_WATCH_PATHS } from '../../app/git/watch-paths.ts';

const gitUrl = z.string().min(1).max(2048);
const gitBranch = z.string().min(1).max(255);
const commit = z.string().min(1).max(64);
const path = z.string().min(1).max(255);
const token = z.string().min(1).max(2048);
const username = z.string().min(1).max(255);
/** An RSA key of 8192 bits takes half of it. */
const keyText = z.string().min(1).max(16_384);
const watchPaths = z.array(z.string().min(1).max(MAX_WATCH_PATH_CHARS)).max(MAX_WATCH_PATHS);

const watch = {
  git_watch_paths: watchPaths.optional().meta({
    description: 'A push deploys only when it touches one of these: `*`, `**`, `?`, and `!` before an exception',
    example: ['apps/web/**', '!**/*.md'],
  }),
};
/** For repositories that not everybody may read. */
const credentials = {
  git_token: token.optional().describe('For a private repository on https; never shown again'),
  git_username: username.optional().describe(`Beside the token: ${DEFAULT_GIT_USERNAME}`),
  git_deploy_key: keyText
    .optional()
    .describe('For a repository by ssh: a private key as OpenSSH writes it; never shown'),
  git_known_hosts: keyText.optional().describe("Lines of a known_hosts file; else the host's first key is remembered"),
};

export const gitFields = {
  git_url: gitUrl.describe('https or ssh address of the repository'),
  git_branch: gitBranch.optional().describe("A branch or tag; else the repository's own"),
  git_commit: commit.optional().describe('Full name of the commit to deploy; else the newest'),
  git_path: path.optional().describe('Folder of the repository where what is deployed lies; else its top'),
  git_submodules: z.boolean().optional().describe('Fetch its submodules, too: false'),
  git_lfs: z.boolean().optional().describe('Fetch what Git LFS keeps for it, too: false'),
  ...watch,
  ...credentials,
};

export const aiFields = {
  ai_url: gitUrl.describe('The repository to find out about'),
  ...watch,
  ...credentials,
};

const kept = 'Never shown. Another one deploys, which tries it; null removes.';

/** Of a PATCH. */
export const gitChangeFields = {
  git_commit: commit.nullable().optional().meta({
    description: 'Full name of the commit to deploy; null: the newest of the branch. For services from Git.',
    example: null,
  }),
  git_path: path.nullable().optional().meta({
    description: 'Folder of the repository where what is deployed lies; null: its top. For services from Git.',
    example: 'apps/web',
  }),
  git_submodules: z.boolean().optional().meta({ description: 'Fetch its submodules, too' }),
  git_lfs: z.boolean().optional().meta({ description: 'Fetch what Git LFS keeps for it, too' }),
  git_watch_paths: watchPaths.nullable().optional().meta({
    description: 'What a push must touch to deploy; null: every push does. Deploys nothing.',
    example: null,
  }),
  git_token: token
    .nullable()
    .optional()
    .meta({
      description: `For a private repository on https. ${kept}`,
      example: null,
    }),
  git_username: username.optional().meta({ description: 'Beside the token' }),
  git_deploy_key: keyText
    .nullable()
    .optional()
    .meta({
      description: `For a repository by ssh: a private key as OpenSSH writes it. ${kept}`,
      example: null,
    }),
  git_known_hosts: keyText.nullable().optional().meta({
    description: 'Lines of a known_hosts file, the only ones to count; null: the first key of the host is remembered.',
    example: null,
  }),
};

export const gitView = z.object({
  url: z.string(),
  branch: z.string().nullable(),
  commit: z.string().nullable().meta({ description: 'The one to deploy; null: the newest' }),
  path: z.string().nullable().meta({ description: 'Folder where what is deployed lies; null: the top' }),
  submodules: z.boolean().meta({ description: 'Whether its submodules are fetched' }),
  lfs: z.boolean().meta({ description: 'Whether what Git LFS keeps for it is fetched' }),
  has_token: z.boolean().meta({ description: 'Whether it has a token for its repository' }),
  has_deploy_key: z.boolean().meta({ description: 'Whether it has a key for its repository' }),
  known_hosts: z.string().nullable().meta({ description: 'The only hosts it believes; null: whom it met first' }),
});

export const deployKeyView = z
  .object({
    public_key: z.string().meta({
      description: "To be entered at the repository's host, for reading",
      example: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPQ5Kw2F2qBbF4iY0cYtBqmJk3m3q8yqfZ9o2f8xJ2wB longshore-my-app',
    }),
  })
  .meta({ id: 'DeployKey', description: 'The private part is never shown.' });

type GitBody = z.infer<z.ZodObject<typeof gitFields>>;
type Credentials = z.infer<z.ZodObject<typeof credentials>>;

export const toGitSource = (body: GitBody): GitSource => ({
  url: body.git_url,
  branch: body.git_branch ?? null,
  ...(body.git_commit !== undefined && { commit: body.git_commit }),
  ...(body.git_path !== undefined && { path: body.git_path }),
  ...(body.git_submodules && { submodules: true }),
  ...(body.git_lfs && { lfs: true }),
  ...credentialsOf(body),
});

export const toAiSource = (body: z.infer<z.ZodObject<typeof aiFields>>): GitSource => ({
  url: body.ai_url,
  branch: null,
  ...credentialsOf(body),
});

function credentialsOf(body: Credentials): Pick<GitSource, 'login' | 'deployKey' | 'knownHosts'> {
  const { git_token: password, git_username: name, git_deploy_key: deployKey, git_known_hosts: knownHosts } = body;
  if (password === undefined && name !== undefined)
    throw new LongshoreError('validation_error', { fields: { git_username: 'goes with a git_token' } });
  return {
    ...(password !== undefined && { login: { username: name ?? DEFAULT_GIT_USERNAME, password } }),
    ...(deployKey !== undefined && { deployKey }),
    ...(knownHosts !== undefined && { knownHosts }),
  };
}

type GitChange = Pick<ServiceChange, Extract<keyof ServiceChange, `git${string}`>>;

export const toGitChange = (body: z.infer<z.ZodObject<typeof gitChangeFields>>): GitChange => ({
  gitCommit: body.git_commit,
  gitPath: body.git_path,
  gitSubmodules: body.git_submodules,
  gitLfs: body.git_lfs,
  gitWatchPaths: body.git_watch_paths,
  gitToken: body.git_token,
  gitUsername: body.git_username,
  gitDeployKey: body.git_deploy_key,
  gitKnownHosts: body.git_known_hosts,
});

export const toGitView = (git: ShownGit): z.infer<typeof gitView> => ({
  url: git.url,
  branch: git.branch,
  commit: git.commit ?? null,
  path: git.path ?? null,
  submodules: git.submodules ?? false,
  lfs: git.lfs ?? false,
  has_token: git.hasToken,
  has_deploy_key: git.hasDeployKey,
  known_hosts: git.knownHosts ?? null,
});
