// Run by template-patterns.test.ts in a process of its own, which is stopped and continued while it matches: a pattern
// that needs a few milliseconds, again and again, until a match fails or the far side hangs up.
import { matchesWhole } from '../../control/templates/match-pattern.ts';

process.once('disconnect', () => process.exit());

function round(): void {
  const matches = matchesWhole('(a+)+b', 'a'.repeat(18));
  process.send?.(matches ?? 'too long');
  setImmediate(round);
}
round();
