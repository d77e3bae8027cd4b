// The files of test/fleet, one at a time beside all others: each boots hosts of its own, and waits for them most of the time.
// Tap runs files in the order of their names, and this is by far the longest: its name puts it first.
import { globSync } from 'node:fs';
import t from 'tap';

/** On a busy machine, which may have to make the image and the release first. */
const LIMIT_MS = 1_200_000;

t.jobs = 1;
t.setTimeout(LIMIT_MS);

for (const file of globSync('test/fleet/*.test.ts').toSorted()) void t.spawn(process.execPath, [file], { name: file });
