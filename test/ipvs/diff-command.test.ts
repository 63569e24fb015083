import { describeDiff, runTool } from '../packets/diff-suite.ts';
import { netlinkVariant } from './variants.ts';

describeDiff(netlinkVariant(), async (lab) => {
  const server = ['-t', '10.96.0.20:80'];
  await runTool(lab, 'ipvsadm', '-e', ...server, '-r', '10.244.1.11:8080', '-m', '-w', '7');
  await runTool(lab, 'ipvsadm', '-d', ...server, '-r', '10.244.1.12:8080');
  const lineOf = (endpoint: string, weight: number): string => `-a -t 10.96.0.20:80 -r ${endpoint} -m -w ${weight} -x 0 -y 0`;
  const common = { service: 'default/web', place: 'ipvs' };
  return [
    { action: 'add', ...common, held: null, wanted: lineOf('10.244.1.12:8080', 1) },
    { action: 'change', ...common, held: lineOf('10.244.1.11:8080', 7), wanted: lineOf('10.244.1.11:8080', 1) },
  ];
});
