// Other systems' words for what a template is about, in ours. Their words stay as tags.
import { CATEGORIES } from '../schema.ts';

type Category = (typeof CATEGORIES)[number];

/** The first that fits a word counts. */
const WORDS: readonly [words: RegExp, category: Category][] = [
  [/\b(ai|llm|machine.?learning|vector)/i, 'ai'],
  [/analytic|statistic|business.?intelligence/i, 'analytics'],
  [/monitor|observab|logging|metrics|uptime|status/i, 'monitoring'],
  [/automation|workflow|low.?code|scrap|\bci\b/i, 'automation'],
  [/\b(cms|blog|wiki|website.?builder|ecommerce|e-commerce)/i, 'cms'],
  [/chat|communicat|mail|messag|social|forum|newsletter|support/i, 'communication'],
  [/database|\bdb\b|cache|nosql|redis|sql/i, 'database'],
  [/develop|\bgit|code|\bdev|\bapi|tools?for.?dev|registry|queue/i, 'development'],
  [/finance|budget|invoic|accounting|money/i, 'finance'],
  [/gam(e|ing)/i, 'games'],
  [/home|iot|smart/i, 'home'],
  [/media|photo|music|video|audio|torrent|download|stream|tv|books|reading/i, 'media'],
  [/security|password|auth|identity|sso|vpn|privacy/i, 'security'],
  [/network|dns|proxy|remote/i, 'networking'],
  [/file|storage|backup|\bdata\b|cloud|sync|document/i, 'files'],
  [/productiv|project|office|task|note|calendar|recipe|crm|\berp\b|management/i, 'productivity'],
  [/web|edge|server/i, 'web'],
];

export function categoryOf(words: readonly string[]): { category: Category; tags: string[] } {
  const found = words.map((word) => WORDS.find(([pattern]) => pattern.test(word))?.[1]);
  const tags = words.map((word) => word.trim().slice(0, 40)).filter((word) => word !== '');
  return {
    category: found.find((category) => category !== undefined) ?? 'other',
    tags: [...new Set(tags)].slice(0, 20),
  };
}
