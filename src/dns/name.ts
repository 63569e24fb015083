/**
 * A domain name as the octets of its wire form (RFC 1035 3.1), uncompressed and with the root at its end, one octet to a
 * character (latin1): `\x03www\x07example\x03com\x00`. A label may hold any octet, dots included, so a name is never
 * handled as dotted text. Names that are compared or are keys are in lower case (ASCII alone, RFC 4343).
 */
export type Name = string;

export const rootName: Name = '\0';

/** Octets of a name in wire form, RFC 1035 2.3.4. */
export const longestName = 255;
const longestLabel = 63;

/**
 * The name that a text in presentation form stands for, `\.` and `\065` escapes understood (RFC 1035 5.1); relative names
 * are taken as complete. Keeps the spelling. Null where it is no name: empty labels, labels above 63 or names above 255 octets.
 */
export function parseName(text: string): Name | null {
  if (text === '.' || text === '') return text === '.' ? rootName : null;
  const labels: string[] = [];
  let label = '';
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index] ?? '';
    if (character === '.') {
      if (label === '') return null;
      labels.push(label);
      label = '';
      continue;
    }
    if (character === '\\') {
      const escape = readEscape(text, index + 1);
      if (escape === null) return null;
      label += escape.character;
      index += escape.length;
      continue;
    }
    if (character.charCodeAt(0) > 255) return null;
    label += character;
  }
  if (label !== '') labels.push(label);
  return joinLabels(labels);
}

function readEscape(text: string, at: number): { readonly character: string; readonly length: number } | null {
  const first = text[at];
  if (first === undefined || first.charCodeAt(0) > 255) return null;
  if (first < '0' || first > '9') return { character: first, length: 1 };
  const digits = text.slice(at, at + 3);
  if (!/^\d{3}$/.test(digits) || Number(digits) > 255) return null;
  return { character: String.fromCharCode(Number(digits)), length: 3 };
}

/** A name of these labels, or null where one is empty or longer than 63 octets or all are too long together. */
export function joinLabels(labels: readonly string[]): Name | null {
  let name = '';
  for (const label of labels) {
    if (label === '' || label.length > longestLabel) return null;
    name += String.fromCharCode(label.length) + label;
  }
  return name.length < longestName ? name + rootName : null;
}

/** The labels, leftmost first, without the root. */
export function labelsOf(name: Name): string[] {
  const labels: string[] = [];
  for (let at = 0; ;) {
    const length = name.charCodeAt(at);
    if (!(length > 0)) return labels;
    labels.push(name.slice(at + 1, at + 1 + length));
    at += 1 + length;
  }
}

/** Presentation form with the dot at the end; dots, backslashes and what is not printable are escaped. */
export function formatName(name: Name): string {
  const labels = labelsOf(name);
  return labels.length === 0 ? '.' : labels.map((label) => `${escapeLabel(label)}.`).join('');
}

function escapeLabel(label: string): string {
  return label.replaceAll(/[^!-~]|[.\\"();@$]/g, (character) => {
    const code = character.charCodeAt(0);
    return code > 0x20 && code < 0x7f ? `\\${character}` : `\\${String(code).padStart(3, '0')}`;
  });
}

/** ASCII letters alone are folded: U+212A is not `k`, and octets above 127 stay (RFC 4343). */
export function lowerName(name: Name): Name {
  // Length octets are at most 63, below the letters, so the whole text can be folded at once.
  return /[A-Z]/.test(name) ? name.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase()) : name;
}

/** The name without its first label; the root has none. */
export function parentOf(name: Name): Name | null {
  const length = name.charCodeAt(0);
  return length > 0 ? name.slice(1 + length) : null;
}

/** Whether a name is `zone` or below it, at a boundary of labels. Both in lower case. */
export function isWithin(name: Name, zone: Name): boolean {
  if (!name.endsWith(zone)) return false;
  const target = name.length - zone.length;
  let at = 0;
  while (at < target) at += 1 + name.charCodeAt(at);
  return at === target;
}
