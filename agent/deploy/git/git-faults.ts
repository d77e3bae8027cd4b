// What a run of git that failed is told as: what git said, and the way out where there is one. Pure.
import { LongshoreError } from '#shared/errors.ts';

/** Follows its reason; stands alone where its file outgrew the limit. */
const INDEX_PACK_DIED = 'fatal: fetch-pack: invalid index-pack output';
const OUT_OF_MEMORY = /^fatal: [Oo]ut of memory/;
/** Git's own words for an end of ssh. Why, the other side's git has said as its own, or ssh in words of its own. */
const SSH_DIED = 'fatal: Could not read from remote repository.';

/** `words`: the last lines it said, in English. `isOverLimit`: a file of it outgrew its limit. */
export function gitFault(words: readonly string[], isOverLimit: boolean): LongshoreError {
  const faults = words.filter((line) => /^(fatal|error): /.test(line));
  const reasons = faults.filter((line) => line !== INDEX_PACK_DIED);
  const isCutOff = faults.length > 0 && reasons.length === 0;
  if (isOverLimit || isCutOff || reasons.some((line) => OUT_OF_MEMORY.test(line)))
    return new LongshoreError('repo_limit', { details: 'git needed more disk or memory than it may have' });
  const said = reasons.filter((line) => line !== SSH_DIED).at(-1);
  if (said === undefined && reasons.length > 0) return new LongshoreError('git_failed', { details: explainSsh(words) });
  return new LongshoreError('git_failed', { details: explain(said ?? words.at(-1) ?? 'git failed') });
}

function explain(words: string): string {
  if (/could not read Username|Authentication failed|403/.test(words))
    return `${words}; the repository does not exist, or is private and wants a git_token that may read it`;
  if (/error: 30[12378]|base from redirection/.test(words)) return `${words}; give the URL that it redirects to`;
  return words;
}

const NEW_HOST_KEY = 'when you have compared it with what the host says of itself, give its line as git_known_hosts';

const NO_REASON = /^($|fatal:|Warning:|Please make sure|and the repository exists)/;

/** What ssh said stands before the words of git, a line of the other side's perhaps between them. */
function explainSsh(words: readonly string[]): string {
  const text = words.join('\n');
  const shown = /^(SHA256:[\w+/=]+)\.?$/m.exec(text)?.[1];
  if (text.includes('HOST IDENTIFICATION HAS CHANGED'))
    return `the host of the repository shows another key than before${shown ? `, ${shown}` : ''}; ${NEW_HOST_KEY}`;
  if (/host key is known for|Host key verification failed/.test(text))
    return `the host of the repository shows a key that git_known_hosts does not have; ${NEW_HOST_KEY}`;
  const said = words.filter((line) => !NO_REASON.test(line)).at(-1) ?? SSH_DIED;
  if (text.includes('Permission denied'))
    return `${said}; the repository does not exist, or wants a deploy key that was entered at its host`;
  return said;
}
