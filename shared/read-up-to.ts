// Reads the body of a stranger's answer, and no more of it than we have room for.

export interface ReadBody {
  body: Buffer;
  /** There was more than `maxBytes`. */
  isCut: boolean;
}

/** Leaving the loop destroys the stream and with it the connection. */
export async function readUpTo(stream: AsyncIterable<Buffer>, maxBytes: number): Promise<ReadBody> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) return { body: Buffer.concat(chunks).subarray(0, maxBytes), isCut: true };
  }
  return { body: Buffer.concat(chunks), isCut: false };
}
