// Asks before what cannot be undone.
import { createInterface } from 'node:readline/promises';
import { LongshoreError } from '#shared/errors.ts';
import type { World } from './world.ts';

/** `doing`: `Removing a service`. Throws `bad_request` where nobody can be asked or the answer is no. */
export async function confirm(world: World, doing: string, question: string): Promise<void> {
  if (!world.stdin.isTTY) throw new LongshoreError('bad_request', { message: `${doing} needs --yes` });
  const prompt = createInterface({ input: world.stdin, output: world.stderr });
  try {
    const answer = await prompt.question(`${question} [y/N] `, { signal: world.interruption() });
    if (!/^y(es)?$/i.test(answer.trim())) throw new LongshoreError('bad_request', { message: 'Nothing was done' });
  } finally {
    prompt.close();
  }
}
