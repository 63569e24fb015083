/**
 * Splits one rule into words the way `iptables-restore` does: blanks separate, double quotes hold a
 * word together, a backslash inside them takes the next character as it is. Null for an open quote.
 */
export function splitWords(text: string): string[] | null {
  if (!text.includes('"') && !text.includes('\t')) {
    const words = text.split(' ');
    return words.includes('') ? words.filter((word) => word !== '') : words;
  }
  const words: string[] = [];
  let at = 0;
  while (at < text.length) {
    if (isBlank(text[at])) {
      at += 1;
      continue;
    }
    const word = readWord(text, at);
    if (word === null) return null;
    words.push(word.value);
    at = word.end;
  }
  return words;
}

function readWord(text: string, start: number): { readonly value: string; readonly end: number } | null {
  let value = '';
  let quoted = false;
  let at = start;
  for (; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (character === '"') quoted = !quoted;
    else if (quoted && character === '\\') {
      at += 1;
      value += text[at] ?? '';
    } else if (!quoted && isBlank(character)) break;
    else value += character;
  }
  return quoted ? null : { value, end: at };
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}

/** A number as C's `strtoul` with base 0 reads it, 0 to 2^32-1; null for anything else. */
export function parseNumber(text: string): number | null {
  let value: number;
  if (/^0[xX][0-9a-fA-F]{1,8}$/.test(text)) value = Number.parseInt(text.slice(2), 16);
  else if (/^0[0-7]*$/.test(text)) value = Number.parseInt(text, 8);
  else if (/^[1-9][0-9]{0,9}$/.test(text)) value = Number(text);
  else return null;
  return value <= 0xffffffff ? value : null;
}

/** `value` or `value/mask`; `absent` is the mask where none is written. */
export function parseMasked(text: string, absent: number): { readonly value: number; readonly mask: number } | null {
  const slash = text.indexOf('/');
  const value = parseNumber(slash < 0 ? text : text.slice(0, slash));
  const mask = slash < 0 ? absent : parseNumber(text.slice(slash + 1));
  return value === null || mask === null ? null : { value, mask };
}
