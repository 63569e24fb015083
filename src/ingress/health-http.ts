import { formatEndpoint } from '../model/mod.ts';
import type { HealthProbe } from '../model/mod.ts';
import type { ProbeAnswer, ProbeTarget } from './health-types.ts';

/** Octets that are read of a response; a status line, and an interim response before it, are far shorter. */
const responseLimit = 4096;
/** RFC 9112, 4: version, status code, and a reason that may be empty or missing with the space before it. */
const statusLine = /^HTTP\/1\.[01] ([1-5][0-9][0-9])(?: ([^\r\n]*))?$/;
const shownLength = 80;

/** The request of a check. Nothing after the status line is read, so nothing but that is asked for. */
export function writeRequest({ path, host }: Extract<HealthProbe, { kind: 'http' }>, target: ProbeTarget): Uint8Array {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host ?? formatEndpoint(target.address, target.port)}`,
    'User-Agent: waypost-health',
    'Accept: */*',
    'Connection: close',
    '',
    '',
  ];
  return Buffer.from(lines.join('\r\n'), 'latin1');
}

/** Reads a response as it comes, no further than to its status. */
export class StatusReader {
  #text = '';

  /** The answer, or null while more is needed. */
  take(bytes: Uint8Array): ProbeAnswer | null {
    this.#text += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    for (;;) {
      const end = this.#text.indexOf('\n');
      if (end < 0) return this.#text.length < responseLimit ? null : bad(this.#text);
      const line = this.#text.slice(0, end).replace(/\r$/, '');
      const found = statusLine.exec(line);
      if (found === null) return bad(line);
      const status = Number(found[1]);
      // 101 is the last word of this protocol; the others come before the response itself (RFC 9110, 15.2).
      if (status >= 200 || status === 101) {
        const kind = status >= 200 && status < 400 ? 'good' : 'bad';
        return { kind, text: oneLine(`HTTP status ${status} ${found[2] ?? ''}`) };
      }
      const over = /\r?\n\r?\n/.exec(this.#text);
      if (over === null) return this.#text.length < responseLimit ? null : bad(this.#text);
      this.#text = this.#text.slice(over.index + over[0].length);
    }
  }

  /** The other side ended the connection. */
  end(): ProbeAnswer {
    return this.#text === '' ? { kind: 'bad', text: 'connection ended without a response' } : bad(this.#text);
  }
}

function bad(text: string): ProbeAnswer {
  return { kind: 'bad', text: `no HTTP response: ${JSON.stringify(oneLine(text))}` };
}

/** Short, and without what a terminal would take for more than text. */
export function oneLine(text: string): string {
  const line = (/^[^\r\n]*/.exec(text)?.[0] ?? '').replaceAll(/[^ -~]/g, '?').trim();
  return line.length > shownLength ? `${line.slice(0, shownLength)}...` : line;
}
