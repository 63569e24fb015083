import type { Reporter } from 'knip';

/** Says how many files knip analysed, which its own reporters keep to themselves. Read by `countProcessedFiles`. */
const reportCount: Reporter = ({ counters }) => {
  process.stdout.write(`knip processed ${counters.processed} files\n`);
};

export default reportCount;
