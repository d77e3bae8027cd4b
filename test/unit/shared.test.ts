import t from 'tap';
import { ERRORS, LongshoreError, toLongshoreError } from '../../shared/errors.ts';
import { ID_PREFIXES, isId, newId, newRequestId } from '../../shared/ids.ts';
import { JOB_END_STATES, JOB_STATES, isJobEnd } from '../../shared/jobs.ts';
import { sleep, systemClock, toRfc3339 } from '../../shared/time.ts';

t.test('ids carry their prefix, sort by time and do not repeat', async (t) => {
  for (const prefix of ID_PREFIXES) t.ok(isId(prefix, newId(prefix)), prefix);
  t.ok(newId('svc', 1_000) < newId('svc', 1_001));
  t.ok(newId('svc', 1_700_000_000_000) < newId('svc', 1_800_000_000_000));
  t.equal(new Set(Array.from({ length: 10_000 }, () => newId('job', 5))).size, 10_000);
  t.notOk(isId('svc', 'job_abcdef123'));
  t.notOk(isId('svc', 'svc_../../etc'));
  t.match(newRequestId(), /^req_[\w-]+$/);
});

t.test('an error crosses the wire with code, text, details and fields, and without its cause', async (t) => {
  const error = new LongshoreError('validation_error', {
    message: 'Cannot create "x"',
    details: 'see fields',
    fields: { name: 'too long' },
    cause: new TypeError('secret'),
  });
  const back = LongshoreError.fromWire(JSON.parse(JSON.stringify(error.toWire())));
  t.match(back, { code: 'validation_error', message: 'Cannot create "x"', details: 'see fields', status: 422 });
  t.same(back.fields, { name: 'too long' });
  t.notMatch(JSON.stringify(error.toWire()), /secret|cause|stack/);
});

t.test('a code from a newer build becomes internal and is still named', async (t) => {
  const error = LongshoreError.fromWire({ code: 'from_the_future', message: 'hm' });
  t.match(error, { code: 'internal', details: 'from_the_future: hm' });
});

t.test('whatever is thrown becomes a coded error once', async (t) => {
  const coded = new LongshoreError('not_found');
  t.equal(toLongshoreError(coded), coded);
  t.match(toLongshoreError('text'), { code: 'internal', cause: 'text', message: ERRORS.internal.message });
});

t.test('every job state is either open or an end', async (t) => {
  t.same(JOB_STATES.filter(isJobEnd), [...JOB_END_STATES]);
});

t.test('times are RFC 3339 in UTC', async (t) => {
  t.equal(toRfc3339(0), '1970-01-01T00:00:00.000Z');
});

t.test('a sleep ends early with the reason of its signal', async (t) => {
  const abort = new AbortController();
  const waiting = sleep(systemClock, 60_000, abort.signal);
  abort.abort(new RangeError('enough'));
  await t.rejects(waiting, { name: 'RangeError' });
  await t.rejects(sleep(systemClock, 1, abort.signal), { name: 'RangeError' });
  await sleep(systemClock, 1);
});
