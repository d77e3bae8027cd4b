// The last lines of a container out of one answer of Docker: frames of 8 header bytes and data, or plain text when
// the container has a terminal. Only for error messages; following logs has its own, faster reader.

const HEADER_BYTES = 8;

export function splitLogFrames(answer: Buffer): string[] {
  const text = Buffer.concat(isFramed(answer) ? [...frames(answer)] : [answer]).toString('utf8');
  return text
    .replace(/\r?\n$/, '')
    .split(/\r?\n/)
    .filter((line, _, all) => line !== '' || all.length > 1);
}

/** Type 0–2, then three zero bytes. */
const isFramed = (data: Buffer): boolean =>
  data.length >= HEADER_BYTES && (data[0] ?? 9) <= 2 && data[1] === 0 && data[2] === 0 && data[3] === 0;

function* frames(data: Buffer): Generator<Buffer> {
  for (let at = 0; at + HEADER_BYTES <= data.length; ) {
    const end = at + HEADER_BYTES + data.readUInt32BE(at + 4);
    yield data.subarray(at + HEADER_BYTES, end);
    at = end;
  }
}
