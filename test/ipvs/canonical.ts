/**
 * One text for all states that the kernel treats alike: it lists by hash and by the time at which things were made, and
 * counts what passed. No number is made another: marks and groups have the numbers that their names ask for.
 */

/** What `ipvsadm -Ln` prints, without counts. Destinations of a server are listed the newest first. */
export function canonicalServers(listing: string): string {
  const servers: string[][] = [];
  for (const line of listing.replaceAll(/\s+\d+\s+\d+\s*$/gm, '').split('\n')) {
    if (/^(TCP|UDP|SCTP|FWM) /.test(line)) servers.push([line.trim()]);
    else if (/^\s+-> \S+:\d/.test(line)) servers.at(-1)?.push(line.trim());
  }
  return canonicalLines(
    servers.map(([server = '', ...destinations]) => [server, ...destinations.toSorted()].join(' ')).join('\n'),
  );
}

/** What `nft list table` prints: chains and sets in the order of their names. Rules keep theirs: it has a meaning. */
export function canonicalTable(table: string): string {
  const blocks = sortElements(table).split(/^(?=\t(?:set|map|chain) )/m);
  const [head = '', ...rest] = blocks.map((block) => block.replace(/(?:\s*\n\t?\})+\s*$/, '').trim());
  return [head, ...rest.toSorted()].join('\n');
}

export function canonicalLines(text: string): string {
  return text.split('\n').filter(Boolean).toSorted().join('\n');
}

function sortElements(table: string): string {
  return table.replaceAll(/elements = \{([^}]*)\}/g, (_, inside: string) => {
    const elements = inside.split(',').map((element) =>
      element
        .replaceAll(/\s+/g, ' ')
        .replace(/ expires \S+/, '')
        .trim(),
    );
    // Kernel parameters belong to both families: whichever comes first sets them and remembers what they were.
    const own = elements.filter((element) => !/record\/[yt] /.test(element));
    return `elements = { ${own.toSorted().join(', ')} }`;
  });
}
