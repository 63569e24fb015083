import { showControls, textWidth } from './text-width.ts';

/** A column: its heading and how its cells are set. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/**
 * Lines of aligned text, heading first, two blanks between columns, none at the ends. Every row has one
 * cell for each column; control characters are spelt out.
 */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = [columns.map(({ title }) => title), ...rows].map((row) => row.map(showControls));
  const widths = columns.map((_, index) => cells.reduce((width, row) => Math.max(width, textWidth(row[index] ?? '')), 0));
  const lines = cells.map((row) => {
    const padded = columns.map(({ align = 'left' }, index) => {
      const cell = row[index] ?? '';
      const blanks = ' '.repeat((widths[index] ?? 0) - textWidth(cell));
      return align === 'left' ? cell + blanks : blanks + cell;
    });
    return padded.join('  ').trimEnd();
  });
  return `${lines.join('\n')}\n`;
}
