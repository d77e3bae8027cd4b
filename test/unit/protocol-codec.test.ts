import t from 'tap';
import { toLongshoreError } from '#shared/errors.ts';
import { decodeData, decodeFrame, encodeData, encodeFrame, type Frame } from '#shared/protocol/codec.ts';
import { MAX_FRAME_BYTES } from '#shared/protocol/limits.ts';

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return toLongshoreError(error).code;
  }
  return 'nothing';
};

t.test('each kind of frame survives the way there', (t) => {
  const frames: Frame[] = [
    { t: 'req', id: 1, m: 'echo', p: { data: 'ü' } },
    { t: 'res', id: 1, r: [1, null] },
    { t: 'err', id: 1, e: { code: 'stale', message: 'm', details: 'd', fields: { a: 'b' } } },
    { t: 'cancel', id: 1 },
    { t: 'ntf', m: 'job.progress', p: {} },
    { t: 'sopen', id: 2, m: 'logs', p: {} },
    { t: 'sack', id: 2 },
    { t: 'send', id: 2 },
    { t: 'send', id: 2, e: { code: 'not_found', message: 'gone' } },
    { t: 'scredit', id: 2, n: 65_536 },
    { t: 'scancel', id: 2 },
  ];
  for (const frame of frames) t.strictSame(decodeFrame(encodeFrame(frame)), frame, frame.t);
  t.end();
});

t.test('fields of a later version are ignored', (t) => {
  t.strictSame(decodeFrame('{"t":"sack","id":3,"colour":"red","__proto__":{"x":1}}'), { t: 'sack', id: 3 });
  const error = '{"t":"err","id":1,"e":{"code":"c","message":"m","hint":"h","fields":{"a":"b","n":1},"details":7}}';
  t.strictSame(decodeFrame(error), { t: 'err', id: 1, e: { code: 'c', message: 'm', fields: { a: 'b' } } });
  t.end();
});

t.test('A35, A38: a malformed frame is a protocol violation', (t) => {
  const faults = {
    'not JSON': '{',
    empty: '',
    'a number': '7',
    'a list': '[]',
    null: 'null',
    'no type': '{}',
    'a type of nobody': '{"t":"nope","id":1}',
    'a type from the prototype': '{"t":"constructor","id":1}',
    'a type that is no text': '{"t":["req"],"id":[1]}',
    'no id': '{"t":"req","m":"echo"}',
    'id 0': '{"t":"sack","id":0}',
    'a negative id': '{"t":"sack","id":-1}',
    'a broken id': '{"t":"sack","id":1.5}',
    'an id beyond counting': '{"t":"sack","id":9007199254740993}',
    'a text as id': '{"t":"sack","id":"1"}',
    'no method': '{"t":"req","id":1}',
    'no error': '{"t":"err","id":1}',
    'an error without a code': '{"t":"err","id":1,"e":{"message":"m"}}',
    'a text as error': '{"t":"send","id":1,"e":"x"}',
    'no credit': '{"t":"scredit","id":1}',
    'negative credit': '{"t":"scredit","id":1,"n":-5}',
  };
  for (const [name, text] of Object.entries(faults))
    t.equal(
      codeOf(() => decodeFrame(text)),
      'protocol_violation',
      name,
    );
  t.end();
});

t.test('a frame over the limit is refused at both ends', (t) => {
  const long = 'x'.repeat(MAX_FRAME_BYTES);
  t.equal(
    codeOf(() => encodeFrame({ t: 'res', id: 1, r: long })),
    'payload_too_large',
  );
  t.equal(
    codeOf(() => decodeFrame(`{"t":"res","id":1,"r":"${long}"}`)),
    'protocol_violation',
  );
  t.equal(
    codeOf(() => decodeData(new Uint8Array(MAX_FRAME_BYTES + 1))),
    'protocol_violation',
  );
  t.end();
});

t.test('the limit counts bytes, not characters', (t) => {
  const room = MAX_FRAME_BYTES - encodeFrame({ t: 'res', id: 1, r: '' }).length;
  t.equal(
    codeOf(() => encodeFrame({ t: 'res', id: 1, r: 'x'.repeat(room) })),
    'nothing',
  );
  t.equal(
    codeOf(() => encodeFrame({ t: 'res', id: 1, r: 'x'.repeat(room + 1) })),
    'payload_too_large',
  );
  t.equal(
    codeOf(() => encodeFrame({ t: 'res', id: 1, r: '€'.repeat(room / 2) })),
    'payload_too_large',
  );
  t.end();
});

t.test('stream data carries its id before the payload', (t) => {
  const frame = encodeData(0xfffffffe, Buffer.from('line\n'));
  t.equal(frame.toString('hex'), `fffffffe${Buffer.from('line\n').toString('hex')}`);
  const { id, payload } = decodeData(frame);
  t.equal(id, 0xfffffffe);
  t.equal(Buffer.from(payload).toString(), 'line\n');
  t.end();
});

t.test('a payload may be empty and a frame may lie inside a larger buffer', (t) => {
  t.equal(decodeData(encodeData(1, new Uint8Array())).payload.byteLength, 0);
  const inside = Buffer.concat([Buffer.from('before'), encodeData(9, Buffer.from('x')), Buffer.from('after')]);
  const { id, payload } = decodeData(inside.subarray(6, 11));
  t.strictSame([id, Buffer.from(payload).toString()], [9, 'x']);
  t.end();
});

t.test('a binary frame without an id is a violation', (t) => {
  t.equal(
    codeOf(() => decodeData(new Uint8Array(3))),
    'protocol_violation',
  );
  t.end();
});
