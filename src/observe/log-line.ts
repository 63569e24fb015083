import { showControls } from './text-width.ts';

/** Turns a JSON log line into one for people: time, level, message, then `name=value` for each fact. */
export function formatLogLine(line: string): string {
  const { time, level, message, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const facts = Object.entries(fields).map(([name, value]) => ` ${name}=${formatValue(value)}`);
  return `${String(time)} ${String(level).padEnd(5)} ${showControls(String(message ?? ''))}${facts.join('')}\n`;
}

function formatValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[^\s"=\p{C}]+$/u.test(text) ? text : JSON.stringify(text);
}
