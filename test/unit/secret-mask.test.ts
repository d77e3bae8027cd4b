// Secrets in texts and log lines, by value: each form that is promised, each place where a line can be cut.
import { randomBytes } from 'node:crypto';
import t from 'tap';
import { FrameBuilder, MAX_MESSAGE_BYTES } from '../../agent/docker/log-frames.ts';
import { createLogParser } from '../../agent/docker/log-parser.ts';
import { formsOf } from '../../agent/secrets/forms.ts';
import { followMask, createMask, Mask } from '../../agent/secrets/mask.ts';
import { Matcher } from '../../agent/secrets/matcher.ts';
import { lineClose } from '#shared/protocol/log-frame.ts';
import { RecordParser } from '../../agent/docker/log-records.ts';
import { Random } from '../support/random.ts';
import { fromFrame } from '../support/log-lines.ts';

const SECRET = 'pa$$/w+rd "é" \\ & <kéy>=ü';
const STAMP = '2026-03-29T10:00:00.123456789Z';
const maskOf = (...secrets: string[]): Mask => new Mask(secrets);
const mask = maskOf(SECRET);

t.test('A63: a secret is hidden in each form in which programs print it', async (t) => {
  const json = JSON.stringify(SECRET).slice(1, -1);
  const forms: Record<string, string> = {
    plain: SECRET,
    json,
    'json as Go writes it': json.replace('&', '\\u0026').replace('<', '\\u003c').replace('>', '\\u003e'),
    'json in ASCII': json.replaceAll('é', '\\u00e9').replace('ü', '\\u00fc'),
    url: encodeURIComponent(SECRET),
    'url in lower case': encodeURIComponent(SECRET).replaceAll(/%../g, (hex) => hex.toLowerCase()),
    form: new URLSearchParams({ v: SECRET }).toString().slice(2),
  };
  for (const [name, form] of Object.entries(forms))
    t.equal(mask.text(`before ${form} after`), 'before *** after', name);
});

t.test('A63: base64 shows a secret at none of its three alignments', async (t) => {
  const secret = 'correct-horse-battery-staple';
  for (const encoding of ['base64', 'base64url'] as const) {
    for (const before of ['', 'a', 'ab', 'user:', 'abcdefgh']) {
      for (const after of ['', 'z', 'zz', '\n']) {
        const told = maskOf(secret).text(Buffer.from(before + secret + after).toString(encoding));
        t.match(told, '***', `${encoding} of ${before}…${after}`);
        t.notMatch(Buffer.from(told.replace('***', ''), encoding).toString(), /horse|battery|staple/);
      }
    }
  }
});

t.test('A63: the password within a URL and the lines of a key are secrets too', async (t) => {
  const url = maskOf('postgres://app:s3cret-p%40ss@db/app');
  t.equal(url.text('PGPASSWORD=s3cret-p@ss'), 'PGPASSWORD=***');
  t.equal(url.text('login s3cret-p%40ss'), 'login ***');
  t.equal(maskOf('-----BEGIN KEY-----\nMIIEvQIBADANBg\n').text('line MIIEvQIBADANBg'), 'line ***');
});

t.test('A63: a value of less than eight characters stays: it is a word like any other', async (t) => {
  t.equal(createMask(['short', '1234567', '']), undefined);
  t.equal(maskOf('12345678').text('12345678 1234567'), '*** 1234567');
});

t.test('A63: many secrets are found where one by one would find them', async (t) => {
  const secrets = Array.from({ length: 200 }, (_, n) =>
    randomBytes(8 + (n % 40))
      .toString('hex')
      .slice(n % 9),
  );
  const many = maskOf(...secrets);
  for (let round = 0; round < 300; round++) {
    const picked = [round, round * 7, round * 13].map((n) => secrets[n % secrets.length] ?? '');
    const text = `${'x'.repeat(round % 17)}${picked.join(' and ')}${'y'.repeat(round % 5)}`;
    const expected = `${'x'.repeat(round % 17)}*** and *** and ***${'y'.repeat(round % 5)}`;
    if (many.text(text) !== expected) t.fail(`differs for ${text}: ${many.text(text)}`);
  }
});

t.test('the longest of two patterns that begin alike is the match', async (t) => {
  const matcher = new Matcher(['postgres-one', 'postgres-one-two', 'postgres'].map((text) => Buffer.from(text)));
  const text = Buffer.from('a postgres-one-two b');
  t.same(matcher.find(text, 0, text.length), { start: 2, end: 18 });
  t.same(matcher.find(text, 0, 15), { start: 2, end: 14 }, 'not beyond the end that was given');
  t.equal(matcher.find(text, 3, text.length), undefined);
});

/** Docker's multiplexed stream: records of at most 16 KiB with the line's one timestamp. */
function records(message: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length; at += MAX_MESSAGE_BYTES) {
    const body = Buffer.concat([Buffer.from(`${STAMP} `), message.subarray(at, at + MAX_MESSAGE_BYTES)]);
    const head = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
    head.writeUInt32BE(body.length, 4);
    parts.push(head, body);
  }
  return Buffer.concat(parts);
}

