const prefixes = ['', 'k', 'M', 'G', 'T', 'P'] as const;

/** With three digits and the prefix of SI, for tables and the page: `0`, `0.4`, `12.5`, `812`, `3.42M`; `-` for what is not known. */
export function formatAmount(amount: number | null): string {
  if (amount === null) return '-';
  if (amount < 0.05) return '0';
  if (amount < 10) return withoutZeros(amount.toFixed(1));
  let scaled = amount;
  let step = 0;
  // 999.5 would be rounded to four digits.
  while (scaled >= 999.5 && step < prefixes.length - 1) {
    scaled /= 1000;
    step += 1;
  }
  const digits = scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
  return `${withoutZeros(scaled.toFixed(digits))}${prefixes[step]}`;
}

function withoutZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
