// Bodies: JSON in UTF-8 without a content encoding, at most 1 MiB and 32 levels deep. Of repeated keys the last one
// counts, and only the parsed value is ever looked at (RFC 8259 §4 leaves it open).
import type { FastifyInstance } from 'fastify';
import { LongshoreError } from '#shared/errors.ts';

/** A compose file may have 256 KiB; escaped twice and with variables it still fits. */
export const BODY_LIMIT_BYTES = 1024 * 1024;
/** Our deepest body has 4 levels. Checked on the text, because a recursive walk over a parsed value can overflow. */
export const MAX_DEPTH = 32;

const BOM = '\uFEFF';
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function readJsonBodies(http: FastifyInstance): void {
  const parse = http.getDefaultJsonParser('error', 'error'); // refuses __proto__ and constructor.prototype
  http.removeAllContentTypeParsers();
  http.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    void parse(request, decode(body as Buffer), done);
  });
  http.addHook('preParsing', async (request) => {
    if (request.headers['content-encoding'] !== undefined) throw new LongshoreError('unsupported_media_type');
  });
}

function decode(body: Buffer): string {
  let text: string;
  try {
    text = utf8.decode(body);
  } catch (cause) {
    throw new LongshoreError('invalid_json', { details: 'The body is not UTF-8', cause });
  }
  if (text.startsWith(BOM)) throw new LongshoreError('invalid_json', { details: 'The body starts with a BOM' });
  if (isDeeperThan(text, MAX_DEPTH))
    throw new LongshoreError('too_deep', { details: `More than ${MAX_DEPTH} levels of arrays and objects` });
  return text;
}

/** Whether brackets outside of strings nest deeper than `limit`. Looks at no more of the text than it must. */
export function isDeeperThan(json: string, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (inString) {
      if (char === '\\') i++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') {
      if (++depth > limit) return true;
    } else if (char === '}' || char === ']') depth--;
  }
  return false;
}
