// Which files a push touched, as its host tells. Null wherever that may not be all of them: then the push concerns
// everybody. Pure.
import { z } from 'zod';

const names = z.array(z.string());
const commits = z.array(z.object({ added: names, modified: names, removed: names }));

/** Of a payload; what has another form tells nothing. */
export const pushedFields = {
  before: z.string().nullish().catch(null),
  forced: z.boolean().nullish().catch(null),
  created: z.boolean().nullish().catch(null),
  commits: commits.nullish().catch(null),
  /** Gitea and Forgejo tell of the newest five. */
  total_commits: z.number().nullish().catch(null),
  /** GitLab tells of the newest twenty. */
  total_commits_count: z.number().nullish().catch(null),
};
export type PushedFields = z.infer<z.ZodObject<typeof pushedFields>>;

/** Where GitHub stops: github.com, and older releases of its Enterprise Server. */
const GITHUB_STOPS_AT = [2048, 20];
const NO_COMMIT = /^0*$/;

export function pushedFiles({ before, forced, created, commits: list, ...totals }: PushedFields): string[] | null {
  const isWhole = forced !== true && created !== true && !NO_COMMIT.test(before ?? '');
  if (!isWhole || !list || list.length === 0) return null;
  const total = totals.total_commits ?? totals.total_commits_count;
  const isAll = typeof total === 'number' ? total === list.length : !GITHUB_STOPS_AT.includes(list.length);
  return isAll
    ? [...new Set(list.flatMap(({ added, modified, removed }) => [...added, ...modified, ...removed]))]
    : null;
}
