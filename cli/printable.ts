// What a stranger's program or a name from elsewhere may do to a terminal: nothing. An escape sequence in a log line can
// rewrite the screen, the title or the clipboard, so no control byte goes out as it is.

/** C0 but tab, DEL, C1, line and paragraph separators, bidirectional overrides and isolates. */
// oxlint-disable-next-line no-control-regex -- finding them is the point
const UNSAFE = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
/** The same for JSON text, which has escaped C0 already and whose own line ends must stay. */
const UNSAFE_IN_JSON = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

const asUnicodeEscape = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** One line of text with every control character written out: `\x1b[31m`, `\r`, `\u202e`. */
export const printable = (text: string): string =>
  text.replace(UNSAFE, (character) => {
    const code = character.charCodeAt(0);
    if (character === '\n') return '\\n';
    if (character === '\r') return '\\r';
    return code > 0xff ? asUnicodeEscape(character) : `\\x${code.toString(16).padStart(2, '0')}`;
  });

/** The same, but a line feed stays: for text that has lines, such as details of an error. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n');

/** JSON that reads back as the same value and holds nothing a terminal would act on. */
export const printableJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent).replace(UNSAFE_IN_JSON, asUnicodeEscape);
