// Text on its way into HTML. Everything that is put into the page goes through here.

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export const text = (raw: string): string => raw.replaceAll(/[&<>"']/g, (char) => ENTITIES[char] ?? char);

/** Sentences, in which `code` stands between backticks. */
export const prose = (raw: string): string => text(raw).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
