/** Reads 32 bits of a packet mark, hexadecimal with `0x` or decimal; null for anything else. */
export function parseMark(text: string): number | null {
  if (!/^(?:0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text)) return null;
  const mark = Number(text);
  return mark <= 0xffff_ffff ? mark : null;
}

/** As `nft` and `ip rule` write it. */
export function formatMark(mark: number): string {
  return `0x${mark.toString(16).padStart(8, '0')}`;
}
