// Text of strangers as a reader would see it. Every step takes time in the length of the text, whatever the text is.

/** Longer than any note or description one would read. */
const MAX_MARKUP_CHARS = 50_000;
const UNREAD = /^<(script|style)\b/i;
const BLOCK = /^<\/?(p|br|li|h\d|div|ul|ol)\b/i;
/** Few of them occur in such notes; what is left of others stays text. */
const ENTITIES: Record<string, string> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&nbsp;': ' ',
  '&amp;': '&',
};

/** HTML without its tags. */
export function withoutMarkup(html: string): string {
  const kept: string[] = [];
  let isUnread = false;
  for (const part of html.slice(0, MAX_MARKUP_CHARS).split(/(<[^<>]*>)/)) {
    const isTag = part.startsWith('<') && part.endsWith('>');
    if (isTag) isUnread = UNREAD.test(part);
    if (isTag && BLOCK.test(part)) kept.push('\n');
    if (!isTag && !isUnread) kept.push(part);
  }
  const text = kept.join('').replaceAll(/&(?:lt|gt|quot|#39|nbsp|amp);/g, (entity) => ENTITIES[entity] ?? entity);
  const lines = text.split('\n').map((line) => line.trimEnd());
  return lines
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}

/** For one line of ours: no markup, no line breaks, cut where it must be. */
export const oneLine = (text: string, chars: number): string => {
  const plain = withoutMarkup(text).replaceAll(/\s+/g, ' ').trim();
  return plain.length <= chars ? plain : `${plain.slice(0, chars - 1).trimEnd()}…`;
};
