import t from 'tap';
import { planRetry } from '../../agent/link/backoff.ts';

const [earliest, middle, latest] = [() => 0, () => 0.5, () => 0.999999];
const plan = (failures: number, random: () => number) => planRetry({ failures, code: 'unavailable' }, random).delayMs;

t.test('an operator may keep the tries closer together', async (t) => {
  const delayMs = (failures: number) =>
    planRetry({ failures, code: 'unavailable', lastWindowMs: 2_000 }, () => 1).delayMs;
  t.strictSame([1, 2, 3, 20].map(delayMs), [1000, 2000, 2000, 2000]);
});

t.test('the windows grow from 1 s to 64 s and stay there', (t) => {
  const windows = [1, 2, 3, 4, 5, 6, 7, 8, 50, 2000].map((failures) => plan(failures, latest));
  t.strictSame(windows, [1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 64_000, 64_000, 64_000]);
  t.end();
});

t.test('the moment is uniform inside its window', (t) => {
  t.strictSame([plan(3, earliest), plan(3, middle), plan(3, latest)], [0, 2000, 4000]);
  t.end();
});

t.test('what control asks for is waited out, and the jitter comes on top', (t) => {
  const asked = (random: () => number, retryAfterS: number) =>
    planRetry({ failures: 2, code: 'unavailable', retryAfterS }, random).delayMs;
  t.strictSame([asked(earliest, 30), asked(latest, 30)], [30_000, 32_000]);
  t.equal(asked(earliest, 1e9), 3_600_000, 'but not for more than an hour');
  t.end();
});

t.test('around the moment that control named the window stays small, however often it was named', (t) => {
  const after = (failures: number) => planRetry({ failures, code: 'unavailable', retryAfterS: 5 }, latest).delayMs;
  t.strictSame([1, 2, 3, 20].map(after), [6000, 7000, 7000, 7000]);
  t.end();
});

t.test('what only a person can change is asked for every five minutes', (t) => {
  const states = (['revoked', 'token_invalid', 'unsupported'] as const).map((code) =>
    planRetry({ failures: 1, code }, earliest),
  );
  t.strictSame(states, [
    { delayMs: 300_000, state: 'revoked' },
    { delayMs: 300_000, state: 'refused' },
    { delayMs: 300_000, state: 'refused' },
  ]);
  t.equal(planRetry({ failures: 1, code: 'revoked', retryAfterS: 600 }, earliest).delayMs, 600_000);
  t.end();
});

t.test('everything else is waited for', (t) => {
  for (const code of ['link_closed', 'unavailable', 'handshake_failed', 'identity_conflict', 'internal'] as const) {
    t.equal(planRetry({ failures: 1, code }, earliest).state, 'waiting', code);
  }
  t.end();
});