function read(message: string, own: Mask, chunkBytes: number): string[] {
  const frames = new FrameBuilder(() => own);
  const parser = createLogParser(false, (line) => frames.add(line, lineClose('web-1')));
  const stream = records(Buffer.from(`${message}\n`));
  for (let at = 0; at < stream.length; at += chunkBytes) parser.push(stream.subarray(at, at + chunkBytes));
  parser.end();
  return frames
    .takeAll()
    .flatMap(fromFrame)
    .map((entry) => entry.message);
}

t.test('A63: a secret that arrives in pieces is hidden, wherever the chunks are cut', async (t) => {
  for (let chunk = 1; chunk < 120; chunk++) {
    const [told] = read(`token=${SECRET}!`, mask, chunk);
    if (told !== 'token=***!') t.fail(`chunks of ${chunk} show ${told}`);
  }
});

/** What the mask promises, by trying every form at every place. */
function maskedByHand(text: string, forms: readonly Buffer[]): string {
  const bytes = Buffer.from(text);
  const hits = [...bytes.keys()].flatMap((at) =>
    forms.filter((form) => bytes.subarray(at, at + form.length).equals(form)).map(({ length }) => [at, at + length]),
  ) as [number, number][];
  let [told, end] = [Buffer.alloc(0), 0];
  for (const [from, to] of hits) {
    if (from >= end) told = Buffer.concat([told, bytes.subarray(end, from), Buffer.from('***')]);
    end = Math.max(end, to);
  }
  return Buffer.concat([told, bytes.subarray(end)]).toString();
}

t.test('A63: no byte of any secret is left, however secrets overlap and lines arrive', async (t) => {
  const seed = Date.now();
  const random = new Random(seed);
  const letters = ['a', 'b', 'é', '"', '\\'];
  const word = (least: number, most: number): string =>
    Array.from({ length: random.int(least, most) }, () => random.pick(letters)).join('');
  let fault: string | undefined;
  for (let round = 0; round < 400 && fault === undefined; round++) {
    const secrets = Array.from({ length: random.int(1, 4) }, () => word(8, 14));
    // Parts of secrets make overlaps and near misses.
    const parts = Array.from({ length: random.int(1, 8) }, () => {
      const secret = random.pick(secrets);
      return random.pick([secret, secret.slice(random.int(0, 6)), word(0, 6), JSON.stringify(secret).slice(1, -1)]);
    });
    const text = parts.join('');
    const [told] = read(text, new Mask(secrets), random.int(1, 60));
    const expected = maskedByHand(text, formsOf(secrets));
    if (told !== expected) fault = JSON.stringify({ secrets, text, told, expected });
  }
  t.equal(fault, undefined, `400 rounds from seed ${seed}`);
});

t.test('A63: a secret across the end of what a line may hold leaves no beginning behind', async (t) => {
  const secret = 'abcdefghijklmnopqrstuvwxyz';
  for (let before = 1; before < secret.length; before++) {
    const [told = ''] = read('x'.repeat(MAX_MESSAGE_BYTES - before) + secret + 'y'.repeat(40), maskOf(secret), 4096);
    t.match(told, /x(\*\*\*|abc?|a)… \[cut, \d+ bytes more\]$/, `${before} bytes before the cut`);
  }
});

t.test('A63: a secret that begins within another one and is cut off leaves nothing behind', async (t) => {
  const [told = ''] = read(
    `${'x'.repeat(MAX_MESSAGE_BYTES - 16)}12345678abcdefghijklmnop`,
    maskOf('12345678abcd', '78abcdefghijkl'),
    999,
  );
  t.match(told, /x\*\*\*\*\*\*… \[cut, 8 bytes more\]$/);
});

t.test('A63: lines from the log files of Docker hide what they hold, escaped or not', async (t) => {
  const frames = new FrameBuilder(() => mask);
  const close = lineClose('web-1');
  const parser = new RecordParser(false, undefined, {
    onEscaped: (line) => frames.addEscaped(line, close),
    onLine: (line) => frames.add(line, close),
  });
  const write = (log: string) => {
    const record = JSON.stringify({ log: `${log}\n`, stream: 'stdout', time: '2026-03-29T10:00:00.1Z' });
    parser.push(Buffer.from(`${record.replaceAll(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)}\n`));
  };
  for (const log of [`a ${SECRET} b`, 'plain', 'with "quotes" and \\ and \ttab', JSON.stringify({ password: SECRET })])
    write(log);
  const told = frames
    .takeAll()
    .flatMap(fromFrame)
    .map((entry) => entry.message);
  t.same(told, ['a *** b', 'plain', 'with "quotes" and \\ and \ttab', '{"password":"***"}']);
});

t.test('A63: a log that is followed hides a secret from the moment the service has it', async (t) => {
  const source = { secretsVersion: 0, secrets: [] as string[], secretsOf: () => source.secrets };
  const find = followMask(source, 'svc_1');
  t.equal(find(), undefined);
  source.secrets = ['a-new-secret'];
  source.secretsVersion++;
  t.equal(find()?.text('a-new-secret'), '***');
  t.equal(find(), find(), 'made once');
});
